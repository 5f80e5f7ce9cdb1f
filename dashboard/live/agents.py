"""The topic `agents`: who there is, in what state, and how many instances live."""

from __future__ import annotations

from typing import Any

from agents.registry import selectors
from agents.registry.models import Agent
from agents.registry.selectors import Known
from agents.registry.versions import newest_first
from core import clock
from core.access.api import Permission, Place
from dashboard.live.api import Row, State


class Agents:
    """Late and down come by the mere passing of time, so it is read without a hint as well."""

    name = "agents"
    permission = Permission.SEE

    def load(self) -> State:
        found = selectors.known(Agent.objects.all())
        return State(None, {str(each.agent.pk): Row(_place(each.agent), shown(each)) for each in found})


def shown(known: Known) -> dict[str, Any]:
    """What changes while a page is open."""
    agent = known.agent
    return {
        "agent_id": agent.agent_id,
        "environment": agent.environment,
        "state": known.state,
        "instances": instances(known),
        "versions": versions(known),
        "last_seen": clock.rfc3339(agent.last_seen),
    }


def instances(known: Known) -> str:
    """Up of all."""
    return f"{known.up}/{known.all}" if known.all else "—"


def versions(known: Known) -> str:
    """Those that are to get traffic, the newest first."""
    return (
        ", ".join(newest_first([each.version for each in known.offers if each.version and each.open])) or "—"
    )


def _place(agent: Agent) -> Place:
    return Place(agent.environment, agent=agent.agent_id)
