"""Search over the blocks of a shelf: newest first, with cursors, and within a time that a page can wait.

A block is opened only when its time, its series, its filter and its handles leave it a chance. Blocks come by
their last moment; what they hold is handed out as soon as no block to come can hold anything newer.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

from agents.spans import blocks, cursors, days, tokens
from agents.spans import plan as plans
from agents.spans.api import Page, Query, Reach
from agents.spans.columns import Packed
from agents.spans.cursors import Mark
from agents.spans.plan import Plan
from agents.spans.shelf import PartGoneError, PartReader, Place, Shelf, Wanted
from agents.spans.streams import Stream
from core import clock

# How long a search looks before it says how far it came.
PATIENCE = 1.5
# How many blocks are weighed at once: few at first, since the newest often fill a page.
FIRST_WINDOW, WINDOW_GROWTH, LARGEST_WINDOW = 64, 8, 4_096
# How many of them are opened at once.
OPENED = 8
FILTERS = 512
LONG_AGO = -(2**63)
BEFORE_ALL = (2**31, 2**31, -1)


class Budget:
    """The time left for a search, and how far back it came when that was spent. It always comes on a little."""

    def __init__(self, patience: float) -> None:
        self._until = clock.monotonic() + patience
        self._begun = False
        self.reached: int | None = None

    def spent(self, moment: int) -> bool:
        """May what lies at or before this moment no longer be looked at?"""
        if not self._begun or clock.monotonic() < self._until:
            self._begun = True
            return False
        self.reached = moment if self.reached is None else max(self.reached, moment)
        return True


class Match(NamedTuple):
    """A row that matches, not yet unpacked as a whole."""

    order: tuple[int, int, int, int]
    mark: Mark
    core: Packed


class _Opened(NamedTuple):
    """A block that was opened: its newest match that was not handed out, and those after it."""

    head: Match
    rest: Iterator[Match]


def page(shelf: Shelf, plan: Plan, *, limit: int, cursor: str, patience: float = PATIENCE) -> Page[Any]:
    mark = cursors.read_mark(cursor, plan.fingerprint)
    budget = Budget(patience)
    found = list(islice(matches(shelf, plan, mark, budget), limit + 1))
    kept = list(_rows(shelf, plan.stream, found[:limit]))
    rows = tuple(row for _, row in kept)
    behind = partial(_behind, [mark for mark, _ in kept], plan.fingerprint)
    if found[limit:] or (len(found) == limit and budget.reached is not None):
        last = found[limit - 1].mark
        return Page(rows, cursors.write_mark(last, plan.fingerprint), last.moment, behind)
    if budget.reached is not None:
        stopped = Mark(budget.reached, *BEFORE_ALL)
        return Page(rows, cursors.write_mark(stopped, plan.fingerprint), budget.reached, behind)
    return Page(rows, "", plan.query.since, behind)


def _behind(marks: Sequence[Mark], fingerprint: int, place: int) -> str:
    return cursors.write_mark(marks[place], fingerprint)


def matcher(stream: Stream, query: Query, reach: Reach) -> Callable[[Any], bool]:
    """The same query as a test of one value, for what is followed rather than searched."""
    return partial(plans.matches_row, plans.make(stream, query, reach))


def matches(shelf: Shelf, plan: Plan, mark: Mark | None, budget: Budget) -> Iterator[Match]:
    """All matches behind the mark, newest first. Days follow each other; what is astray lies among them."""
    until = min(plan.query.until, mark.moment + 1) if mark else plan.query.until
    parts = [part for part in shelf.parts() if _overlaps(part, plan.query.since, until)]
    in_days = chain.from_iterable(
        _in_part(shelf, part, plan, until, budget) for part in parts if part != days.ASTRAY
    )
    astray = _in_part(shelf, days.ASTRAY, plan, until, budget) if days.ASTRAY in parts else iter(())
    for match in heapq.merge(in_days, astray):
        if mark is None or match.order > mark.order:
            if budget.reached is not None and match.mark.moment <= budget.reached:
                return
            yield match


def _overlaps(part: int, since: int, until: int) -> bool:
    first, last = days.bounds(part)
    return first < until and last > since


def _in_part(shelf: Shelf, part: int, plan: Plan, until: int, budget: Budget) -> Iterator[Match]:
    """A part that is dropped while it is read has no more matches."""
    if budget.reached is not None:
        return
    with suppress(PartGoneError), shelf.reading(part) as reader:
        yield from _newest_first(reader, part, plan, until, budget)


def _newest_first(reader: PartReader, part: int, plan: Plan, until: int, budget: Budget) -> Iterator[Match]:
    waiting: list[_Opened] = []
    for places in _in_groups(_candidates(reader, part, plan, until), OPENED):
        newest = places[0].last
        yield from _handed_out(waiting, newest)
        if budget.spent(newest):
            return
        for number, core, rows in _open(reader, plan, until, places):
            _wait(waiting, _in_order(plan.stream, core, rows, part, number))
    yield from _handed_out(waiting, LONG_AGO)


def _handed_out(waiting: list[_Opened], after: int) -> Iterator[Match]:
    """What is newer, in order, from the heads of all blocks that were opened."""
    while waiting and waiting[0].head.mark.moment > after:
        head, rest = heapq.heappop(waiting)
        yield head
        _wait(waiting, rest)


def _wait(waiting: list[_Opened], matches: Iterator[Match]) -> None:
    if head := next(matches, None):
        heapq.heappush(waiting, _Opened(head, matches))


def _in_order(stream: Stream, core: Packed, rows: list[int], part: int, number: int) -> Iterator[Match]:
    """A block's matches, newest first, made only as far as they are asked for."""
    moments = core[stream.time]
    for row in sorted(rows, key=moments.__getitem__, reverse=True):
        mark = Mark(moments[row], part, number, row)
        yield Match(mark.order, mark, core)


def _in_groups(places: Iterator[Place], size: int) -> Iterator[list[Place]]:
    """One at first: it may hold the whole page."""
    group, wanted = [], 1
    for place in places:
        group.append(place)
        if len(group) == wanted:
            yield group
            group, wanted = [], min(wanted * 2, size)
    if group:
        yield group


def _open(
    reader: PartReader, plan: Plan, until: int, places: list[Place]
) -> Iterator[tuple[int, Packed, list[int]]]:
    """The blocks that have matches, and which."""
    cores = reader.cores([place.id for place in places])
    found = {}
    for number, packed in cores.items():
        core = blocks.unpack_core(plan.stream, packed)
        if rows := plans.matching(plan, core, until):
            found[number] = (core, rows)
    if plan.needs_details:
        found = _with_details(reader, plan, found)
    for number, (core, rows) in found.items():
        yield number, core, rows


def _with_details(
    reader: PartReader, plan: Plan, found: dict[int, tuple[Packed, list[int]]]
) -> dict[int, tuple[Packed, list[int]]]:
    kept = {}
    for number, packed in reader.details(found).items():
        core, rows = found[number]
        details = blocks.unpack_details(plan.stream, packed)
        kept[number] = (core, plans.matching_details(plan, core, details, rows))
    return kept


# ---- which blocks to open ----------------------------------------------------------------------------------------
def _candidates(reader: PartReader, part: int, plan: Plan, until: int) -> Iterator[Place]:
    """Blocks by their last moment, newest first."""
    if plan.handles:
        return _by_handles(reader, part, plan, until)
    return _by_time(reader, plan, until)


def _by_handles(reader: PartReader, part: int, plan: Plan, until: int) -> Iterator[Place]:
    numbers: set[int] | None = None
    for handle in plan.handles:
        found = {block for _, block, _ in reader.handles([hour + handle for hour in blocks.hours(part)])}
        numbers = found if numbers is None else numbers & found
    places = reader.places(plan.stream.number, numbers or set())
    overlapping = [place for place in places if place.first < until and place.last >= plan.query.since]
    return iter(sorted(overlapping, key=lambda place: (-place.last, -place.id)))


def _by_time(reader: PartReader, plan: Plan, until: int) -> Iterator[Place]:
    wanted = _wanted(reader, plan)
    if wanted is not None and not wanted.series:
        return
    below, size = None, FIRST_WINDOW
    while window := reader.blocks(plan.stream.number, plan.query.since, until, below, size):
        yield from _narrowed(reader, plan, wanted, window)
        if len(window) < size:
            return
        below, size = window[-1], min(size * WINDOW_GROWTH, LARGEST_WINDOW)


def _wanted(reader: PartReader, plan: Plan) -> Wanted | None:
    """The series to look for; None when any will do."""
    if not plan.narrows_series and not plan.longest:
        return None
    found = plans.series_wanted(plan, reader.series(plan.stream.number, 0))
    return Wanted(tuple(number for number, _ in found), plan.longest)


def _narrowed(reader: PartReader, plan: Plan, wanted: Wanted | None, window: list[Place]) -> Iterator[Place]:
    if wanted is not None:
        kept = reader.with_series([place.id for place in window], wanted)
        window = [place for place in window if place.id in kept]
    if not plan.tokens:
        yield from window
        return
    for start in range(0, len(window), FILTERS):
        chunk = window[start : start + FILTERS]
        filters = reader.filters([place.id for place in chunk])
        yield from (place for place in chunk if tokens.may_hold(filters.get(place.id, b""), plan.tokens))


def _rows(shelf: Shelf, stream: Stream, found: list[Match]) -> Iterator[tuple[Mark, Any]]:
    """Matches as values. What was dropped since it was found is left out."""
    by_part: dict[int, list[Match]] = {}
    for match in found:
        by_part.setdefault(match.mark.part, []).append(match)
    values: dict[Mark, Any] = {}
    for part, own in by_part.items():
        with suppress(PartGoneError), shelf.reading(part) as reader:
            values.update(_values(reader, stream, own))
    return ((match.mark, values[match.mark]) for match in found if match.mark in values)


def _values(reader: PartReader, stream: Stream, found: list[Match]) -> Iterator[tuple[Mark, Any]]:
    by_block: dict[int, list[Match]] = {}
    for match in found:
        by_block.setdefault(match.mark.block, []).append(match)
    for number, packed in reader.details(by_block).items():
        details = blocks.unpack_details(stream, packed)
        own = by_block[number]
        rows = blocks.rows_of(stream, own[0].core, details, [match.mark.place for match in own])
        yield from zip([match.mark for match in own], rows, strict=True)
