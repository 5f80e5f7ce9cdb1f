"""What is known of where an operation sends to: the queue's figures, and whether anybody consumes."""

from __future__ import annotations

from agents.operations.ladder import Around
from agents.operations.models import Operation, PlanPart
from agents.queues import selectors as queues
from agents.queues.values import QueueKey, QueueState
from agents.registry import selectors as registry
from agents.registry.models import Agent


def look(operation: Operation) -> Around:
    """As of now. Stale figures are none."""
    parts = list(operation.plan.parts.all())
    states = [state for key in keys(operation, parts) if (state := _fresh(key))]
    worst = max(states, key=lambda state: state.depth, default=None)
    down = "" if operation.plan.how.target_queue else _down(parts)
    if worst is None:
        return Around(down=down)
    rates = [state.out_rate for state in states if state.out_rate is not None]
    last = operation.active_at
    new = all(last is None or state.sampled_at > last for state in states)
    return Around(worst.depth, min(rates, default=None), new, down)


def keys(operation: Operation, parts: list[PlanPart]) -> set[QueueKey]:
    """The queues that it sends to."""
    target = operation.plan.how.target_queue
    return {QueueKey(part.broker, target or part.queue) for part in parts if part.broker}


def depth(operation: Operation) -> int | None:
    """How many wait where it sends to; None when nobody can say."""
    return look(operation).depth


def _fresh(key: QueueKey) -> QueueState | None:
    state = queues.queue(key)
    return state if state and state.there and state.is_fresh() else None


def _down(parts: list[PlanPart]) -> str:
    """In words, whose instances are all down. An agent that never showed any is no evidence."""
    for environment, agent in sorted({(part.environment, part.agent) for part in parts if part.agent}):
        known = registry.known(Agent.objects.filter(environment=environment, agent_id=agent))
        if known and known[0].all and not _alive(known[0]):
            return f"no instance of {agent} is up"
    return ""


def _alive(known: registry.Known) -> int:
    return sum(number for state, number in known.states.items() if state != "down")
