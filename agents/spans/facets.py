"""Counting by value. Whole blocks are counted by their series, and only blocks at the ends of the time are opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from agents.spans import blocks, search
from agents.spans import plan as plans
from agents.spans.api import Facets
from agents.spans.blocks import OTHER
from agents.spans.columns import Packed
from agents.spans.plan import Plan
from agents.spans.shelf import PartGoneError, PartReader, Shelf

# How many blocks at the ends, and how many matches one by one, are looked at before it is "about".
EDGES = 256
COUNTED = 200_000
MANY = "(other)"


def count(shelf: Shelf, plan: Plan, fields: Sequence[str], *, top: int, patience: float) -> Facets:
    tally = _Counts(fields)
    if plan.only_series and all(field in plan.stream.series for field in fields):
        for part in shelf.parts():
            with suppress(PartGoneError), shelf.reading(part) as reader:
                _count_part(reader, plan, tally)
    else:
        _count_matches(shelf, plan, tally, search.Budget(patience))
    return tally.facets(top)


class _Counts:
    """What was counted so far."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.by_field: dict[str, Counter[str]] = {field: Counter() for field in fields}
        self.total = 0
        self.exact = True

    def add(self, values: Any, rows: int) -> None:
        self.total += rows
        for field, counter in self.by_field.items():
            if (value := values[field]) != "":
                counter[MANY if value == OTHER else str(value)] += rows

    def add_rows(self, core: Packed, places: Sequence[int]) -> None:
        self.total += len(places)
        for field, counter in self.by_field.items():
            for value, rows in Counter(core.at(field, places)).items():
                if value != "":
                    counter[str(value)] += rows

    def facets(self, top: int) -> Facets:
        counts = {field: tuple(counter.most_common(top)) for field, counter in self.by_field.items()}
        return Facets(counts, self.total, self.exact)


def _count_part(reader: PartReader, plan: Plan, tally: _Counts) -> None:
    query, stream = plan.query, plan.stream.number
    wanted = dict(plans.series_wanted(plan, reader.series(stream, 0)))
    for number, rows in reader.counts(stream, query.since, query.until):
        if number in wanted:
            tally.add(wanted[number], rows)
            # One series stands for many, and which of them match is not known without opening the blocks.
            tally.exact &= OTHER not in wanted[number].values()
    edges = reader.edges(stream, query.since, query.until)
    tally.exact &= len(edges) <= EDGES
    for packed in reader.cores([edge.id for edge in edges[:EDGES]]).values():
        core = blocks.unpack_core(plan.stream, packed)
        tally.add_rows(core, plans.matching(plan, core, query.until))


def _count_matches(shelf: Shelf, plan: Plan, tally: _Counts, budget: search.Budget) -> None:
    found = search.matches(shelf, plan, None, budget)
    for match in islice(found, COUNTED):
        tally.add({field: match.core[field][match.mark.place] for field in tally.by_field}, 1)
    tally.exact = budget.reached is None and tally.total < COUNTED
