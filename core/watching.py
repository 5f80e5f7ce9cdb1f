"""The watcher's first loop: says that the processes may look different, and forgets those long gone."""

from __future__ import annotations

from datetime import timedelta

from core import hints, processes, watch
from core.processes import State
from core.watch import Turn

TOPIC = "processes"
# What the loop saw last: kinds, names, states and restarts, without the times that always change.
_last: list[tuple[str, State, int]] = []


def look(turn: Turn) -> None:
    """Tell whoever shows the processes when one has changed."""
    global _last  # noqa: PLW0603 - the loop's own memory
    states = [(state.key, state.state, state.restarts) for state in processes.all()]
    if states != _last:
        _last = states
        hints.hint(TOPIC)
    processes.forget_old()


watch.register(TOPIC, timedelta(seconds=1), look)
