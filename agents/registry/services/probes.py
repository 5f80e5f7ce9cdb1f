"""Health checks: ask every version's health check address, and keep what it answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from agents.registry.models import AgentVersion
from agents.registry.services.heartbeats import TOPIC
from core import clock, hints, outbound

EVERY = timedelta(seconds=30)
# Beat may be a little early.
DUE_AFTER = EVERY * 0.8
AT_ONCE = 20
MOST_BYTES = 64 * 1024
# One that was not seen for long is asked no more: the address may be another's by now.
SEEN_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Result:
    """What one health check answered."""

    ok: bool
    said: str
    took_ms: float | None = None


def probe_due() -> int:
    """Ask everyone whose answer is old; returns how many were asked."""
    now = clock.now()
    due = Q(probed_at__isnull=True) | Q(probed_at__lt=now - DUE_AFTER)
    rows = AgentVersion.objects.filter(due, last_seen__gt=now - SEEN_WITHIN).exclude(health_check_url="")
    asked = list(rows.order_by("probed_at"))
    results = asyncio.run(_ask_all([row.health_check_url for row in asked]))
    changed = [_keep(row, result) for row, result in zip(asked, results, strict=True)]
    if any(changed):
        hints.hint(TOPIC)
    return len(asked)


async def _ask_all(urls: Iterable[str]) -> list[Result]:
    """Many at once, but not all: a slow one must not hold up the others, nor all of them us."""
    places = asyncio.Semaphore(AT_ONCE)

    async def ask(url: str) -> Result:
        async with places:
            return await _ask(url)

    return list(await asyncio.gather(*(ask(url) for url in urls)))


async def _ask(url: str) -> Result:
    began = clock.monotonic()
    try:
        reply = await outbound.aget(url, most_bytes=MOST_BYTES)
    except outbound.OutboundError as problem:
        return Result(False, str(problem)[:300])
    took_ms = round((clock.monotonic() - began) * 1000, 1)
    return Result(200 <= reply.status < 300, f"HTTP {reply.status}", took_ms)


def _keep(row: AgentVersion, result: Result) -> bool:
    """Whether it is another answer than before. One whose address was changed meanwhile is not kept."""
    still = AgentVersion.objects.filter(pk=row.pk, health_check_url=row.health_check_url)
    still.update(probe_ok=result.ok, probe_said=result.said, probe_ms=result.took_ms, probed_at=clock.now())
    return row.probe_ok is not result.ok
