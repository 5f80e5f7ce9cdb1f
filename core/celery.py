"""Celery as Postroom uses it for its own work: operations, probes, notifications, retention."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

from core import redis_url

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

app = Celery("postroom")
app.conf.update(
    broker_url=redis_url.for_celery(settings.REDIS_URL),
    task_ignore_result=True,
    task_default_queue="postroom.work",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    # Postroom's own tasks do not show up among the agents' messages.
    worker_send_task_events=False,
)
app.autodiscover_tasks()
