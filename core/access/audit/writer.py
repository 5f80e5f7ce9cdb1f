"""Adds to the chain: lock the head, link, insert, move the head. Everything else waits until the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from core import clock, ids
from core.access.api import Subject
from core.access.audit import chain, checkpoints
from core.access.audit.actions import Action
from core.access.audit.api import Target
from core.access.audit.models import Entry, Head, Seal
from core.databases import DEFAULT

HEAD = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no place in the chain yet."""

    action: Action
    by: Subject
    on: Target
    source: str = ""
    why: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def append(draft: Draft) -> Entry:
    # No savepoint: the entry and its change stand or fall together, and the head is locked for two trips less.
    with transaction.atomic(using=DEFAULT, savepoint=False):
        now = clock.now()
        head = roll_over(lock_head(), now)
        if not head.sequence:
            checkpoints.begin()
        entry = _link(draft, head, now)
        entry.save(force_insert=True, using=DEFAULT)
        move_head(sequence=entry.sequence, hash=entry.hash, segment=entry.segment)
        # A partial has no name, which Django asks for when it logs what failed there.
        transaction.on_commit(
            lambda: checkpoints.note(entry.sequence, entry.hash), using=DEFAULT, robust=True
        )
    return entry


def lock_head() -> Head:
    """The head, and nobody else's until the commit. SQLite's IMMEDIATE transaction is the lock there."""
    heads = Head.objects.using(DEFAULT).select_for_update()
    head = heads.filter(pk=HEAD).first()
    if head is None:
        # Two first writers may both come here; one row wins and both lock it.
        Head.objects.using(DEFAULT).bulk_create([_first_head()], ignore_conflicts=True)
        head = heads.get(pk=HEAD)
    return head


def move_head(**to: Any) -> None:
    Head.objects.using(DEFAULT).filter(pk=HEAD).update(**to)


def roll_over(head: Head, now: datetime) -> Head:
    """Seal the month that is over. A clock that goes back does not open an older month again."""
    month = chain.segment_of(now)
    if head.segment >= month:
        return head
    if head.segment and (seal := _seal(head, now)):
        seal.save(force_insert=True, using=DEFAULT)
        head.hash = seal.hash
    head.segment = month
    return head


def _first_head() -> Head:
    """After the last entry that is there: a lost head row must not stop everybody from working."""
    last = Entry.objects.using(DEFAULT).order_by("-sequence").first()
    if last is None:
        return Head(pk=HEAD, sequence=0, hash=chain.GENESIS, segment="")
    return Head(pk=HEAD, sequence=last.sequence, hash=last.hash, segment=last.segment)


def _link(draft: Draft, head: Head, now: datetime) -> Entry:
    text, place = chain.stored_text, draft.on.place
    entry = Entry(
        sequence=head.sequence + 1,
        id=ids.new(),
        segment=head.segment,
        at=now,
        action=str(draft.action),
        by_kind=str(draft.by.kind),
        by_id=text(draft.by.id),
        by_name=chain.stored_name(draft.by.name),
        by_via=text(draft.by.via),
        on_kind=text(draft.on.kind),
        on_id=chain.stored_name(draft.on.id),
        on_name=text(draft.on.name),
        environment=_maybe(place.environment),
        queue=_maybe(place.queue),
        agent=_maybe(place.agent),
        source=text(draft.source),
        why=text(draft.why),
        before=chain.stored_json(draft.before),
        after=chain.stored_json(draft.after),
        previous=head.hash,
    )
    entry.hash = chain.of_entry(settings.AUDIT_KEY, vars(entry))
    return entry


def _maybe(value: str | None) -> str | None:
    return None if value is None else chain.stored_text(value)


def _seal(head: Head, now: datetime) -> Seal | None:
    """The month's own record; None when the month has no entry."""
    before = Seal.objects.using(DEFAULT).order_by("-segment").first()
    first = (before.last_sequence if before else 0) + 1
    opening = Entry.objects.using(DEFAULT).filter(sequence=first).first()
    closing = Entry.objects.using(DEFAULT).filter(sequence=head.sequence).first()
    if opening is None or closing is None:
        return None
    seal = Seal(
        segment=head.segment,
        first_sequence=first,
        last_sequence=head.sequence,
        count=head.sequence - first + 1,
        first_hash=opening.hash,
        last_hash=closing.hash,
        previous=before.hash if before else chain.GENESIS,
        at=now,
    )
    seal.hash = chain.of_seal(settings.AUDIT_KEY, vars(seal))
    return seal
