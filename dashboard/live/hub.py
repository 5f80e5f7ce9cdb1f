"""The hub of a web process: its sockets, the feeds they follow, and the few tasks that look after both."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import structlog

from core import metrics
from core.access.api import Kind, Subject, may
from dashboard.live import api, limits, threads
from dashboard.live.door import TurnedAwayError
from dashboard.live.ears import Ears
from dashboard.live.feed import Feed
from dashboard.live.frames import Close
from dashboard.live.groups import Freshness, serve
from dashboard.live.watch import Watch

if TYPE_CHECKING:
    from dashboard.live.socket import Socket

log = structlog.get_logger(__name__)

Account = tuple[Kind, str]


class Hub:
    """Lives as long as the event loop. Its tasks start with the first socket."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self._feeds: dict[str, Feed] = {}
        self._per_account: Counter[Account] = Counter()
        self._handshakes = 0
        self._ears = Ears(self.hint, self.deaf)
        self._watch = Watch(self)
        self._tasks: list[asyncio.Task[None]] = []

    # ---- Sockets -------------------------------------------------------------------------------------------------
    @contextmanager
    def room_for_handshake(self) -> Iterator[None]:
        """A handshake that waits for the database counts like an open socket."""
        if len(self.sockets) + self._handshakes >= limits.SOCKETS_PER_PROCESS:
            raise TurnedAwayError(Close.UNAVAILABLE, "This server has all the connections that it can serve.")
        self._handshakes += 1
        try:
            yield
        finally:
            self._handshakes -= 1

    def enter(self, socket: Socket) -> None:
        """Raises TurnedAwayError when the account has as many sockets as one may have."""
        account = _account(socket.subject)
        if self._per_account[account] >= limits.SOCKETS_PER_SUBJECT:
            raise TurnedAwayError(
                Close.TOO_MANY, f"This account has {limits.SOCKETS_PER_SUBJECT} connections open. Close some."
            )
        self._per_account[account] += 1
        self.sockets.add(socket)
        metrics.SOCKETS.set(len(self.sockets))
        self._start()

    def leave(self, socket: Socket) -> None:
        for topic in list(socket.subscriptions):
            self.unsubscribe(socket, topic)
        self.sockets.discard(socket)
        metrics.SOCKETS.set(len(self.sockets))
        account = _account(socket.subject)
        self._per_account[account] -= 1
        if not self._per_account[account]:
            del self._per_account[account]

    # ---- Topics --------------------------------------------------------------------------------------------------
    async def subscribe(self, socket: Socket, name: str) -> None:
        """Follow a topic from a snapshot on, or be told why not. Following it already: start over."""
        if name in socket.subscriptions:
            return await self.start_over(socket, name)
        registration = api.find(name)
        if registration is None:
            return await socket.refuse(name, f"There is no topic {name!r}.")
        decision = may(socket.subject, registration.topic.permission)
        if not decision:
            return await socket.refuse(name, decision.reason)
        if len(socket.subscriptions) >= limits.SUBSCRIPTIONS:
            return await socket.refuse(name, f"One connection follows {limits.SUBSCRIPTIONS} topics at most.")
        feed = self._feed(registration)
        socket.subscriptions[name] = subscription = feed.join(socket)
        return await serve(subscription, feed.freshness)

    def unsubscribe(self, socket: Socket, name: str) -> None:
        subscription = socket.subscriptions.pop(name, None)
        if subscription is None:
            return
        feed = self._feeds[name]
        feed.leave(subscription)
        if not feed.is_followed:
            del self._feeds[name]

    async def start_over(self, socket: Socket, name: str) -> None:
        """The client cannot go on from what it has: a snapshot."""
        if subscription := socket.subscriptions.get(name):
            metrics.RESYNCS.inc()
            subscription.at = None
            await serve(subscription, self._feeds[name].freshness)

    async def catch_up(self, socket: Socket) -> None:
        """There is room again: whatever the socket missed."""
        for name, subscription in list(socket.subscriptions.items()):
            await serve(subscription, self._feeds[name].freshness)

    async def reclassify(self, socket: Socket, subject: Subject) -> None:
        """The same account with other rights: each topic anew, by what it may see now."""
        topics, socket.subject = list(socket.subscriptions), subject
        for name in topics:
            self.unsubscribe(socket, name)
        for name in topics:
            await self.subscribe(socket, name)

    def _feed(self, registration: api.Registration) -> Feed:
        name = registration.topic.name
        if name not in self._feeds:
            self._feeds[name] = Feed(registration, threads.load, self._ears.freshness)
        return self._feeds[name]

    # ---- Hints ---------------------------------------------------------------------------------------------------
    def hint(self, name: str) -> None:
        for topic, feed in self._feeds.items():
            registration = api.find(topic)
            if registration and name in registration.hints:
                feed.hint()

    async def deaf(self, freshness: Freshness) -> None:
        """Hints stopped arriving, or arrive again: what came in between is lost, so read everything."""
        for feed in list(self._feeds.values()):
            await feed.deaf(freshness)

    # ---- Tasks ---------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(_kept_alive(work))
                for work in (self._ears.listen, self._ears.probe, self._watch.marks, self._watch.access)
            ]

    async def stop(self) -> None:
        """End every task; for tests, whose loop ends before the process does."""
        for feed in self._feeds.values():
            feed.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def of_this_loop() -> Hub:
    """The hub of the process: Daphne has one event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def _account(subject: Subject) -> Account:
    return subject.kind, subject.id


async def _kept_alive(work: Callable[[], Awaitable[None]]) -> None:
    """A task that fails begins again: one bad moment must not leave every socket unattended."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("a task of the hub failed and begins again")
            await asyncio.sleep(limits.TICK_EVERY)
