"""An ordinary Celery application, written against Celery's documentation alone, and one line."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery
from celery.exceptions import Ignore, Reject

from postroom.celery import instrument
from tests.support.library_agent import note

app = Celery("shop", broker=os.environ.get("BROKER"))
app.conf.update(task_acks_late=os.environ.get("LATE") == "1", task_ignore_result=True)
if os.environ.get("BROKER", "").startswith("amqp"):
    app.conf.task_default_queue_type = "quorum"


@app.task
def good(order: Any) -> None:
    note(good.request.id, "good", os.getpid())
    inner.delay(order)


@app.task
def inner(order: Any) -> None:
    note(inner.request.id, "inner", os.getpid())


@app.task
def bad(order: Any) -> None:
    raise ValueError("an order without lines")


@app.task(autoretry_for=(KeyError,), default_retry_delay=0, retry_backoff=False, max_retries=2)
def stubborn(order: Any) -> None:
    raise KeyError("customer")


@app.task
def rejecting(order: Any) -> None:
    raise Reject("not for us", requeue=False)


@app.task
def ignoring(order: Any) -> None:
    raise Ignore


@app.task
def dying(order: Any) -> None:
    os._exit(9)


@app.task(time_limit=1)
def endless(order: Any) -> None:
    time.sleep(60)


if os.environ.get("INSTRUMENT", "1") == "1":
    instrument(app, idempotency="auto" if os.environ.get("BROKER", "").startswith("postroom") else None)
