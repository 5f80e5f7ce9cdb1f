"""Facts of a message that waits for too long in a queue whose agent is well, to be changed by each test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agents.queues.stuck.values import BrokerFacts, Facts, InstanceFacts, LedgerFacts, Patience, QueueFacts

BROKER = BrokerFacts("main", "redis", reachable=True, age_s=2.0)
QUEUE = QueueFacts(
    "extract",
    there=True,
    depth=40,
    unacknowledged=1,
    delayed=0,
    consumers=1,
    age_s=2.0,
    fresh=True,
    entering=2.0,
    leaving=2.0,
    usual_entering=2.0,
    moved_s=0.5,
)
ALIVE = InstanceFacts(
    "extract", "extract-0", beat_s=2.0, answers=True, consumes=True, slots=1, running=1, asked_age_s=2.0
)
GONE = replace(ALIVE, beat_s=12.0, answers=False, silent_asks_s=12.0, consumes=None, running=None)
STILL = replace(QUEUE, leaving=0.0, moved_s=20.0)
EMPTY = replace(STILL, depth=0, unacknowledged=0)
NOBODY = replace(STILL, consumers=0, unacknowledged=0)


def waiting(**changes: Any) -> Facts:
    facts = Facts(
        state="sent",
        age_s=20.0,
        life_s=20.0,
        agent="",
        instance="",
        queue="extract",
        attempt=0,
        heard_s=20.0,
        broker=BROKER,
        ledger=LedgerFacts(True, 1.0),
        figures=QUEUE,
        takers=(ALIVE,),
        beats_age_s=1.0,
        patience=Patience(work_s=8.0, learned=True),
    )
    return replace(facts, **changes)


def running(**changes: Any) -> Facts:
    held = {"state": "running", "agent": "extract", "instance": "extract-0", "attempt": 1, "holder": ALIVE}
    return waiting(**(held | changes))
