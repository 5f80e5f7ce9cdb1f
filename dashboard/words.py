"""How values read on a page: times, spans of time, ids. static/js/times.js says the same while a page stays open."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND, MINUTE, HOUR, DAY = 1, 60, 3_600, 86_400
# Past this a distance says less than the date.
LONG_AGO = 30 * DAY
SHORT_ID = 14


def span(seconds: float) -> str:
    """A length of time, to one unit: `42 s`, `3 min`, `5 h`, `12 d`."""
    whole = int(abs(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < 2 * DAY:
        return f"{whole // HOUR} h"
    return f"{whole // DAY} d"


def relative(moment: datetime, now: datetime) -> str:
    """A moment as people say it: `3 min ago`, `in 2 h`, or the date when it is far away."""
    distance = (now - moment).total_seconds()
    if abs(distance) >= LONG_AGO:
        return moment.astimezone(UTC).strftime("%Y-%m-%d")
    if abs(distance) < SECOND:
        return "now"
    return f"{span(distance)} ago" if distance > 0 else f"in {span(distance)}"


def exact(moment: datetime) -> str:
    """A moment to the second, with its zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def short_id(value: str) -> str:
    """The two ends of an id: what eyes compare. Short ones stay whole."""
    return value if len(value) <= SHORT_ID else f"{value[:8]}…{value[-4:]}"


def number(value: int) -> str:
    """Thousands apart: `4,812`."""
    return f"{value:,}"


_UNITS = ((60 * 10**9, "min"), (10**9, "s"), (10**6, "ms"), (10**3, "µs"))


def took(nanos: float) -> str:
    """How long work took, to three digits: `1.32 s`, `240 ms`, `85 µs`. static/js/trace/words.js says the same."""
    for unit, name in _UNITS:
        if nanos >= unit:
            value = nanos / unit
            return f"{value:.{max(0, 3 - len(str(int(value))))}f} {name}"
    return f"{nanos:.0f} ns"
