"""Operations that wait for a second person, are halted, or have ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from agents.alerts.values import Reading, Readings, Spot
from agents.operations import selectors
from agents.operations.api import Operation


def waiting(now: datetime, window: timedelta) -> Readings:
    """Seconds that each waits for a second person."""
    return _lasting(selectors.waiting_for_approval(), now)


def halted(now: datetime, window: timedelta) -> Readings:
    """Seconds that each is held up."""
    return _lasting(selectors.halted(), now)


def ended(now: datetime, window: timedelta) -> Readings:
    """Those that ended within the stretch of time."""
    rows = selectors.ended_since(window)
    return Readings(tuple(_reading(each, 1.0, _outcome(each)) for each in rows))


def _outcome(operation: Operation) -> str:
    """In what state, and what became of how many."""
    parts = [
        f"{number} {name.replace('_', ' ')}" for name, number in asdict(operation.tally).items() if number
    ]
    return f"{operation.state.replace('_', ' ')}: {', '.join(parts)}"


def _lasting(rows: Iterable[Operation], now: datetime) -> Readings:
    return Readings(
        tuple(_reading(each, max((now - each.since).total_seconds(), 0.0), each.why) for each in rows)
    )


def _reading(operation: Operation, value: float, says: str) -> Reading:
    spot = _spot(operation)
    return Reading(
        spot, value, says, f"{operation.action} #{operation.number}", f"/operations/{operation.pk}"
    )


def _spot(operation: Operation) -> Spot:
    """Its place, as far as all its members share it: whoever sees only some of them is not told of all."""
    parts = list(operation.plan.parts.values_list("environment", "queue", "agent"))
    environment, queue, agent = (_shared([part[at] for part in parts]) for at in range(3))
    return Spot(environment, "", queue, agent, str(operation.number))


def _shared(words: list[str]) -> str:
    return words[0] if len(set(words)) == 1 else ""
