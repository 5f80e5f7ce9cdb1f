"""Notices are handed over: one at a time for each channel, the oldest first, until the other side takes it.

Intent before, outcome after: the claim with its lease and the attempt are committed before anything is sent. A worker
that dies in between leaves a lease that runs out; then nobody knows whether the other side has it, and it is handed
over again with the same id. Nothing is sent within a transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.db import transaction
from django.db.models import Q

from agents.alerts.api import Envelope, Messenger
from agents.alerts.models import Attempt, Channel, Notice
from agents.alerts.services import channels
from agents.alerts.values import Handed, NoticeKind, NoticeState
from core import clock, hints
from core.sealing import UnsealError
from core.transitions import StaleStateError, advance

log = structlog.get_logger(__name__)

TOPIC = "notices"
# Longer than any messenger takes.
LEASE = timedelta(minutes=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=1)
GIVE_UP = timedelta(days=1)
AT_ONCE = 50
UNSETTLED = (NoticeState.WAITING, NoticeState.CLAIMED)
NOBODY_KNOWS = "The worker died while it handed it over; nobody knows whether it was taken."

Opened = Callable[[Channel], Messenger]


@dataclass(frozen=True, slots=True)
class Claim:
    """A notice in hand."""

    notice: Notice
    lease: UUID
    attempt: Attempt


def due(now: datetime | None = None) -> list[UUID]:
    """The channels for which something may be handed over now."""
    moment = now or clock.now()
    ready = Q(state=NoticeState.WAITING, due_at__lte=moment) | Q(
        state=NoticeState.CLAIMED, leased_until__lt=moment
    )
    return list(
        Notice.objects.filter(ready, channel__enabled=True).values_list("channel", flat=True).distinct()
    )


def deliver(channel: UUID, opened: Opened = channels.messenger) -> int:
    """Hand over what is due; returns how many were taken. Ends at the first that is not: the next would fare alike."""
    taken = 0
    while taken < AT_ONCE and (claim := _claim(channel)):
        handed = _hand_over(claim, opened)
        _settle(claim, handed)
        hints.hint(TOPIC)
        if not handed.ok:
            break
        taken += 1
    return taken


def pause(tries: int, wish: timedelta | None = None) -> timedelta:
    """How long to wait after so many tries: doubled each time up to the longest, or what the other side wishes."""
    return wish or min(FIRST_PAUSE * 2 ** min(tries - 1, 10), LONGEST_PAUSE)


def _claim(channel: UUID) -> Claim | None:
    now = clock.now()
    notice = _head(channel, now)
    if notice is None:
        return None
    lease = uuid4()
    attempt = Attempt(
        notice=notice,
        number=notice.tries + 1,
        began_at=now,
        before=NoticeState.WAITING,
        after=NoticeState.CLAIMED,
    )
    try:
        advance(
            Notice.objects.filter(tries=notice.tries),
            pk=notice.pk,
            from_states=(NoticeState.WAITING,),
            to=NoticeState.CLAIMED,
            history=attempt.save,
            changes={"lease": lease, "leased_until": now + LEASE, "tries": attempt.number},
        )
    except StaleStateError:
        return None
    notice.refresh_from_db()
    return Claim(notice, lease, attempt)


def _head(channel: UUID, now: datetime) -> Notice | None:
    """What comes next: a test before all others, else the oldest, which the younger ones wait for."""
    waiting = Notice.objects.filter(channel=channel, channel__enabled=True, state__in=UNSETTLED)
    for claimed in waiting.filter(state=NoticeState.CLAIMED):
        if claimed.leased_until and claimed.leased_until >= now:
            return None
        _let_go(claimed, now)
    rows = waiting.filter(state=NoticeState.WAITING).select_related("channel")
    test = rows.filter(kind=NoticeKind.TEST, due_at__lte=now).order_by("made_at", "pk").first()
    head = test or rows.order_by("made_at", "pk").first()
    return head if head and head.due_at <= now else None


@transaction.atomic
def _let_go(notice: Notice, now: datetime) -> None:
    """The lease of whoever had it ran out."""

    def history() -> None:
        open_ = Attempt.objects.filter(notice=notice, ended_at=None)
        open_.update(ended_at=now, says=NOBODY_KNOWS, after=NoticeState.WAITING)

    try:
        advance(
            Notice.objects.filter(lease=notice.lease),
            pk=notice.pk,
            from_states=(NoticeState.CLAIMED,),
            to=NoticeState.WAITING,
            history=history,
            changes={"lease": None, "leased_until": None, "due_at": now},
        )
    except StaleStateError:
        log.info("a notice was let go of by another worker", notice=str(notice.pk))


def _hand_over(claim: Claim, opened: Opened) -> Handed:
    notice = claim.notice
    over = notice.kind == NoticeKind.CLEARED
    envelope = Envelope(
        str(notice.pk), notice.title, notice.text, bytes(notice.body), notice.severity, over=over
    )
    try:
        return opened(notice.channel).hand_over(envelope)
    except UnsealError as problem:
        return Handed(False, str(problem))
    except Exception as problem:
        log.exception("a channel crashed", channel=notice.channel.name, problem=str(problem))
        return Handed(
            False, f"Postroom made a mistake ({type(problem).__name__}); the worker's log says more."
        )


def _settle(claim: Claim, handed: Handed) -> None:
    """Write what became of it, unless the lease is another's by now."""
    now, notice = clock.now(), claim.notice
    after = _after(notice, handed, now)
    changes = {"lease": None, "leased_until": None, "due_at": now + pause(notice.tries, handed.again_in)}
    if after is not NoticeState.WAITING:
        changes["settled_at"] = now

    def history() -> None:
        row = Attempt.objects.filter(pk=claim.attempt.pk)
        row.update(ended_at=now, ok=handed.ok, says=handed.says[:2_000], after=after)

    try:
        advance(
            Notice.objects.filter(lease=claim.lease),
            pk=notice.pk,
            from_states=(NoticeState.CLAIMED,),
            to=after,
            history=history,
            changes=changes,
        )
    except StaleStateError:
        log.warning("a notice took longer than its lease", notice=str(notice.pk), says=handed.says)


def _after(notice: Notice, handed: Handed, now: datetime) -> NoticeState:
    if handed.ok:
        return NoticeState.SENT
    # Somebody looks at a test while it runs: it is not tried again behind their back.
    over = notice.kind == NoticeKind.TEST or now - notice.made_at >= GIVE_UP
    return NoticeState.FAILED if over else NoticeState.WAITING
