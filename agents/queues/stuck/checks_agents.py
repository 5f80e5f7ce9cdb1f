"""Is anybody there to take it? Pure."""

from __future__ import annotations

from collections.abc import Mapping

from agents.queues.stuck import words
from agents.queues.stuck.findings import early, held, missing, out, proved, waits
from agents.queues.stuck.takers import Life, consuming, life, sorted_out
from agents.queues.stuck.values import Facts, Finding, InstanceFacts, Verdict
from agents.queues.stuck.words import lasting


def deadlock(facts: Facts) -> Finding:
    if waits(facts) and facts.hands is not None and facts.hands.verdict is Verdict.DEADLOCK:
        return proved(facts.hands.says, words.of_ledger(facts))
    if len(facts.ring) < 2:
        return out("no ring among those who wait for each other")
    ring = " → ".join((*facts.ring, facts.ring[0]))
    return proved(f"each waits for the next: {ring}", words.of_ledger(facts))


def agent_down(facts: Facts) -> Finding:
    if held(facts):
        return _holder_down(facts)
    if not waits(facts):
        return out("no agent has to have it now")
    lives = sorted_out(facts)
    if gone := _in_dead_hands(facts):
        return gone
    return _somebody(facts, lives) or _cannot_tell(facts, lives) or _nobody(facts, lives)


def _in_dead_hands(facts: Facts) -> Finding | None:
    """Nothing waits in the queue itself, and whoever has its deliveries in hand is gone."""
    figures, hands = facts.figures, facts.in_hands
    if figures is None or not figures.fresh or figures.depth or not hands:
        return None
    if any(life(each, facts.beats_heard) not in {Life.GONE, Life.STOPPED} for each in hands):
        return None
    says = f"{words.names(hands)} had it in hand and is gone: it is handed out again when the claim runs out"
    return proved(says, words.of_queue(figures), *words.of_instances(hands))


Lives = Mapping[Life, tuple[InstanceFacts, ...]]


def _somebody(facts: Facts, lives: Lives) -> Finding | None:
    alive = lives.get(Life.ALIVE, ()) + lives.get(Life.CUT_OFF, ())
    if alive:
        return out(f"{words.names(alive)} lives", *words.of_instance(alive[0]))
    if facts.figures is not None and facts.figures.moves:
        return out("messages are taken from the queue", words.of_flow(facts.figures))
    return None


def _cannot_tell(facts: Facts, lives: Lives) -> Finding | None:
    if contradicted := lives.get(Life.CONTRADICTED):
        return _silent_but_answers(contradicted[0])
    if not facts.beats_heard and not lives.keys() <= {Life.STOPPED}:
        return _deaf(facts)
    if maybe := lives.get(Life.OPEN):
        says = f"{words.names(maybe)} may be gone: its next sign of life is due"
        return early(says, *words.of_instance(maybe[0]))
    return None


def _nobody(facts: Facts, lives: Lives) -> Finding:
    if gone := lives.get(Life.GONE):
        return _all_gone(facts, gone)
    if stopped := lives.get(Life.STOPPED):
        return out(f"{words.names(stopped)} stopped as it said", words.of_beat(stopped[0]))
    return out("no instance that ever took from the queue is known")


def _all_gone(facts: Facts, gone: tuple[InstanceFacts, ...]) -> Finding:
    told = words.of_instances(gone)
    figures = (words.of_queue(facts.figures),) if facts.figures else ()
    who = gone[0].agent
    last = "its only instance" if len(gone) == 1 else f"all {len(gone)} instances"
    since = lasting(min(each.beat_s or 0.0 for each in gone))
    return proved(f"{who} is down: {last} silent for {since}", *told, *figures)


def _holder_down(facts: Facts) -> Finding:
    holder = facts.holder
    if holder is None:
        return missing(f"nobody tells whether {facts.instance or facts.agent or 'its agent'} lives")
    told = words.of_instance(holder)
    state = life(holder, facts.beats_heard)
    if state in {Life.GONE, Life.STOPPED}:
        return proved(f"{holder.name} had it in hand and is gone", *told, words.of_ledger(facts))
    if state is Life.CONTRADICTED:
        return _silent_but_answers(holder)
    if state is Life.OPEN:
        return early(f"{holder.name} may be gone: its next sign of life is due", *told)
    if state is Life.UNKNOWN:
        return _deaf(facts) if not facts.beats_heard else missing(f"nobody hears of {holder.name}", *told)
    return out(f"{holder.name} lives", *told)


def _silent_but_answers(each: InstanceFacts) -> Finding:
    return missing(
        f"{each.name} is silent by its heartbeats and answers over the broker: one of the two does not get through",
        *words.of_instance(each),
    )


def _deaf(facts: Facts) -> Finding:
    age = "ever" if facts.beats_age_s is None else f"for {lasting(facts.beats_age_s)}"
    return missing(f"no agent's heartbeat was heard {age}: their silence says nothing")


def no_consumer(facts: Facts) -> Finding:
    if not waits(facts):
        return out("somebody has received it" if held(facts) else "it is not in a queue now")
    figures = facts.figures
    if figures is None or not figures.fresh:
        return missing("the queue's figures are not fresh enough to say who consumes")
    number = consuming(facts)
    if number:
        return out(
            f"{words.number(number, 'consumer')}", words.of_queue(figures), *words.answers(facts.takers)
        )
    if figures.moves:
        return out("messages are taken from the queue", words.of_flow(figures))
    if number is None:
        return missing(
            "nobody can tell who consumes the queue", words.of_queue(figures), *words.answers(facts.takers)
        )
    paused = [each for each in facts.takers if each.paused]
    says = (
        f"{paused[0].name} is paused, and nobody else consumes the queue"
        if paused
        else "nothing consumes the queue"
    )
    return proved(says, words.of_queue(figures), *words.of_instances(facts.takers))


def blocked_downstream(facts: Facts) -> Finding:
    behind = facts.child or (facts.hands if facts.hands and facts.hands.verdict in _BLOCKS else None)
    if behind is None and facts.room:
        return out(f"what takes the room in {facts.room} moves, or is within its time")
    if behind is None:
        idle = (
            "what it waits for, if anything, moves" if held(facts) else "nothing it waits behind is blocked"
        )
        return out(idle)
    if behind.early:
        return early(behind.says, words.of_ledger(facts))
    if behind.verdict is Verdict.UNKNOWN:
        return missing(behind.says, words.of_ledger(facts))
    return proved(behind.says, words.of_ledger(facts))


_BLOCKS = frozenset({Verdict.BLOCKED_DOWNSTREAM})
