"""The watcher's part of the registry: silence is noticed within a second."""

from __future__ import annotations

from datetime import timedelta

from agents.registry.services.heartbeats import SWEEP_BATCH, sweep
from core import watch
from core.watch import Turn


def look(turn: Turn) -> None:
    """Take down who was silent for too long; after a night without a watcher there may be many."""
    while turn.wanted and sweep() >= SWEEP_BATCH:
        pass


watch.register("agents", timedelta(seconds=1), look)
