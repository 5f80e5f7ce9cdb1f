"""What expires: each room registers how it removes its own, and `retention run` (daily, by beat) asks them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

# Removes what has expired and returns how many things went. Called again after a crash, it goes on.
Sweep = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one room's sweep did."""

    room: str
    removed: int = 0
    problem: str = ""


_sweeps: dict[str, Sweep] = {}


def register(room: str, sweep: Sweep) -> None:
    """Called once, when the room's app is ready."""
    _sweeps[room] = sweep


def rooms() -> list[str]:
    return sorted(_sweeps)


def run() -> Iterator[Outcome]:
    """Every room in turn. One that fails does not keep the others from theirs."""
    for room in rooms():
        yield _one(room)


def _one(room: str) -> Outcome:
    try:
        outcome = Outcome(room, _sweeps[room]())
    except Exception as problem:
        log.exception("retention failed", room=room)
        return Outcome(room, problem=f"{type(problem).__name__}: {problem}")
    log.info("retention done", room=room, removed=outcome.removed)
    return outcome
