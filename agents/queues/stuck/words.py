"""How evidence reads: ages, and facts as sentences. Pure."""

from __future__ import annotations

from agents.queues.stuck.values import BrokerFacts, Evidence, Facts, InstanceFacts, Kind, QueueFacts

WAITING = frozenset({"sent", "waiting"})
HELD = frozenset({"received", "running"})


def lasting(seconds: float) -> str:
    """`42 s`, `4 min 12 s`, `3 h 5 min`, `2 d 3 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def of_broker(broker: BrokerFacts) -> Evidence:
    says = f"{broker.name} answers" if broker.reachable else f"{broker.name} does not answer: {broker.reason}"
    return Evidence(Kind.BROKER, says, broker.age_s, f"sampler of {broker.name}", "/queues")


def of_queue(queue: QueueFacts) -> Evidence:
    parts = [f"depth {queue.depth}"]
    parts += [f"in hand {queue.unacknowledged}"] if queue.unacknowledged is not None else []
    parts.append("consumers not told" if queue.consumers is None else f"consumers {queue.consumers}")
    return Evidence(Kind.BROKER, ", ".join(parts), queue.age_s, f"queue {queue.name}", queue.link)


def of_flow(queue: QueueFacts) -> Evidence:
    usual = f", usually {queue.usual_entering:.1f}" if queue.usual_entering is not None else ""
    says = f"{queue.entering:.1f} a second come{usual}, {queue.leaving:.1f} leave"
    return Evidence(Kind.LEDGER, says, 0.0, f"messages through {queue.name}", queue.link)


def of_ledger(facts: Facts) -> Evidence:
    who = f" by {facts.instance or facts.agent}" if facts.state in HELD and facts.agent else ""
    tries = f", attempt {facts.attempt}" if facts.attempt > 1 else ""
    says = f"{facts.state}{who} for {lasting(facts.age_s)}{tries}"
    return Evidence(Kind.LEDGER, says, facts.ledger.age_s, "events", facts.link)


def of_beat(each: InstanceFacts) -> Evidence:
    if each.beat_s is None:
        says = f"{each.name} never sent a heartbeat"
    elif each.stopped:
        says = f"{each.name} said that it stops"
    elif each.paused:
        says = f"{each.name} says that it is paused"
    else:
        says = f"last heartbeat of {each.name}"
    return Evidence(Kind.HEARTBEAT, says, each.beat_s, f"heartbeats of {each.agent}", each.link)


def of_answer(each: InstanceFacts) -> Evidence | None:
    """What the worker itself said over the broker, or that it said nothing; None where nobody asks it."""
    if each.answers is None:
        return None
    if not each.answers:
        says = f"{each.name} has not answered for {lasting(each.silent_asks_s)}"
    else:
        runs = "" if each.running is None else f", runs {each.running}"
        runs += f" of {each.slots}" if each.slots and each.running is not None else ""
        takes = {True: " and takes from the queue", False: " and does not take from the queue"}
        says = f"{each.name} answers{takes.get(bool(each.consumes), '')}{runs}"
    return Evidence(Kind.BROKER, says, each.asked_age_s, f"asked over the broker: {each.name}", each.link)


def of_instance(each: InstanceFacts) -> tuple[Evidence, ...]:
    said = of_answer(each)
    return (of_beat(each), said) if said else (of_beat(each),)


def of_instances(found: tuple[InstanceFacts, ...]) -> tuple[Evidence, ...]:
    return tuple(fact for each in found[:3] for fact in of_instance(each))


def answers(found: tuple[InstanceFacts, ...]) -> tuple[Evidence, ...]:
    return tuple(said for each in found[:3] if (said := of_answer(each)))


def names(found: tuple[InstanceFacts, ...]) -> str:
    shown = ", ".join(each.name for each in found[:3])
    return f"{shown} and {len(found) - 3} more" if len(found) > 3 else shown
