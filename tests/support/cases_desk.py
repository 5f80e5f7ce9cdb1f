"""What a browser cannot do in a test of operations, in a process of its own that takes commands: letters die, a worker
works, time passes, and somebody looks at the queue. `python -m tests.support.cases_desk`, a JSON list a line."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from django.conf import settings  # noqa: E402

from agents.deadletters.api import keep  # noqa: E402
from agents.operations import watching  # noqa: E402
from agents.operations.models import Plan  # noqa: E402
from agents.operations.services import executing  # noqa: E402
from core import clock  # noqa: E402
from core.access.models import ApprovalLimit  # noqa: E402
from core.leases import Lease  # noqa: E402
from core.watch import Turn  # noqa: E402
from dashboard.live.sender import sender  # noqa: E402
from tests.support.letters import arrival  # noqa: E402
from tests.support.operations import Consumer  # noqa: E402


def die(queue: str, number: int) -> str:
    """So many letters of this queue."""
    keep([arrival(queue=queue, died_at=clock.rfc3339(clock.now())) for _ in range(number)])
    return str(number)


def work(operation: str) -> str:
    executing.go_on(UUID(operation))
    return operation


def expire(plan: str) -> str:
    Plan.objects.filter(pk=plan).update(expires_at=clock.now())
    return plan


def limit(above: int) -> str:
    """From so many on a second person is needed; 0: never."""
    ApprovalLimit.objects.all().delete()
    if above:
        ApprovalLimit.objects.create(action="redrive", above=above)
    return str(above)


def taken(queue: str) -> str:
    """What waited there, each with its body."""
    return json.dumps(Consumer(settings.REDIS_URL, queue).take())


def due() -> str:
    """The watcher moves what is due."""
    watching.move_due(Turn(Lease("watcher", 1, timedelta(seconds=60), clock.monotonic() + 60)))
    return "moved"


COMMANDS: dict[str, Any] = {each.__name__: each for each in (die, work, expire, limit, taken, due)}

if __name__ == "__main__":
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        answer = COMMANDS[command](*arguments)
        sender.drain()
        print(f"= {answer}", flush=True)
