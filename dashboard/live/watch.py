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

    async def marks(self) -> None:
        while True:
            await asyncio.sleep(limits.TICK_EVERY)
            for number, socket in enumerate(list(self._hub.sockets)):
                await socket.tick(clock.monotonic())
                if number % limits.SENDS_IN_A_ROW == limits.SENDS_IN_A_ROW - 1:
                    await asyncio.sleep(0)

    async def access(self) -> None:
        while True:
            await asyncio.sleep(limits.ACCESS_EVERY)
            try:
                await self._prove_all()
            except Exception as problem:
                log.warning("access cannot be checked", problem=repr(problem))
                await self._close_unproven()

    async def _prove_all(self) -> None:
        """Ask once per credential, however many sockets came with it, and only after something changed."""
        stamp = await threads.prove(subjects.access_stamp)
        answers: dict[door.Credential, Subject | None] = {}
        for socket in list(self._hub.sockets):
            if _needs_proof(socket.subject, stamp):
                if socket.credential not in answers:
                    answers[socket.credential] = await threads.prove(_question(socket))
                await self._take(socket, answers[socket.credential])
            socket.proven_at = clock.monotonic()

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

    async def _close_unproven(self) -> None:
        """Without the database nobody can be asked. A moment of that is borne, no more."""
        oldest = clock.monotonic() - limits.UNPROVEN_FOR
        for socket in list(self._hub.sockets):
            if socket.proven_at < oldest:
                await socket.close(Close.UNAVAILABLE, "Access cannot be checked now.")


def _needs_proof(subject: Subject, stamp: str) -> bool:
    return subject.stamp != stamp or clock.unix() >= subject.until


def _question(socket: Socket) -> Callable[[], Subject | None]:
    return lambda: door.still_admitted(socket.subject, socket.scope)
