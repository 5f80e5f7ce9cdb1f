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
    # The worker reads this module for the application alone.
    from core.management.commands import intake

    intake.serve("tests.bench.ingest_empty:application", address="127.0.0.1", port=port)


if __name__ == "__main__":
    main(int(sys.argv[1]))
