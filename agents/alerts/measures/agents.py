"""Agents that are late or down, and the share of their work that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import floor

from agents.alerts.measures.memory import once
from agents.alerts.values import Reading, Readings, Spot
from agents.registry import selectors
from agents.registry.values import State as AgentState
from agents.topology.selectors import worked
from core import processes
from core.processes import Kind

# A few failures of a few calls say nothing about an agent.
FEW_CALLS = 10
# Heartbeats need this long to be heard again by an intake that was away, before silence means anything.
SETTLES_WITHIN = timedelta(seconds=30)
Figure = Callable[[list[AgentState]], float]
ALIVE = frozenset({AgentState.UP, AgentState.LATE, AgentState.PAUSED})


def late(now: datetime, window: timedelta) -> Readings:
    """Instances that are silent longer than they said they would be."""
    return _each(now, lambda states: float(states.count(AgentState.LATE)))


def down(now: datetime, window: timedelta) -> Readings:
    """Instances that went silent, of an agent of which none is left. One that said that it stops is not missed."""
    return _each(now, lambda states: 0.0 if ALIVE & set(states) else float(states.count(AgentState.DOWN)))


def error_ratio(now: datetime, window: timedelta) -> Readings:
    """Failed of all that an agent was asked to do in the stretch of time."""
    until = floor(now.timestamp() / 60) + 1
    found = worked(until - max(1, round(window.total_seconds() / 60)), until)
    return Readings(tuple(_ratio(*key, calls, errors) for key, (calls, errors) in found.items()))


def deaf(now: datetime) -> str:
    """Why silence means nothing now: nobody takes heartbeats in, or not for long enough again."""
    intakes = [each for each in processes.all() if each.kind is Kind.INTAKE]
    steady = [each for each in intakes if each.state is processes.State.UP and each.since]
    if not steady:
        return "no intake process is up, so heartbeats are not heard"
    if all(each.since is None or now - each.since < SETTLES_WITHIN for each in steady):
        return "intake has only just come back"
    return ""


def _each(now: datetime, figure: Figure) -> Readings:
    if why := deaf(now):
        return Readings(missing=why)
    return Readings(tuple(_reading(agent, states, figure) for agent, states in _missed(now)))


@once
def _missed(now: datetime) -> list[tuple[selectors.Named, list[AgentState]]]:
    """Two signals look at the same instances."""
    return selectors.missed(now)


def _reading(agent: selectors.Named, states: list[AgentState], figure: Figure) -> Reading:
    spot = Spot(agent.environment, agent=agent.agent_id)
    return Reading(spot, figure(states), _said(states), agent.agent_id, f"/agents/{agent.id}")


def _said(states: Iterable[AgentState]) -> str:
    found = list(states)
    parts = [f"{found.count(state)} {state}" for state in AgentState if state in found]
    return f"Its instances: {', '.join(parts)}" if parts else ""


def _ratio(environment: str, agent: str, calls: int, errors: int) -> Reading:
    ratio = errors / calls if calls >= FEW_CALLS else 0.0
    says = f"{errors} of {calls} failed"
    return Reading(Spot(environment, agent=agent), ratio, says, agent)
