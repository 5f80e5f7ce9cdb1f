"""The answer to "where is it?", and what custody knows of a message that the ledger does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from agents.queues.stuck.values import Evidence, RuledOut, Verdict


class Spot(NamedTuple):
    """Where it is: in a queue, in an agent's hands, among the letters, or nowhere any more."""

    kind: str  # queue, agent, letters, over, unknown
    name: str
    environment: str
    broker: str = ""
    queue: str = ""
    agent: str = ""
    instance: str = ""


class Hop(NamedTuple):
    """A step of its run, in order. `mark`: done, here, next or failed."""

    message_id: str
    environment: str
    sender: str
    queue: str
    agent: str
    state: str
    mark: str


@dataclass(frozen=True, slots=True)
class Custody:
    """A letter of the message. `operation`: the one that has it now."""

    id: str
    state: str
    since: datetime
    why: str
    link: str
    operation: str = ""
    operation_link: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One message's place, in a sentence and in parts. No verdict: it is not stuck."""

    message_id: str
    environment: str
    sentence: str
    state: str
    place: Spot
    age_s: float
    verdict: Verdict | None
    evidence: tuple[Evidence, ...]
    ruled_out: tuple[RuledOut, ...]
    missing: tuple[str, ...]
    next_step: str
    link: str
    agent: str = ""  # whose repair helps
