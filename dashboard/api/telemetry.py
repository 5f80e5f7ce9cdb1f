"""What the pages and the API of traces and logs ask alike: a search as it was typed, within what the asker may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from agents.spans import language, listing, payloads
from agents.spans.api import (
    EVERYWHERE,
    Condition,
    CursorRefusedError,
    LogRecord,
    Op,
    Query,
    Reach,
    Span,
    StoreError,
)
from agents.spans.selectors import reach_of
from agents.spans.values import attributes_of, decode
from core import clock
from core.access.api import Permission, Subject
from dashboard.api.problems import Problem, ProblemError, invalid

SECOND, MS = 1_000_000_000, 1_000_000
RETRY = {"Retry-After": "5"}


@dataclass(frozen=True, slots=True)
class Asker:
    """What somebody may see of telemetry, and what of that with its payloads."""

    reach: Reach
    payloads: Reach

    @property
    def reads_all(self) -> bool:
        return self.payloads is EVERYWHERE

    def span(self, span: Span) -> Span:
        return span if self.reads_all or self.payloads(payloads.place_of(span)) else payloads.hidden(span)

    def log(self, record: LogRecord) -> LogRecord:
        return (
            record if self.reads_all or self.payloads(payloads.place_of(record)) else payloads.hidden(record)
        )

    def may_count(self, query: Query) -> bool:
        """Counting would tell what is hidden, if it looks inside."""
        return self.reads_all or not listing.looks_inside(query)


def asker(subject: Subject) -> Asker:
    return Asker(reach_of(subject), reach_of(subject, Permission.READ_PAYLOADS))


# ---- What is asked for -----------------------------------------------------------------------------------------
Parse = Callable[[str, datetime], Query]


def query_of(
    parse: Parse,
    text: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    environment: str = "",
    **fields: str,
) -> Query:
    """The search that was typed, within times and fields that were given beside it. Raises QueryRefusedError."""
    query = parse(text, clock.now())
    beside = [Condition(name, Op.IS, value) for name, value in fields.items() if value]
    if environment:
        beside.append(Condition("environment", Op.IS, environment))
    return replace(
        query,
        conditions=(*query.conditions, *beside),
        since=max(query.since, nanoseconds(since) if since else 0),
        until=min(query.until, nanoseconds(until) if until else query.until),
    )


def names_time(text: str) -> bool:
    """Does the search itself say when? Then the page's range does not."""
    return any(term.name == "since" and term.sign == ":" for term in language.terms(text))


@contextmanager
def answering() -> Iterator[None]:
    """The store's refusals as problems."""
    try:
        yield
    except language.QueryRefusedError as refused:
        raise invalid("q", str(refused), "docs/guides/search.md explains the language.") from None
    except CursorRefusedError as refused:
        raise invalid("cursor", str(refused), "Begin without a cursor.") from None
    except StoreError as failed:
        problem = Problem(
            503,
            "Telemetry not reachable",
            str(failed) or str(type(failed).__doc__),
            "Ask again in a moment.",
            "unreachable",
            headers=RETRY,
        )
        raise ProblemError(problem) from failed


# ---- Values as they travel -------------------------------------------------------------------------------------
def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000


def moment(nanos: int) -> datetime:
    seconds, rest = divmod(nanos, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1_000)


def rfc3339(nanos: int) -> str:
    """To the microsecond: spans are that short."""
    return moment(nanos).isoformat(timespec="microseconds").replace("+00:00", "Z")


def milliseconds(nanos: int) -> float:
    return nanos / MS


def attributes(encoded: bytes) -> dict[str, Any]:
    return attributes_of(encoded)


def listed(encoded: bytes) -> list[dict[str, Any]]:
    """Events or links behind their encoded form."""
    return list(decode(encoded)) if encoded else []
