"""What several signals look at is read once for a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")


def once(read: Callable[[datetime], T]) -> Callable[[datetime], T]:
    """The same answer for the same moment; of another moment nothing is kept. One that failed is asked again."""
    return lru_cache(maxsize=1)(read)
