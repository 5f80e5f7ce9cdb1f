"""Letters for the redrive's bench: put straight into the tables, as custody would have kept them."""

from __future__ import annotations

import json
from datetime import timedelta

from django.db import connection

from agents.deadletters.models import Death, FailureGroup, Letter, StoredContents
from agents.deadletters.services.keeping import stored
from agents.deadletters.values import Contents, State
from core import clock, ids
from tests.bench.letters_data import a_death

TOGETHER = 2_000
# What every message says beside its number; a body of about 420 B.
NOTE = "an invoice of the usual kind, with a sentence for whoever reads it " * 5
PRIORITY = 0


def body(number: int) -> bytes:
    return json.dumps({"order": {"id": number, "amount": number % 997}, "note": NOTE}).encode()


def headers(number: int) -> dict[str, str]:
    return {"postroom-sender": "classify", "postroom-workflow": "invoices", "tenant": f"t{number % 200}"}


def fill(queue: str, first: int, letters: int) -> None:
    """So many letters of this queue, all of one group."""
    group = _group(queue)
    for start in range(first, first + letters, TOGETHER):
        numbers = range(start, min(start + TOGETHER, first + letters))
        made = [_letter(number, queue, group) for number in numbers]
        deaths = [a_death(letter) for letter in made]
        Letter.objects.bulk_create(made)
        Death.objects.bulk_create(deaths)
        StoredContents.objects.bulk_create(
            stored(death, Contents(body(number), headers(number), {"priority": PRIORITY}))
            for number, death in zip(numbers, deaths, strict=True)
        )


def analysed() -> None:
    """As the database's own care would leave the tables."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def _group(queue: str) -> FailureGroup:
    now = clock.now()
    return FailureGroup.objects.create(
        environment="production",
        queue=queue,
        agent=queue,
        fingerprint=f"1.{queue}",
        title="ValueError: amount is negative",
        failure_type="ValueError",
        deaths=1,
        first_died_at=now,
        last_died_at=now,
        since=now,
    )


def _letter(number: int, queue: str, group: FailureGroup) -> Letter:
    died = clock.now() - timedelta(hours=1)
    return Letter(
        environment="production",
        broker="main",
        queue=queue,
        routing_key=queue,
        agent=queue,
        instance=f"{queue}-0",
        version="1.8.2",
        message_id=str(ids.new()),
        task="postroom.handle",
        sender="classify",
        workflow="invoices",
        trace_id=f"{number + 1:032x}",
        span_id=f"{number + 1:016x}",
        content_type="application/json",
        content_encoding="utf-8",
        body_size=len(body(number)),
        source="postroom.letters",
        group=group,
        fingerprint=group.fingerprint,
        failure_class="permanent",
        failure_reason="exception",
        failure_type="ValueError",
        failure_message="amount is negative",
        state=State.HELD,
        since=died,
        captured_at=died,
        first_died_at=died,
        last_died_at=died,
    )
