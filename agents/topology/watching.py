"""The watcher's part of topology: follow the span store, and say when the graph has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from agents.spans import services
from agents.spans.api import SpanStore
from agents.topology import reader
from agents.topology.places import Step
from agents.topology.workflows import reader as workflows
from core import hints, watch
from core.watch import Turn

TOPIC = "topology"
# Nobody is shown more than four pictures a second; reading as often costs least and loses nothing.
EVERY = timedelta(milliseconds=250)
# Workflows are shown by pages, and cost less the more of a run is there at once.
WORKFLOWS_EVERY = timedelta(seconds=1)


class Reader(Protocol):
    """Reads on, a batch at a time."""

    def step(self) -> Step: ...


R = TypeVar("R", bound=Reader)


class Follower(Generic[R]):
    """Keeps a reader for as long as nothing goes wrong; after an error the next call begins with a new one."""

    def __init__(self, made: Callable[[SpanStore, int], R]) -> None:
        self._made = made
        self._reader: R | None = None
        self._token = 0

    def follow(self, turn: Turn) -> bool:
        """Read what is new, and go on while there is more. True when there was any."""
        mine = self._of(turn)
        self._reader = None
        moved = False
        while turn.wanted:
            step = mine.step()
            moved = moved or step.spans > 0
            if not step.more:
                break
        self._reader = mine
        return moved

    def _of(self, turn: Turn) -> R:
        if self._reader is None or self._token != turn.token:
            self._token = turn.token
            return self._made(services.store(), turn.token)
        return self._reader


_edges, _workflows = Follower(reader.Reader), Follower(workflows.Reader)


def follow(turn: Turn) -> None:
    if _edges.follow(turn):
        hints.hint(TOPIC)


def follow_workflows(turn: Turn) -> None:
    _workflows.follow(turn)


watch.register(TOPIC, EVERY, follow)
watch.register("workflows", WORKFLOWS_EVERY, follow_workflows)
