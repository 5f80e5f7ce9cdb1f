"""One clock: everything that asks for the time asks here, so that a test can hold it still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_held: datetime | None = None


def now() -> datetime:
    """The time in UTC."""
    return _held or datetime.now(UTC)


def unix() -> float:
    """The time in seconds since 1970."""
    return _held.timestamp() if _held else time.time()


def monotonic() -> float:
    """For measuring how long something took; never held."""
    return time.monotonic()


@contextmanager
def held(moment: datetime) -> Iterator[None]:
    """Hold the clock at a moment, for tests."""
    global _held  # noqa: PLW0603 - the one clock is one variable
    before, _held = _held, moment
    try:
        yield
    finally:
        _held = before


def rfc3339(moment: datetime) -> str:
    """How times travel: UTC, milliseconds, a Z. A time without a zone is refused: it could be any."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """An RFC 3339 time; a bare date is its midnight, without an offset it is UTC. ValueError says what is wrong."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it as 2026-11-20T14:03:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
