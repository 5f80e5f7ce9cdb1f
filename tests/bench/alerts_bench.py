"""What it costs to look at all rules: 1,000 queues, 500 agents with 2,000 instances, 10,000 letters, 200 alerts open.

    python -m tests.bench.alerts_bench [--queues 1000] [--looks 24]

Everything is real: rows as the rooms write them, the rules of a first start, the whole watcher's look. Must hold: a
look every five seconds takes under a tenth of one core. Floor: the same rows read once, and nothing done with them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import timedelta

EVERY_S = 5.0
SHARE_LIMIT = 0.10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queues", type=int, default=1_000)
    parser.add_argument("--looks", type=int, default=24)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"POSTROOM_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "core.settings"}
        os.environ["POSTROOM_REDIS_URL"] = "redis://127.0.0.1:1/0"
        return _run(asked.queues, asked.looks)


def _run(queues: int, looks: int) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    from agents.alerts.measures import offer_all
    from agents.alerts.models import Alert
    from agents.alerts.services.watching import Looker

    call_command("migrate", verbosity=0)
    fill(queues)
    offer_all()
    looker, figures = Looker(), []
    from core import clock

    start = clock.now()
    for number in range(looks):
        with clock.held(start + timedelta(seconds=EVERY_S * number)):
            fresh()
            began = time.process_time()
            looker.look(clock.now())
            figures.append(time.process_time() - began)
    floor = read_once()
    steady = sorted(figures[looks // 2 :])
    usual, worst = steady[len(steady) // 2], max(figures)
    said = {
        "queues": queues,
        "open": Alert.objects.exclude(state="cleared").count(),
        "look_ms": round(usual * 1000, 1),
        "worst_ms": round(worst * 1000, 1),
        "share_of_a_core": round(usual / EVERY_S, 4),
        "floor_ms": round(floor * 1000, 1),
    }
    print(json.dumps(said))
    return 0 if usual / EVERY_S < SHARE_LIMIT else 1


def fill(queues: int) -> None:
    from agents.queues.models import QueueRow
    from agents.registry.models import Agent, Instance
    from core import clock, processes
    from core.processes import Kind, ProcessState, State
    from tests.support import queue_rows

    now = clock.now()
    queue_rows.queue("first", 3)
    deep = 20_000
    rows = [
        QueueRow(
            name=f"q{at}",
            depth=deep if at < queues // 5 else at % 50,
            broker="main",
            first_seen=now,
            sampled_at=now,
            oldest_at=now,
            **queue_rows.FIGURES,
        )
        for at in range(queues)
    ]
    QueueRow.objects.bulk_create(rows, batch_size=500)
    agents = [
        Agent(
            environment="production", agent_id=f"agent-{at}", first_seen=now, last_seen=now, timeout_s=9_999
        )
        for at in range(queues // 2)
    ]
    Agent.objects.bulk_create(agents, batch_size=500)
    instances = [
        Instance(
            agent=agent,
            instance_id=f"{agent.agent_id}-{n}",
            state="up",
            since=now,
            last_beat=now,
            last_seen=now,
        )
        for agent in agents
        for n in range(4)
    ]
    Instance.objects.bulk_create(instances, batch_size=500)
    letters(10_000)
    up = [ProcessState(Kind.INTAKE, "a", State.UP, now - timedelta(hours=1))]
    processes.all = lambda: up  # no process beats here


def letters(number: int) -> None:
    from agents.deadletters.models import Letter
    from core import clock

    now = clock.now()
    moments = {"since": now, "captured_at": now, "first_died_at": now, "last_died_at": now}
    failed = {"failure_class": "permanent", "failure_reason": "exception"}
    usual = {"environment": "production", "agent": "extract", "body_size": 1, "source": "x", "state": "held"}
    Letter.objects.bulk_create(
        [Letter(queue=f"q{at % 40}", **usual, **failed, **moments) for at in range(number)], batch_size=500
    )


def fresh() -> None:
    """The sampler was here."""
    from agents.queues.models import BrokerRow, QueueRow
    from core import clock

    QueueRow.objects.update(sampled_at=clock.now())
    BrokerRow.objects.update(sampled_at=clock.now())


def read_once() -> float:
    from agents.queues.models import QueueRow
    from agents.registry.models import Instance

    began = time.process_time()
    for rows in (QueueRow.objects.all(), Instance.objects.select_related("agent")):
        for _ in rows.iterator():
            pass
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
