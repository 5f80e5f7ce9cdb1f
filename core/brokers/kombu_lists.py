"""How kombu keeps a queue on Redis unless its options say otherwise: a list for each step of priority."""

from __future__ import annotations

from bisect import bisect
from typing import Final

PRIORITY_STEPS: Final = (0, 3, 6, 9)
SEPARATOR: Final = "\x06\x16"


def list_of(queue: str, step: int) -> str:
    """The list of this step."""
    return f"{queue}{SEPARATOR}{step}" if step else queue


def step_of(priority: int) -> int:
    """The step that a priority falls into."""
    return PRIORITY_STEPS[bisect(PRIORITY_STEPS, min(max(priority, 0), 9)) - 1]
