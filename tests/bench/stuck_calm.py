"""A healthy but bursty system: nothing may be called stuck, and no alert may fire.

    python -m tests.bench.stuck_calm [--minutes 10] [--broker redis|rabbitmq]

Real agents, a real broker and a whole Postroom with the thresholds as shipped. One message a second comes, and every
150 s for 60 s twenty times as many, which is more than the agents do; one step in ten takes ten times as long.
`GET /api/v1/stuck` and the alerts are asked twice a second. Exits with 1 when anything was claimed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from postroom.drills import scene
from postroom.drills.figures import Verdict, as_text, at_least, exactly, told
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import until
from tests.support.house import ROOT

AGENTS = ("first", "second", "third")
HANDS = "2"
USUAL, BURST = 1.0, 20.0
BURST_SECONDS, EVERY_SECONDS = 60.0, 150.0
# Before the first burst.
BEFORE_SECONDS = 60.0
ASKED_EVERY = 0.5
STARTS_WITHIN = 60.0
LIVELY = ("firing", "acknowledged")


def play(place: Scene, verdict: Verdict) -> None:
    for name in AGENTS:
        place.agent(
            name,
            f"tests.bench.calm_agent:{name}",
            "--concurrency",
            HANDS,
            "--pool",
            "threads",
            **_path(place),
        )
    until(lambda: _up(place) == len(AGENTS), "the agents to beat", STARTS_WITHIN)
    sender, claims, fired = place.sender("source"), Counter[str](), Counter[str]()
    sent, deepest, asked, looked = 0, 0, 0.0, 0
    for at in _pace(place.size.count):
        sender.send_message("first", {"number": sent})
        sent += 1
        if at - asked >= ASKED_EVERY:
            asked = at
            answer = place.postroom.get("/api/v1/stuck")
            looked += bool(answer["fresh"])
            claims.update(
                f"{each['verdict']} {each['agent']}: {each['sentence']}" for each in answer["results"]
            )
            fired.update(each["title"] for each in _alerts(place))
            deepest = max(
                [deepest, *(each["depth"] for each in place.postroom.get("/api/v1/queues")["results"])]
            )
    verdict.add(
        told("minutes", place.size.count),
        told("messages", sent),
        at_least("deepest queue", deepest, 100 if place.size.count >= 3 else 0),
        at_least("answers that were fresh", looked, place.size.count * 60),
        exactly("stuck verdicts", sum(claims.values()), 0),
        exactly("alerts", sum(fired.values()), 0),
    )
    for what, times in (claims + fired).most_common(20):
        print(f"  {times} × {what}", file=sys.stderr)


def _pace(minutes: int) -> Iterator[float]:
    """The moments at which to send, in seconds since the beginning."""
    began, due = time.monotonic(), 0.0
    while due < minutes * 60:
        time.sleep(max(0.0, began + due - time.monotonic()))
        yield due
        into = (due - BEFORE_SECONDS) % EVERY_SECONDS
        bursts = due >= BEFORE_SECONDS and into < BURST_SECONDS
        due += 1 / (BURST if bursts else USUAL)


def _up(place: Scene) -> int:
    found = place.postroom.get("/api/v1/agents?limit=50")["results"]
    return sum(each.get("status", each.get("state")) == "up" for each in found)


def _alerts(place: Scene) -> Iterator[dict[str, str]]:
    for state in LIVELY:
        yield from place.postroom.get(f"/api/v1/alerts?state={state}")["results"]


def _path(place: Scene) -> dict[str, str]:
    return {"PYTHONPATH": f"{ROOT}:{scene.SDK}"}


CALM = Drill(
    "calm",
    "bursts and slow steps, and nobody is ill",
    play,
    Size("small", 3),
    Size("full", 10),
    ("redis", "rabbitmq"),
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=int, default=CALM.full.count)
    parser.add_argument("--broker", choices=CALM.brokers, default="redis")
    options = parser.parse_args()
    outcome = scene.run(CALM, options.broker, replace(CALM.full, name="calm", count=options.minutes))
    print(as_text(outcome))
    sys.exit(0 if outcome.good else 1)
