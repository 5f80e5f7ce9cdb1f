"""What others ask of custody: which letters, what one carries, how many wait."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Count, F, Q, QuerySet

from agents.deadletters import masking, seal, searching
from agents.deadletters.membership import in_group
from agents.deadletters.models import Death, FailureGroup, Letter, LetterChange, MaskRule, StoredContents
from agents.deadletters.seal import ContentKey
from agents.deadletters.values import Contents, MaskKind, State, Triage
from core import clock
from core.access.api import Permission, Place, Subject
from core.access.scoping import visible
from core.among import among

FIELDS = {"environment": "environment", "queue": "queue", "agent": "agent"}
NEWEST = ("-last_died_at", "-id")
# A UUID, or a trace's id.
ID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
MOST_OF_AN_ID = 1_000
# As the databases give bytes.
Stored = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters. Empty: any. `error` is a part of the error's type, `q` a search (searching.py) or a whole id."""

    state: str = ""
    queue: str = ""
    broker: str = ""
    agent: str = ""
    environment: str = ""
    error: str = ""
    group: str = ""
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None


def seen_by(subject: Subject, permission: Permission = Permission.SEE) -> QuerySet[Letter]:
    """The letters that the subject may see, or do this with."""
    return Letter.objects.filter(visible(subject, permission, **FIELDS))


def letters(wanted: Filter, subject: Subject | None = None) -> Q:
    """The filter as a condition. `q` looks into headers and bodies where the subject may read them. Raises
    QueryRefusedError."""
    same = ("state", "queue", "broker", "agent", "environment")
    condition = Q(**{name: value for name in same if (value := getattr(wanted, name))})
    if wanted.group:
        condition &= in_group(wanted.group)
    if wanted.error:
        condition &= Q(failure_type__icontains=wanted.error)
    if wanted.since:
        condition &= Q(last_died_at__gte=wanted.since)
    if wanted.until:
        condition &= Q(last_died_at__lt=wanted.until)
    return condition & _anywhere(wanted.q, subject) if wanted.q else condition


def of_id(text: str) -> Q:
    """A letter's own id, its message's or its trace's, whole."""
    condition = Q(message_id=text) | Q(trace_id=text)
    try:
        return condition | Q(pk=UUID(text))
    except ValueError:
        return condition


def _anywhere(text: str, subject: Subject | None) -> Q:
    """What looks like an id is one, where anything has it; else it is a search."""
    if ID.fullmatch(text):
        found = list(Letter.objects.filter(of_id(text)).values_list("pk", flat=True)[:MOST_OF_AN_ID])
        if found:
            return Q(pk__in=found)
    return searching.condition(text, subject)


def one(subject: Subject, id: UUID) -> Letter | None:
    return seen_by(subject).filter(pk=id).first()


def deaths_of(letter: Letter) -> list[Death]:
    """Every death, the last first."""
    return list(letter.died.order_by("-number"))


def known_deaths(ids: Iterable[UUID]) -> set[UUID]:
    """Those of these deaths that custody was told of."""
    return set(Death.objects.filter(among("pk", set(ids))).values_list("pk", flat=True))


def changes_of(letter: Letter) -> list[LetterChange]:
    """How its state changed, the last first."""
    return list(letter.changes.order_by("-pk"))


def contents_of(letter: Letter) -> Contents | None:
    """What its last death carried; None when it was erased. Raises SealError. Whether the asker may read payloads
    is for the caller to ask."""
    row = StoredContents.objects.filter(death__letter=letter).order_by("-death__number").first()
    return opened(row) if row else None


def last_stored(ids: Iterable[UUID]) -> dict[UUID, StoredContents]:
    """What the last death of each of these letters carried, still shut; those that were erased are not there."""
    last = StoredContents.objects.filter(
        among("death__letter", ids), death__number=F("death__letter__deaths")
    ).annotate(of_letter=F("death__letter"))
    return {row.of_letter: row for row in last}


def carried(ids: Iterable[UUID | str], death: int) -> dict[UUID, Contents]:
    """What the death of this number of each of these letters carried, without how it was attempted; those that were
    erased are not there. Raises SealError."""
    some = StoredContents.objects.filter(among("death__letter", ids), death__number=death)
    rows = some.values_list("death__letter", "head", "body", "key_id", "sealed_key")
    return {letter: _carried(head, body, _opened(id, key)) for letter, head, body, id, key in rows}


def opened(row: StoredContents) -> Contents:
    """Raises SealError."""
    key = _opened(row.key_id, row.sealed_key)
    attempts = msgspec.json.decode(seal.unshut(bytes(row.attempts), key))
    return replace(_carried(row.head, row.body, key), attempts=tuple(attempts))


def _carried(head: Stored, body: Stored, key: bytes) -> Contents:
    """The message alone."""
    found = msgspec.json.decode(seal.unshut(bytes(head), key))
    return Contents(seal.unshut(bytes(body), key), found["headers"], found["properties"])


def _opened(id: str, sealed: Stored) -> bytes:
    return seal.opened(ContentKey(id, bytes(sealed))) if id else b""


def masked(contents: Contents) -> Contents | None:
    """As those see it who may not read payloads; None where the body is no text."""
    return masking.masked(contents, mask())


def masked_attempts(contents: Contents) -> tuple[Mapping[str, Any], ...]:
    """Also where the body is no text."""
    hidden = mask()
    return tuple(masking.attempt(each, hidden) for each in contents.attempts)


def mask() -> masking.Mask:
    """Built-in looks and names, and the rules that are enabled."""
    rows = MaskRule.objects.filter(enabled=True).order_by("pk").values_list("kind", "what")
    return masking.made(tuple(masking.Rule(MaskKind(kind), what) for kind, what in rows))


def held_by_place() -> Iterable[tuple[Place, int]]:
    """How many letters wait for somebody, place by place."""
    rows = Letter.objects.filter(state=State.HELD).order_by()
    counted = rows.values_list("environment", "queue", "agent").annotate(number=Count("pk"))
    return [(Place(environment, queue, agent), number) for environment, queue, agent, number in counted]


def died_by_place(since: datetime) -> Iterable[tuple[Place, int]]:
    """How many letters died since then, place by place, whoever may see them: for Postroom's own conclusions."""
    rows = Letter.objects.filter(last_died_at__gte=since).order_by()
    counted = rows.values_list("environment", "queue", "agent").annotate(number=Count("pk"))
    return [(Place(environment, queue, agent), number) for environment, queue, agent, number in counted]


def groups_first_seen(since: datetime) -> QuerySet[FailureGroup]:
    """Failure groups that nobody knew before then, without those that somebody muted; whoever may see them."""
    return _heard_of().filter(first_died_at__gte=since)


def groups_come_back(since: datetime) -> QuerySet[FailureGroup]:
    """Those of which a letter died the same way since then, after a redrive; whoever may see them."""
    return _heard_of().filter(came_back_at__gte=since)


def _heard_of() -> QuerySet[FailureGroup]:
    muted = Q(state=Triage.MUTED) & (Q(muted_until=None) | Q(muted_until__gt=clock.now()))
    return FailureGroup.objects.filter(merged_into=None).exclude(muted)


def by_state() -> Iterable[tuple[str, str, int]]:
    """How many letters there are, by state and environment, whoever may see them."""
    rows = Letter.objects.order_by().values_list("state", "environment")
    return list(rows.annotate(number=Count("pk")))
