"""How long lists, groups, figures and searches take over many letters, on the database that the settings name.

    python -m tests.bench.letters_bench [--letters 20000] [--groups 200]

It fills a test database of its own and leaves nothing. Times are of the selectors and the database, as a page asks.
Required, also with --letters 1000000 --groups 2000: 19 of 20 answers within 200 ms, and a text within a second.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from agents.deadletters import facets, groups, selectors, words
from agents.deadletters.groups import GroupFilter
from agents.deadletters.models import FailureGroup, GroupPart, Letter, LetterText
from agents.deadletters.selectors import Filter
from agents.deadletters.values import Contents, State
from core import clock, ids
from core.access.api import Grant, Kind, Permission, Scope, Subject

BATCH = 2_000
WORDS = [f"word{number}" for number in range(5_000)]
ALL = frozenset({Permission.SEE, Permission.READ_PAYLOADS})
WHO = Subject(Kind.PERSON, "1", "ana", (Grant("admin", ALL),))
NARROW = Subject(Kind.PERSON, "2", "bo", (Grant("operator", ALL, Scope(queue="queue-1*")),))
TIMES = 20
# In milliseconds: what a page, and what a search for text may take.
MOST, MOST_OF_TEXT = 200, 1_000


def a_group(number: int, now: datetime) -> FailureGroup:
    moment = now - timedelta(seconds=number * 30)
    return FailureGroup(
        environment="production",
        queue=f"queue-{number % 50}",
        agent=f"agent-{number % 50}",
        fingerprint=f"1.{number:024x}",
        title=f"Error{number % 100}: cause {number}",
        failure_type=f"Error{number % 100}",
        deaths=1,
        first_died_at=moment - timedelta(days=3),
        last_died_at=moment,
        since=moment,
    )


def a_letter(number: int, group: FailureGroup, now: datetime, dice: random.Random) -> Letter:
    moment = now - timedelta(seconds=dice.random() * 7 * 86_400)
    return Letter(
        environment="production",
        broker="main",
        queue=group.queue,
        agent=group.agent,
        version=f"1.{dice.randrange(5)}",
        message_id=f"m-{number}",
        group=group,
        fingerprint=group.fingerprint,
        failure_class="permanent",
        failure_reason="exception",
        failure_type=group.failure_type,
        failure_message=f"{group.title} of {dice.choice(WORDS)}",
        source="postroom.letters",
        body_size=300,
        state=State.HELD if dice.random() < 0.6 else State.PROCESSED,
        since=moment,
        captured_at=moment,
        first_died_at=moment,
        last_died_at=moment,
    )


def fill(letters: int, number_of_groups: int) -> None:
    now, dice = clock.now(), random.Random(1)
    made = [a_group(number, now) for number in range(number_of_groups)]
    FailureGroup.objects.bulk_create(made, batch_size=BATCH)
    parts = ("environment", "queue", "agent", "first_died_at", "last_died_at")
    GroupPart.objects.bulk_create(
        (GroupPart(group=each, deaths=1, **{name: getattr(each, name) for name in parts}) for each in made),
        batch_size=BATCH,
    )
    # A few groups have most of the letters, as it is.
    rows = (
        a_letter(number, made[int(number_of_groups * dice.random() ** 2)], now, dice)
        for number in range(letters)
    )
    while some := list(islice(rows, BATCH)):
        Letter.objects.bulk_create(some)
        LetterText.objects.bulk_create(list(texts(some, dice)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def texts(letters: list[Letter], dice: random.Random) -> Iterator[LetterText]:
    for letter in letters:
        note = " ".join([*dice.choices(WORDS, k=20), "invoice"])
        body = f'{{"order": {{"id": {ids.new().int % 10**9}}}, "note": "{note}"}}'
        carried = words.carried(Contents(body.encode(), {"tenant": f"t{dice.randrange(200)}"}))
        yield LetterText(letter=letter, said=words.said(letter), carried=carried)


def listed(subject: Subject, **wanted: Any) -> Callable[[], object]:
    def ask() -> object:
        rows = selectors.seen_by(subject).filter(selectors.letters(Filter(**wanted), subject))
        return list(rows.order_by(*selectors.NEWEST)[:51])

    return ask


def made_of(subject: Subject, **wanted: Any) -> Callable[[], object]:
    return lambda: facets.of(selectors.seen_by(subject).filter(selectors.letters(Filter(**wanted), subject)))


def grouped(subject: Subject, order: str, **wanted: Any) -> Callable[[], object]:
    def ask() -> object:
        rows = groups.visible_to(subject).filter(groups.groups(GroupFilter(**wanted)))
        page = list(rows.order_by(*groups.ORDERS[order])[:51])
        return groups.numbers(subject, [each.pk for each in page])

    return ask


def questions() -> dict[str, Callable[[], object]]:
    largest = str(FailureGroup.objects.order_by("fingerprint").values_list("pk", flat=True)[0])
    return {
        "letters, held": listed(WHO, state="held"),
        "letters, held, of a scope": listed(NARROW, state="held"),
        "letters of a queue": listed(WHO, state="held", queue="queue-7"),
        "letters of an agent": listed(WHO, agent="agent-7"),
        "letters of the largest group": listed(WHO, group=largest, state="held"),
        "letters of an error's type": listed(WHO, error="Error77"),
        "groups, newest": grouped(WHO, "last", held=True),
        "groups, most deaths": grouped(WHO, "deaths"),
        "groups of a scope": grouped(NARROW, "last"),
        "text, rare": listed(WHO, q="word77 word78"),
        "text, one word in 250": listed(WHO, q="word777"),
        "text, in every letter": listed(WHO, q="invoice"),
        "text, phrase": listed(WHO, q='"cause 77"'),
        "header": listed(WHO, q="header.tenant=t7"),
        "header and state": listed(WHO, q="header.tenant=t7 state:held"),
        "facets, held": made_of(WHO, state="held"),
        "facets of a scope": made_of(NARROW, state="held"),
        "facets of a text in every letter": made_of(WHO, q="invoice"),
        "facets of an error's type": made_of(WHO, error="Error77"),
        "message id": listed(WHO, q="message:m-77"),
    }


def measure(name: str, ask: Callable[[], object]) -> bool:
    taken = []
    for _ in range(TIMES):
        before = perf_counter()
        ask()
        taken.append((perf_counter() - before) * 1_000)
    taken.sort()
    p95, most = taken[int(TIMES * 0.95) - 1], MOST_OF_TEXT if name.startswith("text") else MOST
    holds = p95 < most
    verdict = "" if holds else f"   NOT under {most} ms"
    print(f"{name:32} median {median(taken):8.1f} ms   p95 {p95:8.1f} ms{verdict}", flush=True)
    return holds


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--letters", type=int, default=20_000)
    asked.add_argument("--groups", type=int, default=200)
    given = asked.parse_args()
    databases = setup_databases(verbosity=0, interactive=False, aliases=None)
    try:
        before = perf_counter()
        fill(given.letters, given.groups)
        print(f"{given.letters:,} letters on {connection.vendor}: filled in {perf_counter() - before:.0f} s")
        held = [measure(name, ask) for name, ask in questions().items()]
    finally:
        teardown_databases(databases, verbosity=0)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
