"""Celery as Postroom uses it for its own work: operations, probes, notifications, retention."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

from celery import Celery, signals
from celery.schedules import crontab
from django.conf import settings

from core import garbage, logs, redis_url
from core.processes import Kind
from core.pulse import Pulse
from core.up.parent import die_with_parent

app = Celery("postroom")
app.conf.update(
    broker_url=redis_url.for_celery(settings.REDIS_URL),
    task_ignore_result=True,
    task_default_queue="postroom.work",
    # Large operations take turns among themselves, and keep nothing else waiting.
    task_routes={
        "operations.*": {"queue": "postroom.operations"},
        "letters.*": {"queue": "postroom.operations"},
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
    # Redis is away for a moment when it is started again: go on trying for as long as it takes.
    broker_connection_max_retries=None,
    # Postroom's own tasks do not show up among the agents' messages.
    worker_send_task_events=False,
    beat_schedule_filename=str(settings.DATA.beat_schedule),
    beat_schedule={
        # The task itself decides whether it is time: a long trail is read less often. A backlog is not worked off.
        "verify the audit trail": {
            "task": "audit.verify",
            "schedule": timedelta(minutes=1),
            "options": {"expires": 60},
        },
        "health checks": {
            "task": "registry.probe",
            "schedule": timedelta(seconds=30),
            "options": {"expires": 30},
        },
        "agent cards": {
            "task": "registry.refresh_cards",
            "schedule": timedelta(minutes=1),
            "options": {"expires": 60},
        },
        # One that waited in line for longer than this has nothing to do that the next one does not.
        "notices": {"task": "alerts.sweep", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
        "retention": {"task": "core.retention", "schedule": crontab(hour=3, minute=17)},
    },
)
app.autodiscover_tasks()

QUEUES = ("postroom.work", "postroom.operations")
CONCURRENCY = 2
_pulses: dict[Kind, Pulse] = {}


def work() -> None:
    """Run the worker until it is told to end."""
    logs.name_process(Kind.WORKER)
    # Without the chatter between workers: they meet at the queue, and start faster.
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    consumed = f"--queues={','.join(QUEUES)}"
    app.worker_main(
        ["--quiet", "worker", f"--concurrency={CONCURRENCY}", consumed, "--loglevel=info", *quiet]
    )


def tick() -> None:
    """Run the beat until it is told to end."""
    logs.name_process(Kind.BEAT)
    try:
        app.Beat(loglevel="INFO", quiet=True).run()
    finally:
        _stop_pulse(Kind.BEAT)


def _start_pulse(kind: Kind) -> None:
    _pulses[kind] = Pulse(kind).start()


def _stop_pulse(kind: Kind) -> None:
    if pulse := _pulses.pop(kind, None):
        pulse.stop()


@signals.setup_logging.connect
def _leave_logging_alone(**_: Any) -> None:
    """Django has set it up: a receiver here is how Celery is told to keep its hands off."""


@signals.worker_ready.connect
def _worker_ready(**_: Any) -> None:
    _start_pulse(Kind.WORKER)


@signals.worker_shutting_down.connect
def _worker_ends(**_: Any) -> None:
    _stop_pulse(Kind.WORKER)


@signals.beat_init.connect
def _beat_ready(**_: Any) -> None:
    _start_pulse(Kind.BEAT)


@signals.worker_process_init.connect
def _pool_process_ready(**_: Any) -> None:
    # A pool's process is the grandchild of `up`: it must not outlive its own parent.
    die_with_parent()
    # Portions of letters are thousands of values at a time: walking them took a third of a redrive.
    garbage.collect_seldom()
