"""How a finding is made, and what a message is doing. Pure."""

from __future__ import annotations

from agents.queues.stuck.values import Evidence, Facts, Finding, Found
from agents.queues.stuck.words import HELD, WAITING

RETRYING = "retrying"
# So many failures are enough to speak of it.
MANY_ATTEMPTS = 2


def proved(says: str, *evidence: Evidence) -> Finding:
    return Finding(Found.PROVED, says, evidence)


def out(says: str, *evidence: Evidence) -> Finding:
    return Finding(Found.RULED_OUT, says, evidence)


def missing(says: str, *evidence: Evidence) -> Finding:
    return Finding(Found.MISSING, says, evidence)


def early(says: str, *evidence: Evidence) -> Finding:
    return Finding(Found.MISSING, says, evidence, early=True)


def waits(facts: Facts) -> bool:
    """In its queue, and not for somebody's input."""
    return facts.state in WAITING and not facts.waits_for


def held(facts: Facts) -> bool:
    return facts.state in HELD
