"""Drill `intruder`: forged, expired, replayed and unauthorised messages beside honest ones. None of them is executed;
each is refused, kept, and in the audit trail.

The intruder stands on the broker's network and may write to the queue. He has every public key, one private key that
nobody published, and copies of honest messages; some forgeries are made with the honest sender's stolen key, but not
for the message that they are put on.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import redis

from postroom.drills import notes
from postroom.drills.figures import Verdict, exactly, told
from postroom.drills.forgeries import Forger, workshop
from postroom.drills.letters import Letters
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import NeverCameError, until
from postroom.security.agent import SecureAgent

AGENT = "postroom.drills.intruder_agent:agent"
QUEUE, HONEST, VISITOR = "vault", "clinic", "visitor"
POLICIES = "/api/v1/sender-policies"
REFUSED, REPORTED = "message.refused", "agent.reported"
PATIENCE_SECONDS = 180.0


@dataclass
class Sent:
    """What was sent, by whether it may be executed."""

    honest: set[str] = field(default_factory=set)
    # Attack → the ids of its messages. A replay has the id of an honest message.
    attacks: dict[str, list[str]] = field(default_factory=dict)

    @property
    def intruders(self) -> int:
        return sum(map(len, self.attacks.values()))


def play(scene: Scene, verdict: Verdict) -> None:
    _allow_only_the_honest(scene)
    sent, each = Sent(), scene.size.count
    honest = _secure(scene, HONEST)
    sent.honest = {honest.send_message(QUEUE, {"open": number}) for number in range(each)}
    _replay(scene, sent)
    _forge(scene, honest, sent, each)
    visitor = _secure(scene, VISITOR)
    sent.attacks["by one who may not ask"] = [visitor.send_message(QUEUE, {}) for _ in range(each)]
    scene.agent("vault", AGENT, "--concurrency", "2", "--pool", "threads")
    progress = scene.progress("intruder", sent.intruders)
    letters = Letters(scene.postroom, QUEUE)

    def dealt_with() -> bool:
        refused = letters.message_ids().total()
        progress.at(refused, "messages refused")
        return refused >= sent.intruders and notes.count(scene.folder, "executed") >= each

    try:
        until(dealt_with, "every message to be executed or refused", PATIENCE_SECONDS, every=0.5)
        until(lambda: len(_audited(scene)) >= sent.intruders, "the audit trail", PATIENCE_SECONDS, every=0.5)
    except NeverCameError:
        progress.at(0, "not all came in")  # judged by what is there
    progress.close()
    _judge(scene, verdict, sent, letters)


def _secure(scene: Scene, name: str) -> SecureAgent:
    """A sender with keys of its own that Postroom publishes."""
    told_ = scene.postroom
    return SecureAgent(
        name,
        handler=lambda message: None,
        broker_url=scene.broker.url,
        url=told_.url,
        token=told_.token,
        keys_file=str(scene.folder / f"{name}.keys"),
    )


def _allow_only_the_honest(scene: Scene) -> None:
    scene.postroom.send(
        "POST", POLICIES, {"position": 1, "sender": HONEST, "recipient": QUEUE, "effect": "allow"}
    )
    scene.postroom.send("POST", POLICIES, {"position": 2, "recipient": QUEUE, "effect": "deny"})


def _replay(scene: Scene, sent: Sent) -> None:
    """Each honest message once more, byte for byte, as it lies in the queue."""
    with redis.Redis.from_url(scene.broker.plain) as client:
        copies = client.lrange(QUEUE, 0, -1)
        client.rpush(QUEUE, *copies)
    sent.attacks["replayed, byte for byte"] = [json.loads(copy)["headers"]["id"] for copy in copies]


def _forge(scene: Scene, honest: SecureAgent, sent: Sent, each: int) -> None:
    shop = workshop(honest.security.ring, scene.folder)
    for name, forge in shop.forgeries().items():
        intruder = scene.sender(HONEST)
        intruder.add_hook(Forger(forge))
        sent.attacks[name] = [intruder.send_message(QUEUE, {"open": "all"}) for _ in range(each)]


def _audited(scene: Scene) -> list[dict[str, Any]]:
    """What the vault reported of refusals."""
    reported = scene.postroom.pages(f"/api/v1/audit?action={REPORTED}&limit=200")
    return [entry for entry in reported if (entry["after"] or {}).get("action") == REFUSED]


def _judge(scene: Scene, verdict: Verdict, sent: Sent, letters: Letters) -> None:
    executed = Counter(fields[0] for fields in notes.read(scene.folder, "executed"))
    kept = [*letters.all()]
    refused = Counter(
        str(letter["message_id"]) for letter in kept if letter["failure"]["reason"] == "unauthorised"
    )
    verdict.add(told("honest messages", len(sent.honest)), told("intruder's messages", sent.intruders))
    for name, ids in sent.attacks.items():
        verdict.add(exactly(f"kept, {name}", sum(min(refused[each], 1) for each in ids), len(ids)))
    verdict.add(
        exactly("executed that an intruder sent", len(set(executed) - sent.honest), 0),
        exactly("honest messages executed more than once", sum(times > 1 for times in executed.values()), 0),
        exactly("honest messages not executed", len(sent.honest - set(executed)), 0),
        exactly("letters for another reason", len(kept) - refused.total(), 0),
        exactly("refusals in the audit trail", len(_audited(scene)), sent.intruders),
    )


DRILL = Drill(
    "intruder",
    "forged, expired, replayed and unauthorised messages: none executed, each kept and in the audit trail",
    play,
    small=Size("small", 5),
    full=Size("full", 100),
)
