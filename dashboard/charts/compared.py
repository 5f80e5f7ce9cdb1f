"""Two traces side by side, operation by operation: what took longer, what failed, what is not there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.spans.api import Span
from agents.spans.values import Status

MS = 1_000_000


@dataclass(slots=True)
class Side:
    """What one trace did of an operation."""

    count: int = 0
    took: int = 0
    errors: int = 0
    tokens: int = 0

    @property
    def ms(self) -> float:
        return self.took / MS


@dataclass(frozen=True, slots=True)
class Difference:
    """An operation of an agent in both traces."""

    agent: str
    operation: str
    here: Side
    there: Side

    @property
    def took(self) -> float:
        """How many milliseconds more it took there."""
        return (self.there.took - self.here.took) / MS

    @property
    def only(self) -> str:
        """`here` or `there` when the other has none of it."""
        if not self.there.count:
            return "here"
        return "" if self.here.count else "there"

    @property
    def state(self) -> str:
        if self.there.errors > self.here.errors:
            return "bad"
        return "warn" if self.only else ""


def compare(here: Iterable[Span], there: Iterable[Span]) -> list[Difference]:
    """Every operation of either, the largest difference in time first."""
    ours, theirs = _sides(here), _sides(there)
    found = [
        Difference(*key, ours.get(key, Side()), theirs.get(key, Side()))
        for key in dict.fromkeys([*ours, *theirs])
    ]
    return sorted(found, key=lambda difference: -abs(difference.took))


def _sides(spans: Iterable[Span]) -> dict[tuple[str, str], Side]:
    sides: dict[tuple[str, str], Side] = {}
    for span in spans:
        side = sides.setdefault((span.agent, span.name), Side())
        side.count += 1
        side.took += span.duration
        side.errors += span.status == Status.ERROR
        side.tokens += span.input_tokens + span.output_tokens
    return sides
