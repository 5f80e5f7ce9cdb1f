"""Is it at work, and does the work get on? Pure."""

from __future__ import annotations

from agents.queues.stuck import saturation, words
from agents.queues.stuck.findings import MANY_ATTEMPTS, RETRYING, early, held, missing, out, proved, waits
from agents.queues.stuck.values import Facts, Finding, InstanceFacts, QueueFacts, Verdict
from agents.queues.stuck.words import lasting

# From being sent to being run, where nothing is in the way.
ON_ITS_WAY_S = 2.0


def awaiting_input(facts: Facts) -> Finding:
    if not facts.waits_for:
        return out("it asked nobody for anything")
    return proved(
        f"{facts.instance or facts.agent or 'its agent'} waits for {facts.waits_for}", words.of_ledger(facts)
    )


def retry_backoff(facts: Facts) -> Finding:
    if facts.state != RETRYING and not (held(facts) and facts.attempt > MANY_ATTEMPTS and not _slow(facts)):
        return _inherited(facts, Verdict.RETRY_BACKOFF) or out(
            "it is the first attempt" if facts.attempt <= 1 else "it is not waiting for another attempt"
        )
    if facts.due_s is not None and facts.due_s < -facts.patience.wait_s:
        return missing(
            f"its next attempt was due {lasting(-facts.due_s)} ago and nobody took it", words.of_ledger(facts)
        )
    error = f": {facts.error}" if facts.error else ""
    back = f", back in {lasting(facts.due_s)}" if facts.due_s and facts.due_s > 0 else ""
    failed = facts.attempt - 1 if held(facts) else facts.attempt
    return proved(f"attempt {failed} failed{error}{back}", words.of_ledger(facts))


def _slow(facts: Facts) -> bool:
    return facts.age_s > facts.patience.work_s


def running_long(facts: Facts) -> Finding:
    if facts.state != "running":
        return _inherited(facts, Verdict.RUNNING_LONG) or out(_not_running(facts))
    if facts.room:
        return out(f"it is held up while it sends: there is no room in {facts.room}")
    if not _slow(facts):
        return out(f"it runs for {lasting(facts.age_s)}, which is usual")
    usual = "usual for its queue" if facts.patience.learned else "the limit as long as nothing was learned"
    told = words.of_instance(facts.holder) if facts.holder else ()
    who = facts.instance or facts.agent
    return proved(
        f"{who} has worked on it for {lasting(facts.age_s)}; {lasting(facts.patience.work_s)} is {usual}",
        words.of_ledger(facts),
        *told,
    )


def _not_running(facts: Facts) -> str:
    if facts.state == "received":
        return "it was received, and no handler began"
    return "whoever takes from its queue is not held up" if waits(facts) else "no handler runs it now"


def _inherited(facts: Facts, verdict: Verdict) -> Finding | None:
    """It waits because every hand of its queue is full with such messages."""
    if not waits(facts) or facts.hands is None:
        return None
    if facts.hands.verdict is Verdict.UNKNOWN:
        return missing(f"its queue's hands are full: {facts.hands.says}")
    if facts.hands.verdict is verdict:
        figures = (words.of_queue(facts.figures),) if facts.figures else ()
        return proved(facts.hands.says, words.of_ledger(facts), *figures, *words.answers(facts.takers))
    return None


def unacknowledged(facts: Facts) -> Finding:
    if facts.state == "received":
        told = words.of_instance(facts.holder) if facts.holder else ()
        return proved(
            f"{facts.instance or facts.agent} has had it for {lasting(facts.age_s)} and neither runs nor settles it",
            words.of_ledger(facts),
            *told,
        )
    if not waits(facts):
        return out("a handler runs it" if held(facts) else "nobody has it in hand")
    figures = facts.figures
    if figures is None or not figures.fresh:
        return missing("what is in hand cannot be told without fresh figures of the queue")
    return _in_hand(facts, figures)


def _in_hand(facts: Facts, figures: QueueFacts) -> Finding:
    if figures.moves:
        return out("deliveries are settled", words.of_flow(figures))
    if not figures.unacknowledged:
        said = "none is in hand" if figures.unacknowledged == 0 else "the broker tells of none in hand"
        return out(said, words.of_queue(figures))
    answered = [each for each in facts.takers if each.answers]
    if not answered or facts.hands_full or any(each.running for each in answered):
        return out("what is in hand runs", words.of_queue(figures), *words.answers(facts.takers))
    if before := [each for each in answered if not _answered_since(each, facts)]:
        says = f"{words.names(tuple(before))} has not said what it runs since the message came"
        return early(says, *words.of_instance(before[0]))
    says = f"in hand: {figures.unacknowledged}, and no handler runs"
    return proved(says, words.of_queue(figures), *words.of_instances(facts.takers))


def _answered_since(each: InstanceFacts, facts: Facts) -> bool:
    """What it answered before the message came says nothing of it: who was cut off then may never have got it."""
    return each.asked_age_s is not None and each.asked_age_s + ON_ITS_WAY_S <= facts.age_s


def consumer_saturated(facts: Facts) -> Finding:
    if not waits(facts):
        return out("it is not in a queue now")
    figures = facts.figures
    if figures is None or not figures.fresh:
        return missing("the queue's figures are not fresh enough to say whether it drains")
    sunk = saturation.look(figures)
    if sunk.saturated:
        return proved(
            sunk.says, words.of_queue(figures), words.of_flow(figures), *words.answers(facts.takers)
        )
    if figures.moves or facts.hands_full:
        return out(sunk.says, words.of_flow(figures))
    return missing(
        "somebody consumes the queue and takes nothing, and nobody tells why",
        words.of_queue(figures),
        *words.of_instances(facts.takers),
    )
