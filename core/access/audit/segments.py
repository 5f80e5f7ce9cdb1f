"""Months of the trail: sealed when they are over, dropped whole when retention says so."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from core import clock
from core.access.api import Kind, Subject
from core.access.audit import chain, writer
from core.access.audit.api import Action, Target, record
from core.access.audit.models import Drop, Entry, Seal, Verification
from core.databases import DEFAULT

# A month has as many entries as it has; a transaction removes this many and lets other writers in between.
PIECE = 2000
VERIFICATIONS_KEPT = timedelta(days=30)

RETENTION = Subject(Kind.SYSTEM, "retention", "retention", via="system")


def sweep() -> int:
    """What retention does daily: seal the month that is over, drop those that have expired."""
    seal_if_over()
    Verification.objects.using(DEFAULT).filter(at__lt=clock.now() - VERIFICATIONS_KEPT).delete()
    return drop_expired()


def seal_if_over() -> None:
    """Seal the last month also when nobody has written since."""
    with transaction.atomic(using=DEFAULT):
        head = writer.roll_over(writer.lock_head(), clock.now())
        if head.sequence:
            writer.move_head(hash=head.hash, segment=head.segment)


def drop_expired() -> int:
    """Drop every sealed month that ended longer ago than the trail is kept; returns how many entries went.

    First the leave (with its entry in the trail), then the rows, in pieces: killed in between, the next run goes on.
    """
    limit = chain.segment_of(clock.now() - settings.POSTROOM.retention_audit)
    for seal in Seal.objects.using(DEFAULT).filter(segment__lt=limit, drop=None).order_by("segment"):
        _give_leave(seal, clock.now())
    left = Drop.objects.using(DEFAULT).select_related("seal").order_by("pk")
    return sum(_remove(drop.seal) for drop in left)


def _give_leave(seal: Seal, now: datetime) -> None:
    values = {"segment": seal.segment, "seal_hash": seal.hash, "at": now}
    with transaction.atomic(using=DEFAULT):
        Drop.objects.using(DEFAULT).create(seal=seal, at=now, hash=chain.of_drop(settings.AUDIT_KEY, values))
        record(
            Action.AUDIT_SEGMENT_DROPPED,
            by=RETENTION,
            on=Target("audit segment", seal.segment),
            source="retention",
            why=f"older than {settings.POSTROOM.retention_audit.days} days",
            before={"first": seal.first_sequence, "last": seal.last_sequence, "entries": seal.count},
        )


def _remove(seal: Seal) -> int:
    if (
        not Entry.objects.using(DEFAULT)
        .filter(sequence__range=(seal.first_sequence, seal.last_sequence))
        .exists()
    ):
        return 0
    gone = 0
    for first in range(seal.first_sequence, seal.last_sequence + 1, PIECE):
        last = min(first + PIECE - 1, seal.last_sequence)
        gone += Entry.objects.using(DEFAULT).filter(sequence__range=(first, last)).delete()[0]
    return gone
