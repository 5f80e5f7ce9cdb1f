"""Is it the broker, or the way there? Pure."""

from __future__ import annotations

from agents.queues.stuck import words
from agents.queues.stuck.findings import early, held, missing, out, proved, waits
from agents.queues.stuck.takers import Life, life, sorted_out
from agents.queues.stuck.values import Facts, Finding
from agents.queues.stuck.words import lasting

# The broker that Postroom cannot reach is looked at once it has been away for so long.
AWAY_S = 3.0


def broker_unreachable(facts: Facts) -> Finding:
    broker = facts.broker
    if broker is None:
        return missing("nobody said which broker the message is on")
    if broker.fresh:
        return _cut_off(facts)
    if broker.reachable or broker.age_s is None:
        age = "were never seen" if broker.age_s is None else f"are {lasting(broker.age_s)} old"
        return missing(f"the figures of {broker.name} {age}: nobody samples it", words.of_broker(broker))
    return _away(facts)


def _away(facts: Facts) -> Finding:
    """Postroom cannot reach it. Whether agents can is another question."""
    broker = facts.broker
    assert broker is not None
    evidence = words.of_broker(broker)
    since = f"Postroom has not reached {broker.name} for {lasting(broker.away_s)}"
    if broker.told_since:
        return missing(f"{since}, while agents go on: only Postroom's own way to it is cut", evidence)
    if broker.away_s < AWAY_S:
        return early(since, evidence)
    alive = sorted_out(facts).get(Life.ALIVE, ()) + sorted_out(facts).get(Life.CUT_OFF, ())
    if broker.told_before and alive:
        beats = tuple(words.of_beat(each) for each in alive[:3])
        return proved(
            f"{broker.name} cannot be reached, and its agents, which live, tell of no message since",
            evidence,
            *beats,
        )
    return missing(f"{since}; whether agents reach it, nobody tells", evidence)


def _cut_off(facts: Facts) -> Finding:
    """It answers Postroom. Do the agents that live reach it?"""
    broker = facts.broker
    assert broker is not None
    lives = sorted_out(facts)
    cut = (
        (facts.holder,)
        if held(facts) and facts.holder and life(facts.holder, facts.beats_heard) is Life.CUT_OFF
        else lives.get(Life.CUT_OFF, ())
    )
    if held(facts) and facts.holder not in cut:
        return out(f"{broker.name} answered {_ago(broker.age_s)}", words.of_broker(broker))
    others = [
        each for each in facts.takers if each not in cut and life(each, facts.beats_heard) is Life.ALIVE
    ]
    moves = facts.figures is not None and facts.figures.moves
    if not cut or (not held(facts) and (others or moves)):
        return out(f"{broker.name} answered {_ago(broker.age_s)}", words.of_broker(broker))
    told = tuple(fact for each in cut[:3] for fact in words.of_instance(each))
    return proved(
        f"{words.names(cut)} lives, and cannot be reached over {broker.name}, which answers Postroom",
        words.of_broker(broker),
        *told,
    )


def unrouted(facts: Facts) -> Finding:
    figures = facts.figures
    if not waits(facts):
        return out("somebody has received it")
    if not facts.queue:
        return missing("nobody said which queue it was sent to")
    if facts.broker is None or not facts.broker.fresh:
        return missing("whether its queue exists cannot be told without the broker")
    if figures is None:
        return early(f"{facts.broker.name} has not been asked for {facts.queue} yet")
    if not figures.there:
        return proved(
            f"{facts.broker.name} has no queue {facts.queue}: what is sent there goes nowhere",
            words.of_queue(figures),
        )
    return out(f"{facts.queue} is there", words.of_queue(figures))


def _ago(seconds: float | None) -> str:
    return "at some time" if seconds is None else f"{lasting(seconds)} ago"
