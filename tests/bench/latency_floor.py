"""The floor of the latency benchmark: whatever is posted goes to every socket, four times a second, and that is all.

No store, no topology, no accounts: only what any server must do that shows a picture four times a second.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

RATE = 4
_sends: set[Any] = set()
_new: list[str] = []
_ticking: list[asyncio.Task[None]] = []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        return await _take(receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": _frame("snapshot", 0, [])})
    _sends.add(send)
    if not _ticking:
        _ticking.append(asyncio.create_task(_tick()))
    while (await receive())["type"] != "websocket.disconnect":
        pass
    _sends.discard(send)
    return None


async def _take(receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    for each in ExportTraceServiceRequest.FromString(body).resource_spans:
        _new.append(each.resource.attributes[0].value.string_value)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def _tick() -> None:
    revision = 0
    while True:
        await asyncio.sleep(1 / RATE)
        if _new:
            frame = _frame("delta", revision, _new)
            _new.clear()
            revision += 1
            for send in list(_sends):
                await send({"type": "websocket.send", "text": frame})


def _frame(kind: str, base: int, names: list[str]) -> str:
    ops = [{"op": "put", "id": f"agent:default/{name}", "row": {}} for name in names]
    revision = base if kind == "snapshot" else base + 1
    return json.dumps({"topic": "topology", "kind": kind, "base": base, "revision": revision, "ops": ops})
