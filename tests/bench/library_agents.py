"""The workers that the library's benchmark measures, each a process: `python -m tests.bench.library_agents KIND URL`.

`bare` is Celery as it comes, with one task that does nothing; `agent` is an agent whose handler does nothing, with
delivery, idempotency, events and letters on. With `OTEL_EXPORTER_OTLP_ENDPOINT` set it makes spans and metrics too; a
`sink` at that port takes them.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from celery import Celery

# The library is not installed where its benchmark runs.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sdk"))

from postroom import Agent, Message

QUEUE = "bench"
TASK = "bench.nothing"
CONCURRENCY = 4


def bare_application(url: str) -> Celery:
    app = Celery("bench", broker=url.replace("unix://", "redis+socket://"))
    app.conf.update(task_default_queue=QUEUE, task_ignore_result=True)

    @app.task(name=TASK)
    def nothing(payload: Any) -> None:
        return None

    return app


class Nothing(Agent):
    """Does nothing."""

    queue = QUEUE
    version = "1.0"

    def handle_message(self, message: Message) -> None:
        return None


class Sink(BaseHTTPRequestHandler):
    """Takes whatever an exporter sends."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def main(kind: str, url: str) -> None:
    if kind == "sink":
        ThreadingHTTPServer(("127.0.0.1", int(url)), Sink).serve_forever()
    elif kind == "bare":
        bare_application(url).worker_main(["worker", f"-c{CONCURRENCY}", "-lWARNING"])
    else:
        Nothing("bench", broker_url=url).run(concurrency=CONCURRENCY, log_level="WARNING")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
