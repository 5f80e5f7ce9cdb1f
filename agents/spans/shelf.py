"""What a store of blocks needs of a database: the interface that SQLite and PostgreSQL have in common.

A shelf holds parts (see days.py); a part holds blocks and what finds them. Whoever writes to a part is alone
with it until the commit, so block numbers are given in the order of commit, and a reader that has seen one has
seen all below it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from agents.spans.blocks import Block, Handle

# Blocks are indexed by series in groups of this many, so that what is written together lies together.
GROUP = 64


class PartGoneError(Exception):
    """There is no such part (any more): what was in it is forgotten."""


class Place(NamedTuple):
    """A block without its contents."""

    id: int
    first: int
    last: int


class Newest(NamedTuple):
    """The block of a part that was committed last (0 for none). `made` tells the part from one dropped before."""

    made: int
    block: int


class PartSize(NamedTuple):
    """How much a part holds."""

    part: int
    spans: int
    logs: int
    size: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Series that a search looks for, each with the class of duration that its longest span must reach."""

    series: tuple[int, ...]
    at_least: int = 0


class PartReader(Protocol):
    """Reads one part. Empty arguments give empty answers."""

    def blocks(self, stream: int, since: int, until: int, below: Place | None, limit: int) -> list[Place]:
        """Blocks that overlap [since, until) by their last moment, newest first, after `below`."""

    def with_series(self, ids: Collection[int], wanted: Wanted) -> set[int]:
        """Those of the blocks that hold one of the series."""

    def filters(self, ids: Collection[int]) -> dict[int, bytes]: ...

    def cores(self, ids: Collection[int]) -> dict[int, bytes]: ...

    def details(self, ids: Collection[int]) -> dict[int, bytes]: ...

    def handles(self, keys: Collection[bytes]) -> list[tuple[bytes, int, bytes]]:
        """Handle, block and span ids for each of the handles that is there."""

    def series(self, stream: int, above: int) -> list[tuple[int, bytes]]:
        """The series with a number above, in order."""

    def counts(self, stream: int, since: int, until: int) -> list[tuple[int, int]]:
        """Rows of each series in the blocks that lie in [since, until) as a whole."""

    def after(self, stream: int, block: int, limit: int) -> list[int]:
        """The blocks of a stream that were committed after this one, in order."""

    def edges(self, stream: int, since: int, until: int) -> list[Place]:
        """Blocks that lie in [since, until) with a part of their rows only."""

    def places(self, stream: int, ids: Collection[int]) -> list[Place]: ...

    def newest(self) -> Newest: ...

    def known_digests(self, digests: Collection[bytes]) -> set[bytes]:
        """Those of the digests whose requests are kept here."""


class PartWriter(PartReader, Protocol):
    """Writes one part, alone, in one transaction."""

    def known(self, keys: Collection[bytes]) -> list[Handle]:
        """Those of the handles that are there already, with their span ids."""

    def add(self, blocks: Sequence[Block], digests: Iterable[bytes], received: int) -> None: ...

    def remove_received_before(self, moment: int) -> int:
        """Remove blocks that arrived earlier; returns how many rows went."""


class Shelf(Protocol):
    """The parts."""

    name: str

    def parts(self) -> tuple[int, ...]:
        """The numbers of the parts there are, newest first."""

    def reading(self, part: int) -> AbstractContextManager[PartReader]:
        """Raises PartGoneError when there is no such part, also while reading."""

    def writing(self, part: int) -> AbstractContextManager[PartWriter]:
        """Makes the part when it is not there. Leaving without an error commits, durably."""

    def drop(self, part: int) -> bool: ...

    def sizes(self) -> list[PartSize]: ...

    def close(self) -> None: ...
