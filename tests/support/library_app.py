"""An ordinary Celery application for tests, acknowledging late. Its work is to write down that it worked."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from celery import Celery

import postroom.delivery.transport  # noqa: F401  makes the address known
from postroom.delivery.api import Settlement
from postroom.delivery.received import delivery_of
from postroom.delivery.redis.settler import RedisSettler

app = Celery("worker_app", broker=os.environ.get("BROKER", "memory://"))
app.conf.update(
    task_default_queue="work",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=int(os.environ.get("PREFETCH", "1")),
    broker_connection_retry_on_startup=True,
    broker_transport_options={"claim_seconds": 2.0, "sweep_seconds": 0.2},
    task_ignore_result=True,
)
settler = RedisSettler(os.environ.get("BROKER", "redis://"))


@app.task(bind=True, name="settle")
def settle(self: Any, number: int) -> None:
    """Settle from where the task runs: in a prefork pool that is a child of the worker."""
    delivery = delivery_of(self.request.id, self.request.properties, self.request.delivery_info)
    settler.settle(delivery, Settlement(events=(f'{{"number": {number}}}'.encode(),)))


@app.task(bind=True, name="work")
def work(self: Any, number: int, seconds: float = 0.0) -> None:
    """Take a while, then write down who did what, and whether it came for the first time."""
    time.sleep(seconds)
    info = self.request.properties.get("delivery_info", {})
    with Path(os.environ["DONE"]).open("a") as out:
        out.write(f"{number} {os.getpid()} {info.get('deliveries_before', 0)}\n")
