"""The floor of the one-span requests: an application that reads a request and answers 200, under the same Granian.

    python -m tests.bench.ingest_empty PORT

No token is looked at, nothing is decoded, kept or committed: only what any server must do for a request.
"""

from __future__ import annotations

import sys
from typing import Any

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/x-protobuf"), (b"content-length", b"0")],
}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send({"type": "http.response.body", "body": b""})


def main(port: int) -> None:
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops

    Granian(
        "tests.bench.ingest_empty:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        loop=Loops.asyncio,
        websockets=False,
        workers=1,
        backpressure=2048,
        backlog=2048,
    ).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
