"""One followed topic in this process: read when it may have changed, sent to whoever follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from datetime import datetime

import structlog

from core import clock
from dashboard.live import limits, scopes
from dashboard.live.api import Registration, State
from dashboard.live.groups import (
    LIVE,
    Delta,
    Freshness,
    Group,
    Numbered,
    Receiver,
    Subscription,
    numbered,
    serve,
)
from dashboard.live.pace import Pace

log = structlog.get_logger(__name__)

Read = Callable[[Callable[[], State]], Awaitable[State]]


class Feed:
    """Runs from its first subscription to its last. `read` calls a topic's `load` in a thread."""

    def __init__(self, registration: Registration, read: Read, hearing: Freshness = LIVE) -> None:
        self.topic, self.every = registration.topic, registration.every
        self._read = read
        self._pace = Pace()
        self._changed = asyncio.Event()
        self._groups: dict[Hashable, Group] = {}
        self._state: Numbered | None = None
        self._good_at: datetime | None = None
        self._source, self._deaf = LIVE, hearing
        self._task: asyncio.Task[None] | None = None

    def hint(self) -> None:
        """The topic may have changed: read it as soon as the pace allows."""
        self._changed.set()

    @property
    def freshness(self) -> Freshness:
        """The source's own trouble, or else that hints do not arrive."""
        return self._deaf if self._source == LIVE else self._source

    # ---- Who follows ---------------------------------------------------------------------------------------------
    def join(self, receiver: Receiver) -> Subscription:
        """Follow. Serving it gives a snapshot at once when the topic has been read already, else when it has."""
        key = scopes.group_of(self.topic, receiver.subject)
        group = self._groups.get(key) or self._new_group(key, receiver)
        subscription = Subscription(receiver, self.topic.name, group)
        group.members.add(subscription)
        if self._task is None:
            self.hint()
            self._task = asyncio.create_task(self._run())
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """The last one to leave ends the reading."""
        group = subscription.group
        group.members.discard(subscription)
        if not group.members:
            self._groups = {key: each for key, each in self._groups.items() if each is not group}
        if not self._groups:
            self.stop()

    def stop(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None

    @property
    def is_followed(self) -> bool:
        return bool(self._groups)

    def _new_group(self, key: Hashable, receiver: Receiver) -> Group:
        group = self._groups[key] = Group(self.topic, receiver.subject)
        if self._state:
            group.advance(self._state)
        return group

    # ---- Reading -------------------------------------------------------------------------------------------------
    async def _run(self) -> None:
        while True:
            await self._until_due()
            await self._load()

    async def _until_due(self) -> None:
        """Until a hint or the time for a reading without one, and until the pace allows it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), self._patience())
        await asyncio.sleep(self._pace.wait(clock.monotonic()))
        self._changed.clear()
        self._pace.went(clock.monotonic())

    def _patience(self) -> float:
        if self._source != LIVE:
            return min(self.every, limits.RETRY_AFTER)
        return min(self.every, limits.RELOAD_WHEN_DEAF) if self._deaf != LIVE else self.every

    async def _load(self) -> None:
        began = clock.now()
        reading = asyncio.ensure_future(self._read(self.topic.load))
        done, _ = await asyncio.wait({reading}, timeout=limits.LOAD_IS_LATE_AFTER)
        if not done:
            await self._judge(self._stale_since(began, "The source does not answer."))
        try:
            await self._publish(numbered(await reading, self._state))
        except Exception as problem:
            log.warning("a topic cannot be read", topic=self.topic.name, problem=repr(problem))
            await self._judge(self._stale_since(began, "The source cannot be read."))
            return
        self._good_at = began
        await self._judge(LIVE)

    def _stale_since(self, began: datetime, reason: str) -> Freshness:
        """Since the last good reading began; a source never read is stale since it was asked first."""
        return self._source if self._source != LIVE else Freshness(self._good_at or began, reason)

    # ---- Telling -------------------------------------------------------------------------------------------------
    async def _publish(self, state: Numbered) -> None:
        self._state = state
        for group in list(self._groups.values()):
            await self._serve_all(group, group.advance(state))

    async def _judge(self, source: Freshness) -> None:
        if source != self._source:
            self._source = source
            await self.tell()

    async def deaf(self, freshness: Freshness) -> None:
        """Hints stopped arriving at a moment, or arrive again (LIVE)."""
        self._deaf = freshness
        self.hint()
        await self.tell()

    async def tell(self) -> None:
        """Everyone who has not heard it: how fresh the topic is."""
        for group in list(self._groups.values()):
            await self._serve_all(group, None)

    async def _serve_all(self, group: Group, delta: Delta | None) -> None:
        for number, member in enumerate(list(group.members)):
            # Others ran in between: a subject that lost its right meanwhile has left the group.
            if member in group.members:
                await self._serve(member, delta)
            if number % limits.SENDS_IN_A_ROW == limits.SENDS_IN_A_ROW - 1:
                await asyncio.sleep(0)

    async def _serve(self, member: Subscription, delta: Delta | None) -> None:
        """One client that cannot be sent to is no reason to keep it from the others."""
        try:
            await serve(member, self.freshness, delta)
        except Exception:
            log.exception("a frame cannot be sent", topic=self.topic.name)
