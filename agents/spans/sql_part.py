"""A part as SQL that SQLite and PostgreSQL both speak; what differs between them is below, in two methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any

from agents.spans.blocks import CLASSES, OTHER, Block, Handle
from agents.spans.shelf import GROUP, Newest, PartGoneError, Place, Wanted
from agents.spans.streams import LOGS, SPANS
from agents.spans.values import encode

# Telling this many series of a stream apart is enough; the rest shares one that stands for any.
MAX_SERIES = 20_000
# Handles that are sought by one statement.
AT_ONCE = 8_192
TABLES = ("block", "handle", "series", "share", "digest")

_WIDTHS = {stream.number: len(stream.series) for stream in (SPANS, LOGS)}


def item(series: int, longest: int) -> int:
    """A series and how long it took, as one number that sorts by both."""
    return series * CLASSES + longest


def total_of(group: int) -> int:
    """Where a group's totals stand: beside the shares, as a group of its own without a block."""
    return -1 - group


class SqlPart(ABC):
    """Reads and writes one part through one connection."""

    def __init__(self, part: int, tables: dict[str, str], series: dict[tuple[int, bytes], int]) -> None:
        self.part = part
        self.tables = tables
        # A copy: what this transaction learns counts only once it is committed.
        self.series_numbers = dict(series)

    @abstractmethod
    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Run a statement with `?` for values and `{name}` for tables, and fetch what it returns."""

    @abstractmethod
    def among(self, column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
        """A condition that the column is one of the values, and the values to pass for it."""

    @abstractmethod
    def insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add many rows at once."""

    # ---- reading -------------------------------------------------------------------------------------------
    def blocks(self, stream: int, since: int, until: int, below: Place | None, limit: int) -> list[Place]:
        last, block = (below.last, below.id) if below else (2**63 - 1, 2**31 - 1)
        found = self.rows(
            "SELECT id, first, last FROM {block} WHERE stream = ? AND (last, id) < (?, ?) AND last >= ?"
            " AND first < ? ORDER BY last DESC, id DESC LIMIT ?",
            stream,
            last,
            block,
            since,
            until,
            limit,
        )
        return [Place(*row) for row in found]

    def with_series(self, ids: Collection[int], wanted: Wanted) -> set[int]:
        """By the totals first: they lie close together, and rule out most groups of what is rare."""
        if not ids or not wanted.series:
            return set()
        groups = {block // GROUP for block in ids}
        totals = self._summed_up(groups)
        groups -= {total_of(total) for total in totals - self._holding("grouped", totals, wanted)}
        return self._holding("block", groups, wanted).intersection(ids)

    def _holding(self, what: str, groups: Collection[int], wanted: Wanted) -> set[int]:
        """What holds one of the series, among the shares (or totals) of these groups."""
        if not groups:
            return set()
        grouped, in_groups = self.among("share.grouped", sorted(groups))
        series, in_series = self.among("id", wanted.series)
        found = self.rows(
            f"SELECT DISTINCT share.{what} FROM {{series}} AS wanted JOIN {{share}} AS share ON {grouped}"  # noqa: S608
            f" AND share.item BETWEEN wanted.id * {CLASSES} + ? AND wanted.id * {CLASSES} + {CLASSES - 1}"
            f" WHERE wanted.{series}",
            *in_groups,
            wanted.at_least,
            *in_series,
        )
        return {number for (number,) in found}

    def _summed_up(self, groups: Collection[int]) -> set[int]:
        """Where the totals of these groups stand, of those that have any."""
        places = ", ".join(f"({total_of(group)})" for group in groups)
        found = self.rows(
            f"SELECT column1 FROM (VALUES {places}) AS given"  # noqa: S608
            " WHERE EXISTS (SELECT 1 FROM {share} AS share WHERE share.grouped = given.column1)"
        )
        return {place for (place,) in found}

    def _blobs(self, column: str, ids: Collection[int]) -> dict[int, bytes]:
        if not ids:
            return {}
        condition, values = self.among("id", ids)
        return dict(self.rows(f"SELECT id, {column} FROM {{block}} WHERE {condition}", *values))  # noqa: S608

    def filters(self, ids: Collection[int]) -> dict[int, bytes]:
        return self._blobs("filter", ids)

    def cores(self, ids: Collection[int]) -> dict[int, bytes]:
        return self._blobs("core", ids)

    def details(self, ids: Collection[int]) -> dict[int, bytes]:
        return self._blobs("details", ids)

    def handles(self, keys: Collection[bytes]) -> list[tuple[bytes, int, bytes]]:
        found: list[tuple[bytes, int, bytes]] = []
        ordered = sorted(keys)
        for start in range(0, len(ordered), AT_ONCE):
            condition, values = self.among("key", ordered[start : start + AT_ONCE])
            found += self.rows(f"SELECT key, block, ids FROM {{handle}} WHERE {condition}", *values)  # noqa: S608
        return found

    def series(self, stream: int, above: int) -> list[tuple[int, bytes]]:
        return self.rows(
            "SELECT id, key FROM {series} WHERE stream = ? AND id > ? ORDER BY id", stream, above
        )

    def counts(self, stream: int, since: int, until: int) -> list[tuple[int, int]]:
        total: Counter[int] = Counter()
        groups = self._whole_groups(stream, since, until)
        for series, rows in [*self._totals(groups), *self._shares(stream, since, until, groups)]:
            total[int(series)] += int(rows)
        return list(total.items())

    def _whole_groups(self, stream: int, since: int, until: int) -> list[int]:
        """Groups that were summed up, all of whose blocks lie within the time."""
        found = self.rows(
            f"SELECT whole.grouped FROM (SELECT id / {GROUP} AS grouped FROM {{block}} WHERE stream = ?"  # noqa: S608
            " GROUP BY 1 HAVING min(first) >= ? AND max(last) < ?) AS whole"
            " WHERE EXISTS (SELECT 1 FROM {share} AS share WHERE share.grouped = -1 - whole.grouped)",
            stream,
            since,
            until,
        )
        return [group for (group,) in found]

    def _totals(self, groups: Collection[int]) -> list[tuple[int, int]]:
        if not groups:
            return []
        condition, values = self.among("grouped", [total_of(group) for group in groups])
        return self.rows(
            f"SELECT item / {CLASSES}, sum(rows) FROM {{share}} WHERE {condition} GROUP BY 1",  # noqa: S608
            *values,
        )

    def _shares(self, stream: int, since: int, until: int, but: Collection[int]) -> list[tuple[int, int]]:
        """Of whole blocks outside these groups. By groups first: a block's own shares lie scattered among those
        of its group."""
        apart, groups = self.among(f"id / {GROUP}", but) if but else ("FALSE", [])
        whole = f"FROM {{block}} WHERE stream = ? AND last >= ? AND last < ? AND first >= ? AND NOT ({apart})"
        bounds = (stream, since, until, since, *groups)
        return self.rows(
            f"SELECT item / {CLASSES}, sum(rows) FROM {{share}}"  # noqa: S608
            f" WHERE grouped IN (SELECT DISTINCT id / {GROUP} {whole}) AND block IN (SELECT id {whole}) GROUP BY 1",
            *bounds,
            *bounds,
        )

    def after(self, stream: int, block: int, limit: int) -> list[int]:
        found = self.rows(
            "SELECT id FROM {block} WHERE id > ? AND stream = ? ORDER BY id LIMIT ?", block, stream, limit
        )
        return [number for (number,) in found]

    def edges(self, stream: int, since: int, until: int) -> list[Place]:
        found = self.rows(
            "SELECT id, first, last FROM {block} WHERE stream = ? AND last >= ? AND first < ?"
            " AND (first < ? OR last >= ?)",
            stream,
            since,
            until,
            since,
            until,
        )
        return [Place(*row) for row in found]

    def places(self, stream: int, ids: Collection[int]) -> list[Place]:
        if not ids:
            return []
        condition, values = self.among("id", ids)
        found = self.rows(
            f"SELECT id, first, last FROM {{block}} WHERE stream = ? AND {condition}",  # noqa: S608
            stream,
            *values,
        )
        return [Place(*row) for row in found]

    def newest(self) -> Newest:
        found = self.rows("SELECT made, newest FROM {part} WHERE number = ?", self.part)
        if not found:
            raise PartGoneError
        return Newest(*found[0])

    # ---- writing -------------------------------------------------------------------------------------------
    def known(self, keys: Collection[bytes]) -> list[Handle]:
        return [(key, ids) for key, _, ids in self.handles(keys)]

    def known_digests(self, digests: Collection[bytes]) -> set[bytes]:
        if not digests:
            return set()
        condition, values = self.among("digest", digests)
        return {
            found
            for (found,) in self.rows(f"SELECT digest FROM {{digest}} WHERE {condition}", *values)  # noqa: S608
        }

    def add(self, blocks: Sequence[Block], digests: Iterable[bytes], received: int) -> None:
        first = self.newest().block + 1
        numbered = list(enumerate(blocks, first))
        self._add_blocks(numbered, received)
        self.insert("handle", "key, block, ids", _handle_rows(numbered))
        self.insert("share", "grouped, item, block, rows", self._share_rows(numbered))
        self._sum_up(first, numbered[-1][0])
        self.insert("digest", "digest, block", [(digest, numbered[-1][0]) for digest in digests])
        rows = Counter[int]()
        for block in blocks:
            rows[block.stream] += block.rows
        self._count(len(blocks), rows)

    def _add_blocks(self, numbered: Sequence[tuple[int, Block]], received: int) -> None:
        self.insert(
            "block",
            "id, stream, first, last, rows, received, core, details, filter",
            [
                (number, it.stream, it.first, it.last, it.rows, received, it.core, it.details, it.filter)
                for number, it in numbered
            ],
        )

    def _share_rows(self, numbered: Sequence[tuple[int, Block]]) -> list[tuple[int, int, int, int]]:
        self._learn({(block.stream, share.series) for _, block in numbered for share in block.shares})
        total: Counter[tuple[int, int, int]] = Counter()
        for number, block in numbered:
            group = number // GROUP
            for share in block.shares:
                series = self.series_numbers[block.stream, share.series]
                total[group, item(series, share.longest), number] += share.rows
        return sorted((*key, rows) for key, rows in total.items())

    def _sum_up(self, first: int, last: int) -> None:
        """A group that is complete gets a total for each series, so that counting need not read its shares."""
        groups = range(first // GROUP, (last + 1) // GROUP)
        if not groups:
            return
        found = self.rows(
            f"SELECT grouped, max(item), sum(rows) FROM {{share}} WHERE grouped BETWEEN ? AND ?"  # noqa: S608
            f" GROUP BY grouped, item / {CLASSES}",
            groups[0],
            groups[-1],
        )
        totals = sorted((total_of(group), item, 0, int(rows)) for group, item, rows in found)
        self.insert("share", "grouped, item, block, rows", totals)

    def _learn(self, wanted: set[tuple[int, bytes]]) -> None:
        """Know the number of each series; those that the part has not seen get one."""
        if not wanted - self.series_numbers.keys():
            return
        for number, stream, key in self.rows("SELECT id, stream, key FROM {series}"):
            self.series_numbers[stream, key] = number
        for stream, key in sorted(wanted - self.series_numbers.keys()):
            self.series_numbers[stream, key] = self._new_series(stream, key)

    def _new_series(self, stream: int, key: bytes) -> int:
        if len(self.series_numbers) >= MAX_SERIES:
            key = encode([OTHER] * _WIDTHS[stream])
            if (stream, key) in self.series_numbers:
                return self.series_numbers[stream, key]
        number = max(self.series_numbers.values(), default=0) + 1
        self.insert("series", "id, stream, key", [(number, stream, key)])
        self.series_numbers[stream, key] = number
        return number

    def _count(self, blocks: int, rows: Counter[int]) -> None:
        """Blocks are counted and never counted down: a number is given once."""
        self.rows(
            "UPDATE {part} SET newest = newest + ?, spans = spans + ?, logs = logs + ? WHERE number = ?",
            blocks,
            rows[SPANS.number],
            rows[LOGS.number],
            self.part,
        )

    def remove_received_before(self, moment: int) -> int:
        """Blocks are numbered in the order of arrival, so everything up to one number goes."""
        found = self.rows(
            "SELECT stream, max(id), sum(rows) FROM {block} WHERE received < ? GROUP BY stream", moment
        )
        if not found:
            return 0
        newest = max(number for _, number, _ in found)
        for table, column in (("handle", "block"), ("share", "block"), ("digest", "block"), ("block", "id")):
            self.rows(f"DELETE FROM {{{table}}} WHERE {column} <= ?", newest)  # noqa: S608
        self._count(0, Counter({stream: -int(rows) for stream, _, rows in found}))
        return sum(int(rows) for _, _, rows in found)


def _handle_rows(numbered: Sequence[tuple[int, Block]]) -> list[tuple[bytes, int, bytes]]:
    return list(
        chain.from_iterable([(key, number, ids) for key, ids in block.handles] for number, block in numbered)
    )
