"""Whether an instance lives, is gone, or is cut off from its broker: two sources have to agree. Pure."""

from __future__ import annotations

from enum import StrEnum

from agents.queues.stuck.values import Facts, InstanceFacts

# A heartbeat comes every 5 s; so much later, and it is missing.
BEAT_LATE_S = 7.0
# Silent for so long, it counts as gone even where nobody can ask it.
BEAT_GONE_S = 20.0
# Who beat so long after it last answered was alive and did not answer: no round of questions takes longer.
CUT_OFF_S = 9.0
# Who beat so long after it was asked in vain was so, too.
AFTER_S = 0.5


class Life(StrEnum):
    ALIVE = "alive"
    GONE = "gone"
    CUT_OFF = "cut_off"
    STOPPED = "stopped"
    CONTRADICTED = "contradicted"  # silent by heartbeat, and yet it answers over the broker
    OPEN = "open"  # it may be gone: a moment later it will be known
    UNKNOWN = "unknown"


def life(each: InstanceFacts, beats_heard: bool) -> Life:
    """`beats_heard`: whether heartbeats reach Postroom at all: where they do not, silence says nothing."""
    if each.stopped:
        return Life.STOPPED
    if each.beat_s is None:
        return Life.ALIVE if each.answers else Life.UNKNOWN
    if each.down or each.beat_s > BEAT_LATE_S:
        return _silent(each, each.beat_s, beats_heard)
    return _fresh(each)


def _silent(each: InstanceFacts, beat_s: float, beats_heard: bool) -> Life:
    if each.answers:
        return Life.CONTRADICTED if each.down or beat_s > 2 * BEAT_LATE_S else Life.ALIVE
    if not beats_heard:
        return Life.UNKNOWN
    long = each.down or beat_s > BEAT_GONE_S
    return Life.GONE if long or each.answers is False else Life.OPEN


def _fresh(each: InstanceFacts) -> Life:
    """It beat a moment ago: it lived then."""
    assert each.beat_s is not None
    if each.answers is not False:
        return Life.ALIVE
    cut = each.with_others or in_vain(each) or each.silent_asks_s - each.beat_s > CUT_OFF_S
    return Life.CUT_OFF if cut else Life.OPEN


def in_vain(each: InstanceFacts) -> bool:
    """Was it asked, did not answer, and beat after that?"""
    if each.answers is not False or each.beat_s is None or each.asked_age_s is None:
        return False
    return each.asked_age_s - each.beat_s > AFTER_S


def sorted_out(facts: Facts) -> dict[Life, tuple[InstanceFacts, ...]]:
    """Those who take from the queue, by whether they live."""
    found: dict[Life, list[InstanceFacts]] = {}
    for each in facts.takers:
        found.setdefault(life(each, facts.beats_heard), []).append(each)
    return {key: tuple(each) for key, each in found.items()}


def consuming(facts: Facts) -> int | None:
    """How many take from the queue now; None when nobody can tell, or those who can contradict each other. Who said
    that it stops takes nothing."""
    figures = facts.figures
    if figures is None or not figures.fresh:
        return None
    if facts.takers and all(each.stopped for each in facts.takers):
        return 0
    known = facts.takers and all(each.answers is not None or each.stopped for each in facts.takers)
    number = sum(1 for each in facts.takers if each.answers and each.consumes) if known else None
    counts_itself = facts.broker is not None and facts.broker.kind == "rabbitmq"
    if number is None or not counts_itself or figures.consumers is None:
        return figures.consumers if number is None else number
    return figures.consumers if bool(figures.consumers) == bool(number) else None
