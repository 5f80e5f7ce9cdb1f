"""What a drill measured, and whether that is good: printed as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing. `good` is None for what is only told."""

    name: str
    value: float | int | str
    limit: str = ""
    good: bool | None = None

    @property
    def shown(self) -> str:
        return (
            f"{self.value:,.3f}".rstrip("0").rstrip(".")
            if isinstance(self.value, float)
            else _number(self.value)
        )


def _number(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def told(name: str, value: float | int | str) -> Figure:
    """A figure without a limit."""
    return Figure(name, value)


def exactly(name: str, value: int, wanted: int) -> Figure:
    return Figure(name, value, f"= {wanted:,}", value == wanted)


def at_most(name: str, value: float, limit: float) -> Figure:
    return Figure(name, value, f"≤ {limit:g}", value <= limit)


def at_least(name: str, value: float, limit: float) -> Figure:
    return Figure(name, value, f"≥ {limit:g}", value >= limit)


@dataclass(slots=True)
class Verdict:
    """A drill's end. Good only when something was measured against a limit and every limit held."""

    drill: str
    size: str
    figures: list[Figure] = field(default_factory=list)
    trouble: str = ""
    # What is worth reading beside the figures.
    lines: list[str] = field(default_factory=list)

    def add(self, *figures: Figure) -> None:
        self.figures.extend(figures)

    @property
    def good(self) -> bool:
        judged = [figure.good for figure in self.figures if figure.good is not None]
        return bool(judged) and all(judged) and not self.trouble

    @property
    def word(self) -> str:
        return "held" if self.good else "BAD"


def as_text(verdict: Verdict) -> str:
    """A table for people."""
    wide = max((len(figure.name) for figure in verdict.figures), default=0)
    lines = [f"drill {verdict.drill} ({verdict.size})"]
    lines += [_line(figure, wide) for figure in verdict.figures]
    lines += [f"    {line}" for line in verdict.lines]
    if verdict.trouble:
        lines.append(f"  trouble: {verdict.trouble}")
    return "\n".join([*lines, f"verdict: {verdict.word}"])


def _line(figure: Figure, wide: int) -> str:
    mark = {True: "✓", False: "✗", None: " "}[figure.good]
    return f"  {mark} {figure.name:<{wide}}  {figure.shown:>14}  {figure.limit}".rstrip()


def as_json(verdicts: Sequence[Verdict]) -> str:
    """The same for programs."""
    return json.dumps([_row(verdict) for verdict in verdicts], indent=2)


def _row(verdict: Verdict) -> dict[str, object]:
    figures = [
        {"name": figure.name, "value": figure.value, "limit": figure.limit, "good": figure.good}
        for figure in verdict.figures
    ]
    return {
        "drill": verdict.drill,
        "size": verdict.size,
        "verdict": verdict.word,
        "trouble": verdict.trouble,
        "figures": figures,
        "lines": verdict.lines,
    }
