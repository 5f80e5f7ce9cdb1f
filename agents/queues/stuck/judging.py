"""From facts to exactly one verdict. Pure.

The table is gone through in its order. A verdict stands when its own evidence proves it and each one before it is
ruled out; where one before it cannot be ruled out, nothing is claimed: `unknown`, with what is missing. What is missing
and on its way makes nothing unknown: a moment later it is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.queues.stuck import words
from agents.queues.stuck.findings import RETRYING
from agents.queues.stuck.table import TABLE
from agents.queues.stuck.values import (
    Elsewhere,
    Evidence,
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
NOT_YET = Judgement(None, "it is within the time that is usual here")


def overdue_s(facts: Facts) -> float:
    """For how long it has been beyond what is usual; 0 or below: it is not."""
    patience = facts.patience
    if facts.waits_for:
        return facts.age_s - patience.wait_s
    if facts.state == RETRYING:
        return _retrying(facts)
    if facts.state == "running":
        long = facts.age_s - patience.work_s
        return max(long, _retrying(facts)) if facts.attempt > 2 else long
    return facts.age_s - patience.wait_s


def _retrying(facts: Facts) -> float:
    """Three failures are enough to speak of it; else a time that is too long."""
    if facts.attempt >= 3:
        return facts.life_s - facts.patience.wait_s
    return facts.life_s - facts.patience.retry_s


def judge(facts: Facts) -> Judgement:
    """The one verdict of a message, or none while it moves."""
    late = overdue_s(facts)
    gone = bool(facts.holder and facts.holder.beat_s and facts.holder.answers is False)
    if late <= 0 and not (gone and facts.age_s > facts.patience.wait_s):
        return NOT_YET
    looked = [(rule.verdict, rule.check(facts)) for rule in TABLE]
    if deaf := _deaf(facts, looked):
        return deaf if late > UNKNOWN_AFTER_S else _early(deaf)
    missing: list[Looked] = []
    for verdict, finding in looked:
        if finding.found is Found.PROVED and not missing:
            return _stands(verdict, finding, looked, facts)
        if finding.found is Found.MISSING:
            missing.append((verdict, finding))
    return _undecided(facts, looked, missing, late)


def _deaf(facts: Facts, looked: Sequence[Looked]) -> Judgement | None:
    """Without the ledger nothing is known of the message but that it once was so. A broker that is away is known
    without it."""
    if facts.ledger.heard or looked[0][1].found is Found.PROVED:
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


def evidence_of(judgement: Judgement) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(judgement.evidence))
