"""A message's attempts as bars on one line of time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.ledger.attempts import Attempt
from agents.ledger.values import Kind, Told

# A bar that is too short to be seen is drawn as wide.
LEAST = 0.6


@dataclass(frozen=True, slots=True)
class Bar:
    """What it was at between two moments; `start` and `width` in percent of the whole."""

    what: str
    kind: str
    start: float
    width: float


def bars(history: Sequence[Told], attempts: Sequence[Attempt], until: int) -> list[Bar]:
    """Waiting before each attempt and the attempts themselves, up to `until` (microseconds since 1970)."""
    if not history:
        return []
    begin = min(each.at for each in history)
    whole = max(until - begin, 1)
    found: list[Bar] = []
    waits_since = begin
    for each in attempts:
        started = each.started or each.received or each.ended
        ended = each.ended or (until if each is attempts[-1] else started)
        found.append(_bar("waiting", Kind.WAITING, waits_since, started, begin, whole))
        found.append(_bar(_word(each), each.outcome, started, ended, begin, whole))
        waits_since = max(waits_since, ended)
    last = max(history, key=lambda told: told.mark).event.kind
    if last in {Kind.SENT, Kind.WAITING, Kind.RETRYING}:
        found.append(_bar(f"{last} to now", last, waits_since, until, begin, whole))
    return [bar for bar in found if bar.width > 0]


def _word(each: Attempt) -> str:
    again = f" of redrive {each.redrive}" if each.redrive else ""
    return f"attempt {each.number}{again}: {each.outcome}"


def _bar(what: str, kind: str, start: int, end: int, begin: int, whole: int) -> Bar:
    left = 100 * (start - begin) / whole
    wide = max(100 * (end - start) / whole, LEAST if kind != Kind.WAITING and end >= start else 0)
    return Bar(what, str(kind), round(max(0.0, min(left, 100 - LEAST)), 3), round(min(wide, 100), 3))
