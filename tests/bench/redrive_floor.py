"""The floors of the redrive's bench: the same messages published bare.

`bare` takes messages that are ready, pushes them in pipelines of the executor's size, and moves their letters with one
statement and one commit a pipeline: no claim, no items, no history, no marker against a second time, no bodies read.
`script` is what somebody would write for an evening: a message at a time by kombu's own producer, and after each its
letter is marked and committed, so that the script can be broken off. `one_by_one` is its publishing alone, and no
database at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

import kombu
import redis
from django.db import connection, transaction

from agents.deadletters.models import Letter
from core import clock, redis_url

TABLE = Letter._meta.db_table


class Ready(NamedTuple):
    """A letter's message, as it lies on the list in the end."""

    letter: UUID
    message: bytes


def bare(url: str, queue: str, ready: Sequence[Ready], together: int) -> float:
    """Seconds for all of them."""
    client = redis.Redis.from_url(url)
    began = time.perf_counter()
    for start in range(0, len(ready), together):
        some = ready[start : start + together]
        with client.pipeline(transaction=False) as pipe:
            for each in some:
                pipe.lpush(queue, each.message)
            pipe.execute()
        with transaction.atomic():
            _move([each.letter for each in some])
    return time.perf_counter() - began


def _move(letters: list[UUID]) -> None:
    values = [Letter._meta.pk.get_db_prep_value(letter, connection) for letter in letters]
    now = Letter._meta.get_field("since").get_db_prep_value(clock.now(), connection)
    sets = f"UPDATE {TABLE} SET state = 'dispatched', since = %s, redrives = redrives + 1"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{sets} WHERE id = ANY(%s)", [now, values])
        else:
            marks = ", ".join(["%s"] * len(values))
            cursor.execute(f"{sets} WHERE id IN ({marks})", [now, *values])


def one_by_one(url: str, queue: str, bodies: Iterable[bytes]) -> float:
    """Seconds for all of them through kombu."""
    with kombu.Connection(redis_url.for_celery(url)) as broker:
        publish = _publisher(broker, queue)
        began = time.perf_counter()
        for body in bodies:
            publish(body)
        return time.perf_counter() - began


def script(url: str, queue: str, some: Iterable[tuple[UUID, bytes]]) -> float:
    """Seconds for all of these letters and bodies, each with a commit of its own."""
    with kombu.Connection(redis_url.for_celery(url)) as broker:
        publish = _publisher(broker, queue)
        began = time.perf_counter()
        for letter, body in some:
            publish(body)
            _move([letter])
        return time.perf_counter() - began


def _publisher(broker: kombu.Connection, queue: str) -> Callable[[bytes], object]:
    return partial(
        broker.Producer().publish,
        routing_key=kombu.Queue(queue, kombu.Exchange(""), routing_key=queue).name,
        content_type="application/json",
        content_encoding="utf-8",
        headers={"postroom-sender": "classify"},
    )
