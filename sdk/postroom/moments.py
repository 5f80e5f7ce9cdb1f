"""Moments: seconds since 1970 inside, RFC 3339 in UTC on the wire."""

from __future__ import annotations

from datetime import UTC, datetime


def text(seconds: float) -> str:
    """2026-11-26T14:03:12.123456Z"""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def read(said: object) -> float | None:
    """Seconds since 1970 from RFC 3339 or from a number; None for what is neither. Without a zone it means UTC."""
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    if not isinstance(said, str) or not said:
        return None
    try:
        return float(said)
    except ValueError:
        return _from_text(said)


def _from_text(said: str) -> float | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
