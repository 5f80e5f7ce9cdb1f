"""Tallies of samples: how they add up, and how they lie in the database. Pure but for the models' names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.queues.values import Quantiles, Tally, Times
from agents.topology.sketch import Sketch

SUMS = ("samples", "depth_sum", "entered", "left", "counted_s", "redelivered")
MOST = ("depth_max", "unacked_max", "delayed_max", "age_max", "memory_max", "consumers_max")
LEAST = ("depth_min", "consumers_min")
SKETCHES = ("wait", "work")
COLUMNS = (
    "samples", "depth_sum", "depth_min", "depth_max", "depth_last", "unacked_max", "delayed_max", "age_max",
    "consumers_min", "consumers_max", "memory_max", "entered", "left", "counted_s", "redelivered",
)  # fmt: skip


def add(whole: Tally, later: Tally) -> None:
    """Add what a later stretch of time saw."""
    if not whole.samples:
        whole.depth_min = later.depth_min
    for name in SUMS:
        setattr(whole, name, getattr(whole, name) + getattr(later, name))
    if later.samples:
        for name in MOST:
            setattr(whole, name, _of(max, getattr(whole, name), getattr(later, name)))
        for name in LEAST:
            setattr(whole, name, _of(min, getattr(whole, name), getattr(later, name)))
        whole.depth_last = later.depth_last
    whole.wait.merge(later.wait)
    whole.work.merge(later.work)


def merged(tallies: Iterable[Tally]) -> Tally:
    """One tally of several that follow each other."""
    whole = Tally()
    for each in tallies:
        add(whole, each)
    return whole


def stored(tally: Tally) -> tuple[Any, ...]:
    """The values of COLUMNS and SKETCHES."""
    return (*(getattr(tally, name) for name in COLUMNS), tally.wait.dump(), tally.work.dump())


def loaded(row: Any) -> Tally:
    """From a row that has COLUMNS and SKETCHES."""
    plain = {name: getattr(row, name) for name in COLUMNS}
    return Tally(**plain, wait=Sketch.load(row.wait), work=Sketch.load(row.work))


def quantiles(sketch: Sketch) -> Quantiles:
    """In seconds."""
    return Quantiles(sketch.count, *(_seconds(sketch.quantile(share)) for share in (0.5, 0.95, 0.99)))


def times(tally: Tally) -> Times:
    """How long its messages waited and took."""
    return Times(quantiles(tally.wait), quantiles(tally.work))


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9


def _of(choose: Any, one: Any, other: Any) -> Any:
    """The greater or smaller one; what is not known does not count."""
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)
