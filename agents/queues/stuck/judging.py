"""From facts to exactly one verdict. Pure.

The table is gone through in its order. A verdict stands when its own evidence proves it and each one before it is
ruled out; where one before it cannot be ruled out, nothing is claimed: `unknown`, with what is missing. What is missing
and on its way makes nothing unknown: a moment later it is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.queues.stuck import words
from agents.queues.stuck.findings import MANY_ATTEMPTS, RETRYING, waits
from agents.queues.stuck.table import TABLE
from agents.queues.stuck.values import (
    Elsewhere,
    Facts,
    Finding,
    Found,
    Judgement,
    RuledOut,
    Verdict,
)

Looked = tuple[Verdict, Finding]
# What is unknown is said once it should have been known for so long: evidence takes its time.
UNKNOWN_AFTER_S = 8.0
# Nothing is looked at sooner.
LEAST_WAIT_S = 5.0
NOT_YET = Judgement(None, "it is within the time that is usual here")


def overdue_s(facts: Facts) -> float:
    """For how long it has been beyond what is usual; 0 or below: it is not."""
    if facts.ring or (facts.child and not facts.child.early):
        return facts.age_s - LEAST_WAIT_S
    if facts.state == RETRYING:
        return _retrying(facts)
    if facts.state == "running":
        long = facts.age_s - facts.patience.work_s
        return max(long, _retrying(facts)) if facts.attempt > MANY_ATTEMPTS else long
    return facts.age_s - _wait_s(facts)


def _wait_s(facts: Facts) -> float:
    """Where messages are taken, as long as is usual; where none is, it soon means something."""
    moves = facts.figures is None or facts.figures.moves
    return facts.patience.wait_s if moves else min(facts.patience.wait_s, LEAST_WAIT_S)


def _retrying(facts: Facts) -> float:
    """Failing again is enough to speak of it; else a time that is too long."""
    if facts.attempt >= MANY_ATTEMPTS:
        return facts.life_s - LEAST_WAIT_S
    return facts.life_s - facts.patience.retry_s


def judge(facts: Facts) -> Judgement:
    """The one verdict of a message, or none while it moves."""
    late = max(overdue_s(facts), _orphaned_s(facts))
    if late <= 0:
        return NOT_YET
    looked = [(rule.verdict, rule.check(facts)) for rule in TABLE]
    blind = _deaf(facts, looked) or _vanished(facts, looked)
    if blind and looked[0][1].found is not Found.PROVED:
        return blind if late > UNKNOWN_AFTER_S else _early(blind)
    missing: list[Looked] = []
    for verdict, finding in looked:
        if finding.found is Found.PROVED and not missing:
            return _stands(verdict, finding, looked, facts)
        if finding.found is Found.MISSING:
            missing.append((verdict, finding))
    return _undecided(facts, looked, missing, late)


def _orphaned_s(facts: Facts) -> float:
    """Nobody waits for the usual time of work when who had it in hand does not answer any more."""
    lost = facts.holder is not None and facts.holder.answers is False
    return facts.age_s - LEAST_WAIT_S if lost else 0.0


def _vanished(facts: Facts, looked: Sequence[Looked]) -> Judgement | None:
    """The ledger says that it waits, and its queue is empty. Where nobody tells of what is taken, it was taken."""
    figures = facts.figures
    if not waits(facts) or figures is None or not figures.fresh or not figures.there:
        return None
    # What nobody counts may be in somebody's hands.
    empty = not figures.depth and figures.unacknowledged == 0 and not figures.delayed
    if not empty or min(facts.heard_s, facts.age_s) < figures.age_s + 2:
        return None
    told = (words.of_queue(figures), words.of_ledger(facts))
    if not facts.takers:
        return Judgement(None, f"it left {figures.name}, and nobody tells of what is taken from there", told)
    says = f"it was sent to {figures.name}, which is empty: an event of who took it is missing"
    return Judgement(Verdict.UNKNOWN, says, told, _ruled_out(looked[:2]), (says,), _agent(facts))


def _deaf(facts: Facts, looked: Sequence[Looked]) -> Judgement | None:
    """Without the ledger nothing is known of the message but that it once was so. A broker that is away is known
    without it."""
    if facts.ledger.heard:
        return None
    found = [(verdict, finding) for verdict, finding in looked[:1] if finding.found is Found.MISSING]
    why = facts.ledger.why or "events are not heard"
    return Judgement(
        Verdict.UNKNOWN,
        why,
        (words.of_ledger(facts), *(fact for _, finding in found for fact in finding.evidence)),
        missing=(why, *(finding.says for _, finding in found)),
        agent=_agent(facts),
    )


def _undecided(facts: Facts, looked: Sequence[Looked], missing: Sequence[Looked], late: float) -> Judgement:
    if not missing:
        return Judgement(None, _moves(looked), ruled_out=_ruled_out(looked))
    says = tuple(dict.fromkeys(finding.says for _, finding in missing))
    evidence = tuple(dict.fromkeys(fact for _, finding in missing for fact in finding.evidence))
    found = Judgement(
        Verdict.UNKNOWN,
        says[0],
        (*evidence, words.of_ledger(facts)),
        _ruled_out(looked),
        says,
        _agent(facts),
    )
    wait = any(finding.early for _, finding in missing) or late <= UNKNOWN_AFTER_S
    return _early(found) if wait and late <= 3 * UNKNOWN_AFTER_S else found


def _early(found: Judgement) -> Judgement:
    return Judgement(None, "it is too early to say", found.evidence, found.ruled_out, found.missing)


def _moves(looked: Sequence[Looked]) -> str:
    """What says best that it moves: the last thing that was ruled out."""
    return looked[-1][1].says


def _stands(verdict: Verdict, finding: Finding, looked: Sequence[Looked], facts: Facts) -> Judgement:
    elsewhere = _elsewhere(verdict, facts)
    return Judgement(
        verdict,
        finding.says,
        finding.evidence,
        _ruled_out(looked),
        agent=elsewhere.agent if elsewhere else _agent(facts),
        behind=elsewhere.queue if elsewhere else "",
    )


def _elsewhere(verdict: Verdict, facts: Facts) -> Elsewhere | None:
    if verdict is Verdict.BLOCKED_DOWNSTREAM:
        return facts.child or facts.hands
    return None


def _ruled_out(looked: Sequence[Looked]) -> tuple[RuledOut, ...]:
    return tuple(
        RuledOut(verdict, finding.says) for verdict, finding in looked if finding.found is Found.RULED_OUT
    )


def _agent(facts: Facts) -> str:
    """Whose repair helps: who has it, who takes from its queue, or whose name the queue has."""
    return facts.agent or next((each.agent for each in facts.takers), "") or facts.queue
