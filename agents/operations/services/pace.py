"""The rate: moments are given out from the operation's own row, so that all its workers together keep to it.

A worker reserves the moments of a whole portion at once, so that another one has as long to note what it sent last,
and sends each burst at its moment. Whoever is late does not catch up: moments that it missed are lost, and it reserves
others. So a window of a second never holds more than a second's worth, a burst and what may be late.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import TypeVar

from django.db import connection

from agents.operations.models import Operation
from core import clock

T = TypeVar("T")

MICRO = 1_000_000
# A burst is this share of a second's worth, a reservation that one.
BURST, BLOCK = 0.02, 0.5
# By how much a burst may be late.
LATE_SECONDS = 0.025


def reserve(operation: Operation, number: int, rate: float) -> float:
    """In how many seconds the first of so many may go."""
    now, span = round(clock.unix() * MICRO), round(number / rate * MICRO)
    later = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    moment = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint" if later == "GREATEST" else str(now)
    pk = Operation._meta.pk.get_db_prep_value(operation.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Operation._meta.db_table} SET next_at = {later}(next_at, {moment}) + %s "  # noqa: S608 - our own
            f"WHERE id = %s RETURNING next_at - %s - {moment}",
            [span, pk, span],
        )
        waits: int = cursor.fetchone()[0]
        return max(0.0, waits / MICRO)


def ahead(operation: Operation) -> float:
    """In how many seconds the next moment is that nobody has."""
    return max(0.0, operation.next_at / MICRO - clock.unix())


def bursts(things: Sequence[T], rate: float, take: Callable[[int], float]) -> Iterator[Sequence[T]]:
    """Portions of these, each handed out at its moment. `take` reserves for so many and says in how many seconds."""
    size, block = max(1, int(rate * BURST)), max(1, int(rate * BLOCK))
    rest = things
    while rest:
        slots = min(len(rest), block)
        starts, slot = time.monotonic() + take(slots), 0
        while slot < slots:
            if not _wait(starts + slot / rate):
                # Those moments are over, and the ones after them are still ours.
                slot = ceil((time.monotonic() - starts) * rate)
                continue
            burst = rest[: min(size, slots - slot)]
            yield burst
            slot += len(burst)
            rest = rest[len(burst) :]


def _wait(moment: float) -> bool:
    """Until then; False when it is over already."""
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
    return left > -LATE_SECONDS
