"""A Celery application that knows nothing of Postroom, written only against Celery's own documentation."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from celery.exceptions import Reject
from kombu import Queue

app = Celery("shop", broker=os.environ["SHOP_BROKER"])
app.conf.update(task_send_sent_event=True, broker_connection_retry_on_startup=True)
if own := os.environ.get("SHOP_QUEUE"):
    dead = os.environ.get("SHOP_DEAD")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead} if dead else None
    app.conf.task_queues = [Queue(own, queue_arguments=arguments)]


@app.task(name="shop.book")
def book(order: int) -> int:
    return order * 2


@app.task(name="shop.charge", acks_late=True)
def charge(order: int, card: str) -> str:
    """Gives up until somebody repairs what is outside."""
    if not Path(os.environ["SHOP_REPAIRED"]).exists():
        raise Reject("card refused", requeue=False)
    return f"{card} charged for {order}"


@app.task(name="shop.refuse")
def refuse() -> None:
    raise ValueError("card refused")


@app.task(name="shop.retry", bind=True, max_retries=1, default_retry_delay=0)
def again(self: object) -> None:
    raise self.retry(exc=TimeoutError("bank"))  # type: ignore[attr-defined]


@app.task(name="shop.wait", acks_late=True)
def wait(seconds: float) -> None:
    import time

    time.sleep(seconds)
