"""A letter's attempts side by side: what is another one than in the attempt before is marked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import clock

# More columns than this are read as a list.
MOST_SIDE_BY_SIDE = 8
# What is compared, and how it reads.
COMPARED = {
    "error": "Error",
    "cls": "Class",
    "instance": "By",
    "host": "Host",
    "version": "Version",
}


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt as the page shows it; whatever the sender left out is empty."""

    said: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.said.get(name)

    @property
    def started(self) -> datetime | None:
        return _moment(self.said.get("started_at"))

    @property
    def retry(self) -> datetime | None:
        return _moment(self.said.get("retry_at"))

    @property
    def cls(self) -> str:
        return str(self.said.get("class") or "")

    @property
    def error(self) -> str:
        return ": ".join(str(self.said[name]) for name in ("type", "message") if self.said.get(name))

    @property
    def took(self) -> float | None:
        """In milliseconds; None where nobody measured."""
        value = self.said.get("duration_ms")
        return float(value) if isinstance(value, int | float) else None


@dataclass(frozen=True, slots=True)
class Cell:
    """What one attempt says of one thing, and whether the one before said something else."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One thing, over all attempts."""

    name: str
    title: str
    cells: tuple[Cell, ...]

    @property
    def same(self) -> bool:
        return not any(cell.differs for cell in self.cells)


def side_by_side(tries: Sequence[Try]) -> list[Line]:
    """Line by line; a thing that no attempt says has none."""
    lines = (Line(name, title, _cells(_said(tries, name))) for name, title in COMPARED.items())
    return [line for line in lines if any(cell.text for cell in line.cells)]


def differing(lines: Iterable[Line]) -> str:
    """What changed between attempts, as words: `error, host`; empty when each was like the one before."""
    return ", ".join(line.title.lower() for line in lines if not line.same)


def _said(tries: Sequence[Try], name: str) -> list[str]:
    return [str(getattr(each, name) or "") for each in tries]


def _cells(texts: list[str]) -> tuple[Cell, ...]:
    befores = [texts[0], *texts[:-1]] if texts else []
    return tuple(Cell(text, text != before) for text, before in zip(texts, befores, strict=True))


def _moment(value: Any) -> datetime | None:
    try:
        return clock.parse(value) if isinstance(value, str) and value else None
    except ValueError:
        return None
