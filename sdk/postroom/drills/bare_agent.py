"""The same shop with Celery alone: its own transport, acknowledged late, handed back when a worker is lost."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from celery import Celery

from postroom.drills import crashes

QUEUE: Final = "orders"
# An hour by default: who waits as long sees fewer orders missing, an hour later.
VISIBLE_AGAIN_SECONDS: Final = 20

app = Celery("orders", broker=os.environ.get("DRILL_PLAIN_BROKER", ""))
app.conf.update(
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"visibility_timeout": VISIBLE_AGAIN_SECONDS},
)


@app.task(name="book")
def book(order: str, card: str) -> None:
    crashes.here(crashes.CLAIMED)
    if card == "refused":
        raise ValueError("The card is refused.")
    books = sqlite3.connect(Path(os.environ[crashes.FOLDER]) / "books.sqlite", timeout=60)
    with closing(books), books:
        books.execute("INSERT INTO booked (order_id) VALUES (?)", (order,))
    crashes.here(crashes.EFFECT)
