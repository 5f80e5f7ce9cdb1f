"""A client of the live protocol in Python: it applies deltas, asks again after a gap, and acknowledges marks."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from dashboard.live import diff
from dashboard.live.frames import Drop, Op, Put


class Held:
    """What a client holds of one topic."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.revision: int | None = None
        self._begun: dict[str, Any] = {}

    def take(self, frame: dict[str, Any]) -> bool:
        """Apply a frame; False when it does not follow from what is held. A part waits for the others."""
        if frame.get("part", 1) > 1:
            if _place(self._begun) != (*_place(frame)[:-1], frame["part"] - 1):
                return False
            frame = frame | {"ops": self._begun["ops"] + frame["ops"]}
        self._begun = frame
        if frame.get("part", 1) < frame.get("parts", 1):
            return True
        if frame["kind"] == "delta" and frame["base"] != self.revision:
            return False
        before = {} if frame["kind"] == "snapshot" else self.rows
        self.rows = diff.applied(before, map(_op, frame["ops"]))
        self.revision = frame["revision"]
        return True


class LiveClient:
    """Reads frames one at a time and keeps what a browser would keep."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._held: defaultdict[str, Held] = defaultdict(Held)
        self.fresh: dict[str, dict[str, Any]] = {}
        self.seen: list[dict[str, Any]] = []
        self.acknowledges = True
        self.lose: Callable[[dict[str, Any]], bool] = lambda frame: False

    def rows(self, topic: str = "board") -> dict[str, Any]:
        return self._held[topic].rows

    def revision(self, topic: str = "board") -> int | None:
        return self._held[topic].revision

    async def say(self, type: str, **values: Any) -> None:
        await self.connection.send(json.dumps({"type": type, **values}))

    async def follow(self, topic: str) -> None:
        await self.say("subscribe", topic=topic)
        await self.until(lambda: self.revision(topic) is not None, f"a snapshot of {topic}")

    async def step(self) -> dict[str, Any]:
        """The next frame, applied."""
        frame: dict[str, Any] = json.loads(await self.connection.recv())
        if frame["kind"] == "mark":
            if self.acknowledges:
                await self.say("ack", mark=frame["mark"])
        elif not self.lose(frame):
            self.seen.append(frame)
            await self._take(frame)
        return frame

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = 15) -> None:
        """Read frames until the condition holds."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await self.step()
        except TimeoutError:
            raise AssertionError(f"waited {seconds:g} s in vain for: {what}") from None

    async def until_closed(self, seconds: float = 15) -> int:
        """Read to the end; the close code."""
        try:
            await self.until(lambda: False, "the end of the connection", seconds)
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006
        raise AssertionError

    def kinds(self, topic: str) -> list[str]:
        return [frame["kind"] for frame in self.seen if frame.get("topic") == topic]

    async def _take(self, frame: dict[str, Any]) -> None:
        topic = frame.get("topic", "")
        if frame["kind"] not in {"snapshot", "delta"}:
            self.fresh[topic] = frame
        elif not self._held[topic].take(frame):
            await self.say("snapshot", topic=topic)


def _place(frame: dict[str, Any]) -> tuple[Any, ...]:
    """Which change a part belongs to, and which part of it it is. A delta and a snapshot can lead to one revision."""
    return frame.get("revision"), frame.get("kind"), frame.get("base"), frame.get("part", 1)


def _op(raw: dict[str, Any]) -> Op:
    return Put(raw["id"], raw["row"]) if raw["op"] == "put" else Drop(raw["id"])


@asynccontextmanager
async def client(url: str, authorization: str = "", **headers: str) -> AsyncIterator[LiveClient]:
    """Connected, with nothing followed yet."""
    if authorization:
        headers["Authorization"] = authorization
    async with connect(
        url, additional_headers=headers, compression=None, close_timeout=1, max_size=None
    ) as connection:
        yield LiveClient(connection)
