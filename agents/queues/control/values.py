"""The states of a pause. `pausing` and `resuming`: asked for, and not heard back from a worker yet."""

from __future__ import annotations

from enum import StrEnum


class PauseState(StrEnum):
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    RESUMED = "resumed"


# While one of these holds, nobody is meant to take from the queue.
HOLDS = (PauseState.PAUSING, PauseState.PAUSED)
OPEN = (*HOLDS, PauseState.RESUMING)
