"""Hears hints over the channel layer, and knows when it hears nothing any more.

The layer is at most once and says nothing when it breaks. So every web process sends a probe each second to all of
them, itself included: whoever has heard nothing for three seconds is deaf since the last thing it heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from channels.layers import get_channel_layer

from core import clock
from dashboard.live import limits
from dashboard.live.groups import LIVE, Freshness

log = structlog.get_logger(__name__)

GROUP = "live"
PROBE = ""
REASON = "Redis cannot be reached, so changes are looked for once a second."


async def tell(name: str) -> None:
    """Send a hint to every web process."""
    sending = get_channel_layer().group_send(GROUP, {"type": "hint", "name": name})
    await asyncio.wait_for(sending, limits.REDIS_ANSWERS_WITHIN)


class Ears:
    """One subscription for the whole process. `hint` is called for each hint, `deaf` when hearing ends or begins."""

    def __init__(self, hint: Callable[[str], None], deaf: Callable[[Freshness], Awaitable[None]]) -> None:
        self.freshness = LIVE
        self._hint, self._deaf = hint, deaf
        self._heard_at: datetime = clock.now()
        self._heard = asyncio.Event()

    async def probe(self) -> None:
        """Every second, for ever. One that cannot be sent is one that is not heard: `listen` draws the conclusion."""
        while True:
            with suppress(Exception):
                await tell(PROBE)
            await asyncio.sleep(limits.PROBE_EVERY)

    async def listen(self) -> None:
        """Subscribe, hear until nothing comes any more, throw the subscription away, and again."""
        self._heard_at = clock.now()
        while True:
            reading = asyncio.create_task(self._read())
            try:
                await self._until_silent()
            finally:
                await _forget_subscriptions()
                reading.cancel()
            await self._judge(Freshness(self._heard_at, REASON))

    async def _read(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        while True:
            await self._hear(await layer.receive(channel))

    async def _hear(self, message: dict[str, Any]) -> None:
        self._heard_at = clock.now()
        self._heard.set()
        await self._judge(LIVE)
        if message["name"] != PROBE:
            self._hint(message["name"])

    async def _until_silent(self) -> None:
        with suppress(TimeoutError):
            while True:
                self._heard.clear()
                await asyncio.wait_for(self._heard.wait(), limits.DEAF_AFTER)

    async def _judge(self, freshness: Freshness) -> None:
        if freshness == self.freshness:
            return
        self.freshness = freshness
        log.warning(
            "hints arrive" if freshness == LIVE else "no hints arrive", since=self._heard_at.isoformat()
        )
        await self._deaf(freshness)


async def _forget_subscriptions() -> None:
    """A connection that broke half open never reports it: begin with a new one."""
    with suppress(Exception):
        await asyncio.wait_for(get_channel_layer().flush(), limits.REDIS_ANSWERS_WITHIN)
