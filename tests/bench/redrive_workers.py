"""Processes of the redrive's bench that work as the house's own do, and say how long it took and what they held.

`python -m tests.bench.redrive_workers` reads a line (`seal ID`, `work ID`, `consume ID`) and answers one of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
TOGETHER = 1_000
PATIENCE = 0.02


class Answer(NamedTuple):
    """Seconds, and bytes held at most since the process began."""

    seconds: float
    peak: int


class Worker:
    """One process; it is there, with everything imported, when this is made."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.redrive_workers"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read()

    def ask(self, what: str, id: UUID) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{what} {id}\n")
        self._process.stdin.flush()

    def answer(self) -> Answer:
        return Answer(**self._read())

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


@contextmanager
def workers(number: int) -> Iterator[list[Worker]]:
    made = [Worker() for _ in range(number)]
    try:
        yield made
    finally:
        for each in made:
            each.end()


def seal(id: UUID) -> None:
    from agents.operations.services import sealing

    sealing.go_on(id)


def work(id: UUID) -> None:
    """As a worker that is told again whenever it was told off: until nothing waits."""
    from agents.operations.models import Operation
    from agents.operations.services import executing

    while Operation.objects.filter(pk=id, waiting__gt=0).exists():
        executing.go_on(id)
        time.sleep(PATIENCE)


def consume(id: UUID) -> None:
    """The agents and the watcher in one: takes what comes, tells that it went well, and has the outcomes noted."""
    import redis

    from agents.operations.models import Operation, PlanPart
    from agents.operations.services import outcomes

    client = redis.Redis.from_url(os.environ["POSTROOM_REDIS_URL"])
    operation = Operation.objects.get(pk=id)
    queue = PlanPart.objects.get(plan=operation.plan_id).queue
    while not operation.ended:
        found: Any = client.rpop(queue, TOGETHER)
        if found:
            _tell([json.loads(each) for each in found], queue)
        while outcomes.follow_ledger():
            pass
        if not found:
            until(lambda: client.llen(queue) or _ended(id), "messages or the end", 600)
        operation.refresh_from_db()


def _ended(id: UUID) -> bool:
    from agents.operations.models import Operation

    return Operation.objects.get(pk=id).ended


def _tell(messages: list[dict[str, Any]], queue: str) -> None:
    from agents.deadletters.models import Letter
    from agents.ledger import api as ledger
    from agents.ledger.services import keeping
    from agents.ledger.values import now, told
    from core import clock, ids

    said = [each["headers"]["postroom-redrive-id"].partition(":") for each in messages]
    known = dict(Letter.objects.filter(pk__in=[id for id, _, _ in said]).values_list("pk", "message_id"))
    events = [
        ledger.Event(
            id=str(ids.new()), kind=ledger.Kind.SUCCEEDED, at=clock.now(), message_id=known[UUID(id)],
            environment="production", queue=queue, redrive=int(number), attempt=1,
            source=ledger.Source.LIBRARY,
        )
        for id, _, number in said
    ]  # fmt: skip
    arrived = now()
    keeping.keep([told(event, arrived) for event in events])


def peak() -> int:
    """Bytes that this process held at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


TASKS: Mapping[str, Callable[[UUID], None]] = {"seal": seal, "work": work, "consume": consume}


def main() -> None:
    import django

    django.setup()
    from agents.operations.services import executing, outcomes  # noqa: F401 - imported before the clock runs
    from core import garbage

    garbage.collect_seldom()
    print("{}", flush=True)
    for line in sys.stdin:
        what, id = line.split()
        began = time.perf_counter()
        TASKS[what](UUID(id))
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "peak": peak()}), flush=True)


if __name__ == "__main__":
    main()
