"""Agents of the drill `rollout`: many of them in one process, each with an HTTP endpoint of its own.

    python -m postroom.drills.rollout_hall VERSION FIRST LAST

They register when they answer, beat while they live, and on SIGTERM say that they stop before they do.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from postroom.drills.notes import note
from postroom.http import Client, from_environment
from postroom.registry.client import AgentRegistry
from postroom.registry.heartbeats import Heartbeats

# Who was told about us a moment ago may still be on the way.
LINGER_SECONDS = 3.0


class Answer(BaseHTTPRequestHandler):
    """Says who answers, after a moment's work."""

    protocol_version = "HTTP/1.1"

    def __init__(self, agent: str, version: str, *arguments: object) -> None:
        self._said = f"{agent} {version}".encode()
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        time.sleep(0.002)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self._said)))
        self.end_headers()
        self.wfile.write(self._said)

    def log_message(self, format: str, *arguments: object) -> None:
        """The drill has its own figures."""


def agent_id(number: int) -> str:
    return f"step-{number:02d}"


def main(version: str, first: int, last: int) -> None:
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    client = Client(from_environment())
    registry = AgentRegistry(client=client)
    servers = [_open(registry, number, version) for number in range(first, last)]
    beats = [
        Heartbeats(client, agent_id(number), instance_id=f"{agent_id(number)}-{version}", version=version)
        for number in range(first, last)
    ]
    for each in beats:
        each.start()
    note("open", version, first, last)
    over.wait()
    for each in beats:
        each.stop()
    time.sleep(LINGER_SECONDS)
    for server in servers:
        server.shutdown()


def _open(registry: AgentRegistry, number: int, version: str) -> ThreadingHTTPServer:
    """Answers first, is known then."""
    name = agent_id(number)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Answer, name, version))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    registry.register(
        agent_id=name,
        capabilities=[f"do-{name}"],
        endpoint=f"http://127.0.0.1:{server.server_port}/",
        version=version,
    )
    return server


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
