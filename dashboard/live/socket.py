"""One websocket as an ASGI application: let in, listened to, closed. No Channels consumer stands in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from core import clock, metrics
from core.access.api import Subject
from dashboard.live import door, frames, hub
from dashboard.live.frames import Ack, Close, MalformedError, Resnapshot, Subscribe, Unsubscribe
from dashboard.live.groups import Subscription
from dashboard.live.pace import Allowance
from dashboard.live.window import Window

log = structlog.get_logger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PERMISSION = door.PERMISSION


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """From the handshake to the last byte."""
    await receive()
    try:
        door.look_at_origin(scope)
    except door.ForeignOriginError:
        # Before it is accepted: a foreign page learns nothing, not even a close code.
        return await send({"type": "websocket.close"})
    mine = hub.of_this_loop()
    try:
        with mine.room_for_handshake():
            subject = await door.admit(scope)
        socket = Socket(scope, send, subject)
        mine.enter(socket)
    except door.TurnedAwayError as refusal:
        return await turn_away(send, refusal)
    try:
        await send({"type": "websocket.accept"})
        await socket.listen(receive, mine)
    finally:
        mine.leave(socket)
    return None


async def turn_away(send: Send, refusal: door.TurnedAwayError) -> None:
    """A browser sees the code of a socket that was accepted, and nothing of a refused handshake: so accept it."""
    metrics.CLOSED.labels(refusal.code.name.lower()).inc()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": frames.text(frames.Error(refusal.code, refusal.says))})
    await send({"type": "websocket.close", "code": int(refusal.code)})


class Socket:
    """What this process knows of one client."""

    def __init__(self, scope: Scope, send: Send, subject: Subject) -> None:
        self.scope, self.subject = scope, subject
        self.credential = door.credential(scope)
        self.proven_at = clock.monotonic()
        self.subscriptions: dict[str, Subscription] = {}
        self.window = Window(clock.monotonic())
        self._send = send
        self._allowance = Allowance()
        self._closed = False

    @property
    def has_room(self) -> bool:
        return not self._closed and self.window.has_room

    # ---- Out -----------------------------------------------------------------------------------------------------
    async def send(self, text: str) -> None:
        if self._closed:
            return
        self.window.sent(len(text))
        await self._send({"type": "websocket.send", "text": text})
        if self.window.wants_mark():
            await self.mark()

    async def mark(self) -> None:
        """Ask the client to say that it has read this far."""
        mark = frames.Mark(self.window.mark(clock.monotonic()), frames.now())
        await self._send({"type": "websocket.send", "text": frames.text(mark)})

    async def refuse(self, topic: str, reason: str) -> None:
        """This topic not; the others go on."""
        await self.send(frames.text(frames.Told(topic, "refused", frames.now(), None, reason)))

    async def close(self, code: Close, reason: str) -> None:
        """Say why, and hang up. Daphne reports the end to `listen`, and drops a client that does not answer."""
        if self._closed:
            return
        self._closed = True
        metrics.CLOSED.labels(code.name.lower()).inc()
        await self._send({"type": "websocket.send", "text": frames.text(frames.Error(code, reason))})
        await self._send({"type": "websocket.close", "code": int(code)})

    async def tick(self, now: float) -> None:
        """Every second: the ping, and the end of waiting for an answer to it."""
        if self._closed:
            return
        if self.window.is_dead(now):
            await self.close(Close.SILENT, "No acknowledgement came for too long.")
        elif self.window.is_quiet(now):
            await self.mark()

    # ---- In ------------------------------------------------------------------------------------------------------
    async def listen(self, receive: Receive, mine: hub.Hub) -> None:
        """Until the client is gone."""
        while (event := await receive())["type"] != "websocket.disconnect":
            try:
                await self._hear(event, mine)
            except MalformedError as problem:
                await self.close(problem.code, str(problem))

    async def _hear(self, event: dict[str, Any], mine: hub.Hub) -> None:
        if self._closed:
            return
        if not self._allowance.take(clock.monotonic()):
            raise MalformedError(Close.TOO_MANY, "Too many messages. Send fewer than 50 a second.")
        match frames.read(event.get("text")):
            case Subscribe(topic):
                await mine.subscribe(self, topic)
            case Unsubscribe(topic):
                mine.unsubscribe(self, topic)
            case Resnapshot(topic):
                await mine.start_over(self, topic)
            case Ack(word):
                await self._read_up_to(word, mine)

    async def _read_up_to(self, word: str, mine: hub.Hub) -> None:
        if not self.window.ack(word):
            raise MalformedError(Close.MALFORMED, "The acknowledged mark was never sent, or was before.")
        await mine.catch_up(self)
