"""The floor of the live benchmark: a bare ASGI application under Daphne that sends prebuilt bytes to every socket.

No accounts, no topics, no difference worked out, nothing acknowledged: only what any server must do.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

RATE = 4
_sends: set[Any] = set()
_ticking: list[asyncio.Task[None]] = []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": _frame("snapshot", 0)})
    _sends.add(send)
    if not _ticking:
        _ticking.append(asyncio.create_task(_tick()))
    while (await receive())["type"] != "websocket.disconnect":
        pass
    _sends.discard(send)


async def _tick() -> None:
    """The clients join one after another: who has seen nothing yet begins with the base that it is given."""
    revision, due = 0, time.monotonic()
    while True:
        due += 1 / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        text = _frame("delta", revision)
        for send in list(_sends):
            await send({"type": "websocket.send", "text": text})


def _frame(kind: str, revision: int) -> str:
    """As many bytes as the real frame has, of the same shape."""
    row = {"at": time.time(), "filler": "x" * int(os.environ["FLOOR_FILLER"])}
    frame = {
        "topic": "board",
        "kind": kind,
        "base": revision,
        "revision": revision,
        "at": "2026-01-01T00:00:00.000Z",
    }
    return json.dumps(frame | {"ops": [{"op": "put", "id": "tick", "row": row}]}, separators=(",", ":"))
