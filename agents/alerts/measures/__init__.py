"""What the rooms below measure, as readings of signals."""

from __future__ import annotations

from agents.alerts import api
from agents.alerts.measures import agents, house, letters, operations, queues, stuck
from agents.alerts.values import Signal


def offer_all() -> None:
    """Offer what stands below this room; rooms beside it offer theirs themselves."""
    api.offer(Signal.QUEUE_DEPTH, queues.depth)
    api.offer(Signal.QUEUE_AGE, queues.age)
    api.offer(Signal.QUEUE_GROWTH, queues.growth)
    api.offer(Signal.BROKER_UNREACHABLE, queues.unreachable)
    api.offer(Signal.STUCK, stuck.messages)
    api.offer(Signal.LETTERS_ARRIVING, letters.arriving)
    api.offer(Signal.LETTERS_NEW, letters.new)
    api.offer(Signal.LETTERS_BACK, letters.back)
    api.offer(Signal.CAPTURE_STOPPED, letters.capture_stopped)
    api.offer(Signal.AGENT_LATE, agents.late)
    api.offer(Signal.AGENT_DOWN, agents.down)
    api.offer(Signal.ERROR_RATIO, agents.error_ratio)
    api.offer(Signal.OPERATION_WAITING, operations.waiting)
    api.offer(Signal.OPERATION_HALTED, operations.halted)
    api.offer(Signal.OPERATION_ENDED, operations.ended)
    api.offer(Signal.INTAKE_STOPPED, house.intake_stopped)
    api.offer(Signal.INTAKE_OVERLOAD, house.intake_overload)
