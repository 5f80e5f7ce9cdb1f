"""The registry as a hook: an agent registers when it starts, beats while it runs, and says when it stops."""

from __future__ import annotations

from typing import Any

from postroom.backpressure import load
from postroom.http import Client
from postroom.registry.client import AgentRegistry
from postroom.registry.heartbeats import Heartbeats
from postroom.runtime.api import About, Hook


class Registered(Hook):
    """Nothing waits for Postroom here: registering and beating are a thread's affair."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.heartbeats: Heartbeats | None = None

    def on_start(self, about: About) -> None:
        registry = AgentRegistry(client=self._client)
        load.count_in_flight(about.in_flight)
        self.heartbeats = Heartbeats(
            self._client,
            about.agent,
            instance_id=about.instance,
            version=about.version,
            environment=about.environment,
            load=lambda: busy(about),
            in_flight=about.in_flight,
            before=lambda: registry.register(**registration(about)),
        )
        self.heartbeats.start()

    def on_stop(self, about: About) -> None:
        load.forget(about.in_flight)
        if self.heartbeats:
            self.heartbeats.stop()


def registration(about: About) -> dict[str, Any]:
    """What an agent says of itself."""
    return {
        "agent_id": about.agent,
        "version": about.version,
        "environment": about.environment,
        "capabilities": about.capabilities,
    }


def busy(about: About) -> float:
    """The share of what the instance can do that it does: its hands, or its machine where that is scarcer."""
    return max(about.in_flight() / max(1, about.concurrency), load.get_system_load().memory)
