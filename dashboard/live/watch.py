"""Looks after open sockets once a second: do they answer, and may they still be here?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from core import clock
from core.access import subjects
from core.access.api import Subject
from dashboard.live import door, limits, threads
from dashboard.live.frames import Close

if TYPE_CHECKING:
    from dashboard.live.hub import Hub
    from dashboard.live.socket import Socket

log = structlog.get_logger(__name__)

GONE = "This sign-in or token is no longer valid. Sign in again."


class Watch:
    """Two tasks of the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._asked_at = clock.monotonic()

    async def marks(self) -> None:
        while True:
            await asyncio.sleep(limits.TICK_EVERY)
            for number, socket in enumerate(list(self._hub.sockets)):
                await socket.tick(clock.monotonic())
                if number % limits.SENDS_IN_A_ROW == limits.SENDS_IN_A_ROW - 1:
                    await asyncio.sleep(0)

    async def access(self) -> None:
        self._asked_at = clock.monotonic()
        while True:
            await asyncio.sleep(limits.ACCESS_EVERY)
            try:
                await self._prove_all()
                self._asked_at = clock.monotonic()
            except Exception as problem:
                log.warning("access cannot be checked", problem=repr(problem))
                await self._bear_it_for_a_while()

    async def _prove_all(self) -> None:
        """Ask once per credential, however many sockets came with it, and only when there is a reason to."""
        stamp, now = await threads.prove(subjects.access_stamp), clock.monotonic()
        answers: dict[door.Credential, Subject | None] = {}
        for socket in list(self._hub.sockets):
            if not _needs_proof(socket, stamp, now):
                continue
            if socket.credential not in answers:
                answers[socket.credential] = await threads.prove(_question(socket))
            socket.proven_at = now
            await self._take(socket, answers[socket.credential])

    async def _take(self, socket: Socket, subject: Subject | None) -> None:
        """Close what may not stay; begin anew where rights changed."""
        if subject is None:
            return await socket.close(Close.SIGN_IN, GONE)
        try:
            door.with_right(subject)
        except door.TurnedAwayError as refusal:
            return await socket.close(refusal.code, refusal.says)
        if subject == socket.subject:
            socket.subject = subject
            return None
        return await self._hub.reclassify(socket, subject)

    async def _bear_it_for_a_while(self) -> None:
        """Nobody can be asked while the database is away. Then it is safer to let nobody look on."""
        if clock.monotonic() - self._asked_at > limits.UNPROVEN_FOR:
            for socket in list(self._hub.sockets):
                await socket.close(Close.UNAVAILABLE, "Access cannot be checked now.")


def _needs_proof(socket: Socket, stamp: str, now: float) -> bool:
    """Something changed, or the credential is at its end, or it is simply time: a session can go without a word."""
    subject = socket.subject
    return (
        subject.stamp != stamp
        or clock.unix() >= subject.until
        or now - socket.proven_at > limits.PROVE_AGAIN_AFTER
    )


def _question(socket: Socket) -> Callable[[], Subject | None]:
    return lambda: door.still_admitted(socket.subject, socket.scope)
