"""Many letters for the bench of their lists, put straight into the tables as custody would have kept them: skewed over
the groups, over a week, each with its death, what it carried, its words, and its share of the groups' figures."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from agents.deadletters import words
from agents.deadletters.models import (
    Death,
    FailureGroup,
    GroupAlias,
    GroupPart,
    GroupRate,
    Letter,
    LetterText,
    StoredContents,
)
from agents.deadletters.services.grouping import STEPS, floor
from agents.deadletters.services.keeping import stored
from agents.deadletters.values import Contents, State
from core import clock, ids

BATCH = 2_000
WORDS = [f"word{number}" for number in range(5_000)]
VERSIONS = [f"1.{number}" for number in range(5)]
WEEK = timedelta(days=7)
# So many bodies differ: to make one up, to seal it and to split it into words takes longer than all else.
BODIES = 20_000


class Body(NamedTuple):
    """What a letter carries, as it is stored, and in words."""

    shut: dict[str, Any]
    carried: str


def fill(letters: int, number_of_groups: int) -> None:
    now, dice = clock.now(), random.Random(1)
    groups = [a_group(number, now) for number in range(number_of_groups)]
    FailureGroup.objects.bulk_create(groups, batch_size=BATCH)
    GroupAlias.objects.bulk_create(
        [GroupAlias(environment="production", fingerprint=each.fingerprint, group=each) for each in groups],
        batch_size=BATCH,
    )
    GroupPart.objects.bulk_create(
        [a_part(each, version) for each in groups for version in VERSIONS], batch_size=BATCH
    )
    parts = {(row.group_id, row.version): row for row in GroupPart.objects.all()}
    rates: Counter[tuple[int, int, datetime, str]] = Counter()
    bodies = [a_body(contents(dice)) for _ in range(min(letters, BODIES))]
    # A few groups have most of the letters, as it is.
    rows = (
        a_letter(number, groups[int(number_of_groups * dice.random() ** 2)], now, dice)
        for number in range(letters)
    )
    begun = False
    while some := list(islice(rows, BATCH)):
        keep(some, dice.choices(bodies, k=len(some)), parts, rates)
        if not begun:
            # PostgreSQL keeps its way of checking references, and to read a table whole is quickest in an empty one.
            begun = True
            analysed()
    count(groups, parts, rates)
    analysed()


def a_group(number: int, now: datetime) -> FailureGroup:
    moment = now - timedelta(seconds=number * 30)
    return FailureGroup(
        environment="production",
        queue=f"queue-{number % 50}",
        agent=f"agent-{number % 50}",
        fingerprint=f"1.{number:024x}",
        title=f"Error{number % 100}: cause {number}",
        failure_type=f"Error{number % 100}",
        formed={"who": f"agent-{number % 50}", "raised": [{"type": "Error", "message": f"cause {number}"}]},
        deaths=0,
        first_died_at=moment - WEEK,
        last_died_at=moment,
        since=moment,
    )


def a_part(group: FailureGroup, version: str) -> GroupPart:
    names = ("environment", "queue", "agent", "first_died_at", "last_died_at")
    return GroupPart(group=group, version=version, **{name: getattr(group, name) for name in names})


def a_letter(number: int, group: FailureGroup, now: datetime, dice: random.Random) -> Letter:
    moment = now - dice.random() * WEEK
    return Letter(
        environment="production",
        broker="main",
        queue=group.queue,
        agent=group.agent,
        version=dice.choice(VERSIONS),
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


def keep(
    letters: Sequence[Letter],
    bodies: Sequence[Body],
    parts: dict[tuple[UUID, str], GroupPart],
    rates: Counter[tuple[int, int, datetime, str]],
) -> None:
    deaths = [a_death(each, parts[key(each)]) for each in letters]
    Letter.objects.bulk_create(letters)
    Death.objects.bulk_create(deaths)
    StoredContents.objects.bulk_create(
        [StoredContents(death=d, **b.shut) for d, b in zip(deaths, bodies, strict=True)]
    )
    LetterText.objects.bulk_create(
        [
            LetterText(letter=each, said=words.said(each), carried=b.carried)
            for each, b in zip(letters, bodies, strict=True)
        ]
    )
    for each in letters:
        parts[key(each)].deaths += 1
        place = int(each.fingerprint.removeprefix("1."), 16)
        for seconds in STEPS:
            rates[place, seconds, floor(each.last_died_at, seconds), each.version] += 1


def key(letter: Letter) -> tuple[UUID, str]:
    """Of the part that counts it."""
    assert letter.group_id
    return letter.group_id, letter.version


def contents(dice: random.Random) -> Contents:
    note = " ".join([*dice.choices(WORDS, k=20), "invoice"])
    body = f'{{"order": {{"id": {dice.randrange(10**9)}}}, "note": "{note}"}}'
    return Contents(body.encode(), {"tenant": f"t{dice.randrange(200)}"})


def a_body(carried: Contents) -> Body:
    row = stored(Death(), carried)
    names = ("body", "head", "attempts", "key_id", "sealed_key")
    return Body({name: getattr(row, name) for name in names}, words.carried(carried))


def a_death(letter: Letter, part: GroupPart | None = None) -> Death:
    names = ("failure_class", "failure_reason", "failure_type", "failure_message", "fingerprint")
    return Death(
        id=ids.new(),
        letter=letter,
        number=1,
        died_at=letter.last_died_at,
        captured_at=letter.captured_at,
        agent=letter.agent,
        instance=letter.instance,
        version=letter.version,
        counted_in=part.pk if part else None,
        **{name: getattr(letter, name) for name in names},
    )


def count(
    groups: Sequence[FailureGroup],
    parts: dict[tuple[UUID, str], GroupPart],
    rates: Counter[tuple[int, int, datetime, str]],
) -> None:
    """The groups' figures."""
    GroupPart.objects.bulk_update(parts.values(), ["deaths"], batch_size=500)
    for group in groups:
        group.deaths = sum(parts[group.pk, version].deaths for version in VERSIONS)
    FailureGroup.objects.bulk_update(groups, ["deaths"], batch_size=500)
    made = rate_rows(groups, rates)
    while some := list(islice(made, BATCH)):
        GroupRate.objects.bulk_create(some)


def rate_rows(
    groups: Sequence[FailureGroup], rates: Counter[tuple[int, int, datetime, str]]
) -> Iterator[GroupRate]:
    for (place, seconds, at, version), deaths in rates.items():
        yield GroupRate(group=groups[place], seconds=seconds, at=at, version=version, deaths=deaths)


def analysed() -> None:
    """As the database's own care would leave the tables."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
