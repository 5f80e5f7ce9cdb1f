"""A tally as a bar: parts of one whole, in order, that fill it exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WORDS = {"failed_same": "same failure", "failed_new": "other failure"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part: where its stretch of the bar starts and how wide it is, in percent."""

    name: str
    count: int
    start: float
    width: float

    @property
    def word(self) -> str:
        return word(self.name)


def word(name: str) -> str:
    """As it reads beside its figure."""
    return WORDS.get(name, name.replace("_", " "))


def bar(counts: Mapping[str, int]) -> list[Part]:
    """Where each part lies. Nothing at all gives parts of no width."""
    whole = sum(counts.values()) or 1
    parts, start = [], 0.0
    for name, count in counts.items():
        width = 100 * count / whole
        parts.append(Part(name, count, round(start, 3), round(width, 3)))
        start += width
    return parts
