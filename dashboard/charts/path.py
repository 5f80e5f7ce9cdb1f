"""A workflow's usual path as a drawing: agents in layers from left to right, a line for each hop. Pure.

What less than half of the runs do is drawn thin and dashed. Hops that lead back to an earlier layer are in the table
below the drawing, and not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BOX_WIDTH, BOX_HEIGHT = 152, 46
COLUMN, ROW, MARGIN = 262, 76, 10
MOST_AGENTS = 40
USUAL = 0.5
LONGEST_NAME = 18


@dataclass(frozen=True, slots=True)
class Box:
    """An agent."""

    name: str
    x: float
    y: float
    state: str
    figures: Mapping[str, Any]

    @property
    def short(self) -> str:
        return self.name if len(self.name) <= LONGEST_NAME else f"{self.name[: LONGEST_NAME - 1]}…"


@dataclass(frozen=True, slots=True)
class Line:
    """A hop: a curve, and where its words stand."""

    hop: Mapping[str, Any]
    d: str
    x: float
    y: float

    @property
    def usual(self) -> bool:
        return bool(self.hop["share"] >= USUAL)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything, and how large it is."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float
    left_out: int


def draw(root: str, hops: Sequence[Mapping[str, Any]], agents: Mapping[str, Mapping[str, Any]]) -> Drawing:
    """The path from a root agent on. `hops` as figures.of_hops gives them, the most used first."""
    names = list(dict.fromkeys([root, *(name for hop in hops for name in (hop["source"], hop["target"]))]))
    shown = names[:MOST_AGENTS]
    layer = _layers(root, shown, hops)
    places = _places(layer)
    boxes = tuple(_box(name, places[name], agents.get(name, {})) for name in shown)
    lines = tuple(_line(hop, places) for hop in _forward(hops, layer))
    height = max((box.y for box in boxes), default=0) + BOX_HEIGHT + MARGIN
    width = max((box.x for box in boxes), default=0) + BOX_WIDTH + MARGIN
    return Drawing(boxes, lines, width, height, len(names) - len(shown))


def _layers(root: str, names: Sequence[str], hops: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Each agent one layer after the latest of those that it hears from; a ring is cut where it closes."""
    into: dict[str, list[str]] = {name: [] for name in names}
    for hop in hops:
        is_drawn = hop["source"] in into and hop["target"] in into and hop["source"] != hop["target"]
        if is_drawn and not _reaches(hop["target"], hop["source"], into):
            into[hop["target"]].append(hop["source"])
    layer: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in layer:
            layer[name] = max((of(before) + 1 for before in into[name]), default=0)
        return layer[name]

    for name in (root, *names):
        of(name)
    return layer


def _reaches(target: str, source: str, into: Mapping[str, list[str]]) -> bool:
    """Does the source already come after the target?"""
    seen, stack = set[str](), [source]
    while stack:
        name = stack.pop()
        if name == target:
            return True
        if name not in seen:
            seen.add(name)
            stack += into[name]
    return False


def _places(layer: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """Each layer in the middle of the tallest."""
    columns: dict[int, list[str]] = {}
    for name, at in layer.items():
        columns.setdefault(at, []).append(name)
    tallest = max(len(names) for names in columns.values())
    return {
        name: (MARGIN + at * COLUMN, MARGIN + (row + (tallest - len(names)) / 2) * ROW)
        for at, names in columns.items()
        for row, name in enumerate(names)
    }


def _forward(hops: Sequence[Mapping[str, Any]], layer: Mapping[str, int]) -> list[Mapping[str, Any]]:
    return [hop for hop in hops if layer.get(hop["source"], 0) < layer.get(hop["target"], -1)]


def _box(name: str, place: tuple[float, float], figures: Mapping[str, Any]) -> Box:
    return Box(name, *place, str(figures.get("state", "idle")), figures)


def _line(hop: Mapping[str, Any], places: Mapping[str, tuple[float, float]]) -> Line:
    (x1, y1), (x2, y2) = places[hop["source"]], places[hop["target"]]
    x1, y1, y2 = x1 + BOX_WIDTH, y1 + BOX_HEIGHT / 2, y2 + BOX_HEIGHT / 2
    bend = (x2 - x1) / 2
    d = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2 - 5:.0f} {y2:.0f}"
    # Where lines fan out, the words of each stand nearer to its own end.
    return Line(hop, d, x1 + (x2 - x1) * 0.5, y1 + (y2 - y1) * 0.62)
