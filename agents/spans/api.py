"""The front door of the store for spans and logs: what any engine promises, whatever it keeps them in.

One contract suite (tests/contract/spans_*.py) holds every engine to what is written here. A store may be shared
by threads; it opens what it needs in each process that uses it and never carries a connection across a fork.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol, TypeVar

from agents.spans.values import Batch, LogRecord, LogRequest, Span
from core.access.api import Place

__all__ = [
    "EVERYWHERE",
    "NOTHING_KNOWN",
    "Batch",
    "Capabilities",
    "Condition",
    "CursorRefusedError",
    "DayOfStore",
    "Facets",
    "LogRecord",
    "LogRequest",
    "Op",
    "Page",
    "Query",
    "Reach",
    "Since",
    "Span",
    "SpanStore",
    "Stats",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "StoreGoneError",
    "Trace",
    "Written",
]

T = TypeVar("T")

# Which places the asker may see; asked once for each distinct place, not for each span.
Reach = Callable[[Place], bool]


def EVERYWHERE(place: Place) -> bool:  # noqa: N802 - reads as the constant that it is
    """For Postroom's own reading, which is filtered later or never shown."""
    return True


# Of no trace is told when its newest span began.
NOTHING_KNOWN: Mapping[bytes, int] = MappingProxyType({})


class StoreError(Exception):
    """The store could not do it, and nothing was written or promised."""


class StoreFullError(StoreError):
    """There is no space left for telemetry. Free some on the disk or shorten POSTROOM_RETENTION_SPANS."""


class StoreBusyError(StoreError):
    """Another writer holds the store for too long. Send it again."""


class StoreGoneError(StoreError):
    """The telemetry database cannot be reached. Check that it runs; what was acknowledged is safe."""


class CursorRefusedError(StoreError):
    """The cursor is not one of this store's. Leave it out to begin anew."""


class Op(StrEnum):
    """How a condition compares."""

    IS = ":"
    IS_NOT = "!="
    LIKE = "~"  # `*` stands for any text
    MORE = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    HAS = "?"  # there is a value


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must be so. `field` is a field of the value, or a key of its attributes or resource."""

    field: str
    op: Op
    value: str | int | float = ""
    attribute: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All conditions must hold, each word of `text` must occur somewhere, and the start lies in [since, until)."""

    conditions: tuple[Condition, ...] = ()
    text: tuple[str, ...] = ()
    since: int = 0  # nanoseconds since 1970
    until: int = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do beyond writing, reading a trace and dropping a day; nothing unless it says so."""

    fields: frozenset[str] = frozenset()  # that search knows
    facets: frozenset[str] = frozenset()  # fields that are counted without looking at every span
    any_attribute: bool = False
    text: bool = False
    commit_order: bool = False  # read_since and tail_logs
    concurrent_writers: bool = False  # of several processes


class Written(NamedTuple):
    """What a write added. A repeat is not counted again and is no error."""

    spans: int
    logs: int
    repeated_spans: int = 0
    repeated_logs: int = 0


class Page(NamedTuple, Generic[T]):
    """Newest first. `next` is empty at the end.

    A search that looks through much and finds little stops after a while: then `rows` may be short or empty,
    `next` goes on where it stopped, and `reached` says how far back it has looked (nanoseconds). `behind` is the cursor
    that goes on behind the row at a place, for whoever took only the first ones.
    """

    rows: tuple[T, ...]
    next: str
    reached: int
    behind: Callable[[int], str]


class Since(NamedTuple, Generic[T]):
    """What was committed after a cursor, in the order of commit, and the cursor to ask with next time.

    Rows may be empty while the cursor moved on; `more` says that asking again at once is worth it.
    """

    rows: tuple[T, ...]
    cursor: str
    more: bool


class Trace(NamedTuple):
    """The spans of a trace by start, and whether that is all of them. No spans: there is no such trace."""

    spans: tuple[Span, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Facets:
    """How many spans carry which value, by field, most frequent first.

    `exact` is false when the ends of the time range cut through what is counted as a whole, or when more was
    asked than can be counted in time; a page then says "about".
    """

    counts: Mapping[str, tuple[tuple[str, int], ...]]
    total: int
    exact: bool


@dataclass(frozen=True, slots=True)
class DayOfStore:
    """A day's part. `day` is None for the part that keeps what claims a day far from today (see days.py)."""

    day: date | None
    spans: int
    logs: int
    size: int  # bytes on disk, indexes included


@dataclass(frozen=True, slots=True)
class Stats:
    """The store as a whole."""

    engine: str
    spans: int = 0
    logs: int = 0
    size: int = 0
    days: tuple[DayOfStore, ...] = field(default=())


class SpanStore(Protocol):
    """Keeps spans and logs by the day of their own start, and finds them again."""

    @property
    def capabilities(self) -> Capabilities: ...

    def write(self, batch: Batch) -> Written:
        """Keep a batch. When this returns, it survives kill −9 of any process; when it raises, write it again.

        Idempotent, also across midnight, restarts and writers: a span by trace id and span id within the hour of
        its start, a log request by its digest. Within the batch too; of two spans that are one the first is
        kept. An error may leave a part of the batch kept (it spans two days and the second failed); writing it
        again adds only what is missing. The batch stays the caller's. An empty batch writes nothing and succeeds.

        Raises StoreFullError, StoreBusyError or StoreGoneError; whatever was acknowledged before is unharmed.
        """

    def get_trace(self, trace_id: bytes, *, reach: Reach = EVERYWHERE, limit: int = 100_000) -> Trace:
        """The spans of a trace that the asker may see. An unknown trace has none."""

    def get_traces(
        self,
        trace_ids: Iterable[bytes],
        *,
        reach: Reach = EVERYWHERE,
        limit: int = 2_000,
        newest: Mapping[bytes, int] = NOTHING_KNOWN,
    ) -> Mapping[bytes, Trace]:
        """Several traces at once, each as get_trace gives it; those of which the asker sees nothing are left out.
        `limit` is for each of them. `newest`: when the newest span of a trace began, where that is known. Such a trace
        need not be looked for in the hours after it, nor in those before its root."""

    def search(self, query: Query, *, limit: int, cursor: str = "", reach: Reach = EVERYWHERE) -> Page[Span]:
        """Spans by start, newest first. Spans that arrive meanwhile neither repeat nor hide one behind a cursor.

        A cursor belongs to its query. Raises CursorRefusedError.
        """

    def search_logs(
        self, query: Query, *, limit: int, cursor: str = "", reach: Reach = EVERYWHERE
    ) -> Page[LogRecord]:
        """Log records by time, newest first; the fields are those of LogRecord, text is sought in the body."""

    def facets(
        self, query: Query, fields: Sequence[str], *, top: int = 20, reach: Reach = EVERYWHERE
    ) -> Facets:
        """Count values among the spans that match. No match: empty counts, total 0."""

    def find_spans(self, keys: Iterable[bytes], *, until: str = "") -> Mapping[bytes, Span]:
        """Spans by trace id + span id; those that are not there are left out, and so are, with `until`, those
        that were committed after that cursor."""

    def read_since(self, cursor: str, *, limit: int = 5_000, until: str = "") -> Since[Span]:
        """Spans in the order of commit: each exactly once for who keeps to the cursor, none skipped whatever
        writers run at once. The empty cursor is the beginning; `now_cursor()` is the end. At least one commit's
        worth is returned, so rows may exceed `limit`. Days that were dropped are passed over. `until` is a cursor
        too: what was committed after it is left out."""

    def tail_logs(
        self, cursor: str, query: Query, *, limit: int = 1_000, reach: Reach = EVERYWHERE
    ) -> Since[LogRecord]:
        """Log records that match, in the order of commit, for a live tail. Cursors as in read_since."""

    def now_cursor(self) -> str:
        """The cursor behind everything that is committed now."""

    def days(self) -> tuple[DayOfStore, ...]:
        """The parts there are, newest first; none for an empty store."""

    def drop_day(self, day: date) -> bool:
        """Forget a day at once and give its space back; readers at work on it find it empty. False: no such day."""

    def drop_astray(self, before: datetime) -> int:
        """Forget what claims a day far from its arrival, if it arrived before; how many spans and logs went."""

    def stats(self) -> Stats:
        """How much there is. Counts are exact, sizes as the engine knows them."""

    def close(self) -> None:
        """Let go of every connection of this process. The store can be used again afterwards."""
