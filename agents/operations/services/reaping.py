"""Finds claims whose worker fell silent, operations that nobody works on, and plans that nobody seals: they go on."""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from django.db.models import Q

from agents.deadletters.models import Letter
from agents.operations.celery import busy, execute_soon, seal_soon
from agents.operations.ladder import room
from agents.operations.models import Claim, Item, Operation, Plan
from agents.operations.services import claiming, controlling, judging, recording, sealing, steps
from agents.operations.services.claiming import LEASE, Portion, Taken
from agents.operations.services.hands import standing_of, workers
from agents.operations.services.publishers import NoSuchBrokerError, Publishers
from agents.operations.services.recording import Fate
from agents.operations.values import ItemState, PlanState, State
from core import clock, crash
from core.among import among
from core.brokers.api import BrokerError, Sent
from core.crash import Point
from core.transitions import StaleStateError

log = structlog.get_logger(__name__)
AT_ONCE = 100
# After this long without a sign of work a worker is told again.
IDLE = timedelta(seconds=2)
# A broker that cannot be asked is asked again after this.
AGAIN = timedelta(seconds=2)


def reap() -> int:
    """Take over what dead workers held; returns how many items found their way. Safe to repeat, and by several."""
    overdue = Claim.objects.filter(until__lt=clock.now()).select_related("operation__plan").order_by("until")
    return sum(_take_over(claim) for claim in overdue[:AT_ONCE])


def nudge() -> int:
    """Tell workers of operations that could go on and that nobody works on: a trigger was lost, a queue has room again,
    a moment came. Returns how many."""
    told = 0 if busy() else _told()
    controlling.sweep()
    return told


def _told() -> int:
    idle = Q(active_at=None) | Q(active_at__lt=clock.now() - IDLE)
    told = 0
    for operation in Operation.objects.filter(idle, state=State.RUNNING).select_related("plan")[:AT_ONCE]:
        if _may_go_on(operation):
            execute_soon(operation.pk, workers(operation))
            told += 1
    # What a worker was about to move when it was cancelled is looked after.
    for operation in Operation.objects.filter(idle, state=State.CANCELLING, waiting__gt=0)[:AT_ONCE]:
        execute_soon(operation.pk)
        told += 1
    return told


def seal_forgotten() -> None:
    for plan in sealing.due():
        seal_soon(plan.pk)


def expire_plans() -> int:
    """Plans that nobody used in time. Derived from the clock already; this is for the record."""
    due = Plan.objects.filter(state=PlanState.SEALED, expires_at__lt=clock.now())[:AT_ONCE]
    return sum(_expire(plan) for plan in due)


def _expire(plan: Plan) -> bool:
    try:
        steps.move_plan(plan, PlanState.SEALED, PlanState.EXPIRED, "postroom")
    except StaleStateError:
        return False
    return True


def _may_go_on(operation: Operation) -> bool:
    if not operation.sends:
        return operation.waiting > 0
    seen = judging.judge(operation)
    return seen is not None and room(standing_of(operation), seen) > 0


def _take_over(claim: Claim) -> int:
    """With a token of one's own: whoever held it can note nothing any more."""
    token, began = secrets.token_hex(16), clock.monotonic()
    mine = Claim.objects.filter(pk=claim.pk, token=claim.token, until=claim.until)
    if not mine.update(token=token, until=clock.now() + LEASE, worker=claiming.name()):
        return 0
    claim.token = token
    items = list(Item.objects.filter(plan=claim.operation.plan_id, state=ItemState.CLAIMED, claim=claim.pk))
    since = min((item.since for item in items if item.since), default=clock.now())
    portion = Portion(claim.operation, claim, _taken(items), since, began + LEASE.total_seconds())
    log.warning("a worker's items are taken over", operation=claim.operation.number, items=len(portion.taken))
    try:
        with Publishers() as publishers:
            fates = _fates(portion, publishers)
            crash.here(Point.RECORD)
            recording.record(portion, fates)
    except (BrokerError, NoSuchBrokerError) as problem:
        # They stay as they are until the broker can be asked.
        log.warning("a broker cannot say what it has", operation=claim.operation.number, problem=str(problem))
        portion.mine.update(until=clock.now() + AGAIN)
        return 0
    except StaleStateError:
        return 0
    judging.follow_up(claim.operation)
    return len(portion.taken)


def _taken(items: list[Item]) -> list[Taken]:
    ids = [item.letter for item in items if item.letter]
    letters = claiming.outgoing(Letter.objects.filter(among("pk", ids)))
    return [
        Taken(item.pk, letters[item.letter], item.number, str(item.letter))
        for item in items
        if item.letter in letters
    ]


def _fates(portion: Portion, publishers: Publishers) -> dict[int, Fate]:
    """What the brokers know. Without an attempt nothing was sent."""
    if not portion.claim.attempted:
        return {}
    fates: dict[int, Fate] = {}
    for broker in {each.letter.broker for each in portion.taken}:
        publisher, some = (
            publishers.of(broker),
            [each for each in portion.taken if each.letter.broker == broker],
        )
        seen = {each.item: publisher.seen(str(each.letter.pk), each.number) for each in some}
        # What a broker does not know after it lost data may have been sent, and consumed, before.
        kept = publisher.kept(portion.claim.lives.get(broker, ""))
        fates |= {item: _fate(found, kept=kept) for item, found in seen.items()}
    return fates


def _fate(seen: bool | None, *, kept: bool) -> Fate:
    if seen:
        return Sent.ALREADY
    return None if seen is False and kept else Sent.UNKNOWN
