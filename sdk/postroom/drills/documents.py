"""Drill `documents`: documents of every size through a pipeline. Each is downloaded once, and the broker carries no
large one."""

from __future__ import annotations

import hashlib
import random
import threading
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from postroom.content.api import LIMIT, LIMIT_ON_REDIS
from postroom.drills import notes
from postroom.drills.figures import Verdict, at_least, at_most, exactly, told
from postroom.drills.progress import Progress
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import until

STEPS = ("fetch", "read", "classify", "store")
SMALLEST = 1_000
# Around the payload: names, quotes, the sender's small print.
WRAPPING = 2_000
PATIENCE_SECONDS = 300.0


class Origin:
    """Where documents come from, and how often each was fetched."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes, self.downloads = sizes, Counter[int]()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Request, self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def content(self, number: int) -> bytes:
        return random.Random(number).randbytes(self.sizes[number])  # noqa: S311 - the same each time is the point

    def fetched(self, number: int) -> bytes:
        with self._lock:
            self.downloads[number] += 1
        return self.content(number)

    def order(self, number: int) -> dict[str, object]:
        """What the pipeline is told of a document."""
        digest = hashlib.sha256(self.content(number)).hexdigest()
        return {
            "number": number,
            "url": f"http://127.0.0.1:{self._server.server_port}/{number}",
            "digest": digest,
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Request(BaseHTTPRequestHandler):
    def __init__(self, origin: Origin, *arguments: object) -> None:
        self._origin = origin
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        content = self._origin.fetched(int(self.path.strip("/")))
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """The drill has its own figures."""


def sizes(count: int, largest: int) -> list[int]:
    """From the smallest to the largest, evenly by order of magnitude. Pure."""
    ratio = largest / SMALLEST
    return [round(SMALLEST * ratio ** (number / max(count - 1, 1))) for number in range(count)]


def play(scene: Scene, verdict: Verdict) -> None:
    count, origin = scene.size.count, Origin(sizes(scene.size.count, scene.size["largest"]))
    content = scene.folder / "content"
    for step in STEPS:
        where = f"postroom.drills.documents_agents:{step}"
        scene.agent(step, where, "--pool", "threads", "--concurrency", "2", POSTROOM_CONTENT_URL=str(content))
    clerk, progress = scene.sender("clerk"), scene.progress("documents", count * len(STEPS))
    try:
        for number in range(count):
            clerk.send_message("fetch", origin.order(number))
        _until_through(scene, count * len(STEPS), progress)
    finally:
        origin.close()
    progress.close()
    _judge(scene, verdict, origin)


def _until_through(scene: Scene, steps: int, progress: Progress) -> None:
    def through() -> bool:
        done = notes.count(scene.folder, "handled")
        progress.at(done, "steps of documents")
        return done >= steps

    until(through, "every document to pass every step", PATIENCE_SECONDS, every=0.2)


def _judge(scene: Scene, verdict: Verdict, origin: Origin) -> None:
    handled = [*notes.read(scene.folder, "handled")]
    passed = Counter((agent, number) for agent, number, _, _ in handled)
    reads = Counter((process, key) for process, key in notes.read(scene.folder, "store-read"))
    heaviest = max((int(weight) for (weight,) in notes.read(scene.folder, "weighed")), default=0)
    limit = LIMIT_ON_REDIS if scene.broker.kind == "redis" else LIMIT
    verdict.add(
        told("documents", scene.size.count),
        told("megabytes", round(sum(origin.sizes) / 1e6, 1)),
        exactly("most downloads of one document", max(origin.downloads.values(), default=0), 1),
        exactly("documents downloaded", len(origin.downloads), scene.size.count),
        exactly("steps that a document did not pass", len(STEPS) * scene.size.count - len(passed), 0),
        exactly("documents that came out changed", sum(same != "True" for _, _, same, _ in handled), 0),
        at_most("most reads of one document by one process", max(reads.values(), default=0), 1),
        at_least("reads from the content store", reads.total(), 1),
        at_most("heaviest message on the broker, bytes", heaviest, limit + WRAPPING),
    )


DRILL = Drill(
    "documents",
    "documents from 1 kB to 50 MB: downloaded once, read once per process, none of them on the broker",
    play,
    small=Size("small", 24, {"largest": 8_000_000}),
    full=Size("full", 200, {"largest": 50_000_000}),
)
