"""Drill `sentiment`: three in ten texts can never be read. They leave at the first attempt, and hold nobody up.

Runs without and with invalid texts take turns, with the valid ones at the same pace, so that whatever else the machine
does falls on both.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count

from postroom.drills import notes
from postroom.drills.figures import Verdict, at_most, exactly, told
from postroom.drills.letters import Letters
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import until

AGENT = "postroom.drills.sentiment_agent:agent"
VALID_PER_SECOND = 40.0
# Three invalid ones for seven valid ones.
INVALID_SHARE = 3 / 7
ROUNDS = 2
SETTLE_SECONDS = 120.0


def play(scene: Scene, verdict: Verdict) -> None:
    scene.agent("sentiment", AGENT, "--concurrency", "4", "--pool", "threads")
    sender, letters = Sender(scene), Letters(scene.postroom, "sentiment")
    progress = scene.progress("sentiment", scene.size.count * ROUNDS * 2)
    sender.send_one("", valid=True)  # the first one waits for the worker to start
    until(lambda: notes.count(scene.folder, "read") == 1, "the agent to read its first text", SETTLE_SECONDS)
    for _ in range(ROUNDS):
        for mixed in (False, True):
            for _ in sender.send(f"{mixed}", scene.size.count, mixed):
                progress.at(notes.count(scene.folder, "read"), "mixed" if mixed else "valid texts only")
            until(
                lambda: _all_dealt_with(scene, sender),
                "the texts of a round to be dealt with",
                SETTLE_SECONDS,
            )
    until(
        lambda: len(letters.message_ids()) >= len(sender.invalid),
        "the letters to be in custody",
        SETTLE_SECONDS,
    )
    progress.close()
    _judge(scene, verdict, sender, letters)


class Sender:
    """Sends texts at a pace, and knows which were invalid."""

    def __init__(self, scene: Scene) -> None:
        self._agent = scene.sender("reader")
        self.invalid: set[str] = set()
        self.of_round: dict[str, str] = {}

    def send(self, round_: str, valid: int, mixed: bool) -> Iterator[None]:
        """Valid texts at their pace; in a mixed round the invalid ones between them."""
        began, owed = time.monotonic(), 0.0
        for number in count():
            if number == valid:
                return
            time.sleep(max(0.0, began + number / VALID_PER_SECOND - time.monotonic()))
            self.send_one(round_, valid=True)
            owed += INVALID_SHARE if mixed else 0.0
            while owed >= 1:
                owed -= 1
                self.send_one(round_, valid=False)
            yield

    def send_one(self, round_: str, *, valid: bool) -> None:
        text = "thanks, all is fine" if valid else "  "
        message_id = self._agent.send_message("sentiment", {"text": text, "sent_at": time.time()})
        self.of_round[message_id] = round_
        if not valid:
            self.invalid.add(message_id)


def _all_dealt_with(scene: Scene, sender: Sender) -> bool:
    return len({fields[0] for fields in notes.read(scene.folder, "tried")}) == len(
        sender.of_round
    ) and notes.count(scene.folder, "read") >= len(sender.of_round) - len(sender.invalid)


def _judge(scene: Scene, verdict: Verdict, sender: Sender, letters: Letters) -> None:
    tries = Counter(fields[0] for fields in notes.read(scene.folder, "tried"))
    times: dict[str, list[float]] = {"False": [], "True": [], "": []}
    for message_id, seconds in notes.read(scene.folder, "read"):
        times[sender.of_round[message_id]].append(float(seconds))
    without, beside = p99(times["False"]), p99(times["True"])
    kept = letters.message_ids()
    verdict.add(
        told("valid texts", len(sender.of_round) - len(sender.invalid)),
        told("invalid texts", len(sender.invalid)),
        exactly("most attempts at an invalid text", max(tries[each] for each in sender.invalid), 1),
        exactly("invalid texts without a letter", len(sender.invalid - set(kept)), 0),
        exactly("valid texts with a letter", len(set(kept) - sender.invalid), 0),
        exactly("valid texts read twice", _twice(notes.read(scene.folder, "read")), 0),
        told("p99 of valid texts alone, ms", round(without * 1000, 1)),
        told("p99 of valid texts beside invalid ones, ms", round(beside * 1000, 1)),
        at_most("ratio", round(beside / without, 2), 1.5),
    )


def _twice(rows: Iterable[list[str]]) -> int:
    return sum(times > 1 for times in Counter(fields[0] for fields in rows).values())


def p99(seconds: list[float]) -> float:
    """Of at least one."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


DRILL = Drill(
    "sentiment",
    "three in ten texts are invalid: one attempt each, and valid ones are as fast as without them",
    play,
    small=Size("small", 200),
    full=Size("full", 2_000),
    brokers=("redis", "rabbitmq"),
)
