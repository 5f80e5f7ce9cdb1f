"""From a sealed plan to an operation: checked, committed, and approved where a limit asks for it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from agents.operations.celery import execute_soon
from agents.operations.errors import (
    EmptyPlanError,
    PlanExpiredError,
    PlanNotSealedError,
    PlanUsedError,
    ReasonMissingError,
    WrongCountError,
)
from agents.operations.models import Operation, Plan, RedrivePolicy
from agents.operations.services import outcomes, steps, who
from agents.operations.services.hands import workers
from agents.operations.values import FLAGS, PERMISSIONS, Action, GuardKind, PlanState, State, Tally
from core import clock
from core.access.api import Permission, Place, Subject, require
from core.access.audit.api import Action as Audited
from core.access.models import Approval
from core.access.models.approvals import ApprovalState
from core.access.services import Actor, approvals
from core.transitions import StaleStateError

# Of those who start at the same moment one has the next number each time.
TRIES = 30
LONGEST_REASON = 2_000


def start(
    plan: Plan,
    reason: str,
    actor: Actor,
    *,
    leave_out: Collection[GuardKind] = (),
    count: int | None = None,
    policy: RedrivePolicy | None = None,
) -> Operation:
    """See `agents.operations.api.start`."""
    _check(plan, reason.strip(), actor.subject, count)
    mask = plan.how.mask | sum(FLAGS[kind] for kind in set(leave_out))
    for attempt in range(TRIES):
        try:
            return _start(plan, reason.strip()[:LONGEST_REASON], actor, mask, policy)
        except IntegrityError:
            # Another operation took the number in between.
            if attempt == TRIES - 1:
                raise
    raise AssertionError


def approve(operation: Operation, sha256: str, actor: Actor, reason: str = "") -> Operation:
    """See `agents.operations.api.approve`. The operation moves in the approval's own transaction."""
    approvals.approve(_approval(operation), sha256, actor, reason)
    operation.refresh_from_db()
    return operation


def reject(operation: Operation, actor: Actor, reason: str = "") -> Operation:
    approvals.reject(_approval(operation), actor, reason)
    operation.refresh_from_db()
    return operation


def withdraw(operation: Operation, actor: Actor) -> Operation:
    approvals.withdraw(_approval(operation), actor)
    operation.refresh_from_db()
    return operation


def approval_ended(approval: Approval, **_: Any) -> None:
    """Whatever became of it: what waited for it moves in the same commit."""
    if approval.kind not in [*Action]:
        return
    operation = Operation.objects.select_related("plan").filter(pk=approval.reference).first()
    if operation is None or operation.state != State.AWAITING_APPROVAL:
        return
    by = Actor(
        Subject(who.POSTROOM.subject.kind, approval.decided_by_id, approval.decided_by_name), "approval"
    )
    said = approval.decision_reason or approval.state
    if approval.state == ApprovalState.APPROVED:
        started = {"started_at": clock.now()}
        steps.step(
            operation,
            [State.AWAITING_APPROVAL],
            State.RUNNING,
            by,
            Audited.OPERATION_APPROVED,
            said=said,
            changes=started,
        )
        execute_soon(operation.pk, workers(operation))
    else:
        refuse(operation, by, said)


def refuse(operation: Operation, by: Actor, said: str) -> None:
    """It will not happen. Its members are untouched; the sweep says so of each."""
    changes = {"ended_at": clock.now()}
    before = [State.AWAITING_APPROVAL]
    steps.step(operation, before, State.REJECTED, by, Audited.OPERATION_REJECTED, said=said, changes=changes)


def needed(subject: Subject, plan: Plan) -> str:
    """The approval limit that it passes, in words; empty when the subject may go on alone."""
    action = PERMISSIONS[Action(plan.action)]
    for place in places(plan):
        if limit := approvals.needed(subject, action, place, plan.count):
            return f"more than {limit.above} in one {action} by {limit.role or 'any role'}, {limit.scope}"
    return ""


def places(plan: Plan) -> list[Place]:
    rows = plan.parts.order_by().values_list("environment", "queue", "agent").distinct()
    return [Place(*row) for row in rows]


def _check(plan: Plan, reason: str, subject: Subject, count: int | None) -> None:
    state = plan.state_now
    if state is PlanState.SEALING:
        raise PlanNotSealedError
    if state is PlanState.USED:
        raise PlanUsedError
    if state is PlanState.EXPIRED:
        raise PlanExpiredError(plan.expires_at)
    if not reason:
        raise ReasonMissingError
    if not plan.count:
        raise EmptyPlanError
    if count is not None and count != plan.count:
        raise WrongCountError(count, plan.count)
    for place in places(plan):
        require(subject, PERMISSIONS[Action(plan.action)], place)
        if plan.how.edit:
            require(subject, Permission.EDIT, place)


@transaction.atomic
def _start(plan: Plan, reason: str, actor: Actor, mask: int, policy: RedrivePolicy | None) -> Operation:
    try:
        steps.move_plan(plan, PlanState.SEALED, PlanState.USED, actor.subject.name)
    except StaleStateError:
        raise PlanUsedError from None
    outcomes.begin()
    limit, now = needed(actor.subject, plan), clock.now()
    state = State.AWAITING_APPROVAL if limit else State.RUNNING
    operation = Operation.objects.create(
        number=(Operation.objects.aggregate(last=Max("number"))["last"] or 0) + 1,
        plan=plan,
        action=plan.action,
        reason=reason,
        sha256=sha256_of(plan, mask),
        mask=mask,
        state=state,
        since=now,
        policy=policy,
        created_at=now,
        started_at=None if limit else now,
        base=asdict(Tally(plan.count, plan.count)),
        selected=plan.count,
        waiting=plan.count,
        **who.asked(actor.subject),
    )
    steps.begin(operation, actor)
    if limit:
        approvals.ask(_request(operation, limit), actor)
    else:
        execute_soon(operation.pk, workers(operation))
    steps.tell(operation, "", actor, Audited.OPERATION_STARTED, reason)
    return operation


def sha256_of(plan: Plan, mask: int) -> str:
    """The plan's own hash; with members left out beyond what its options say, one that says so too."""
    if mask == plan.how.mask:
        return plan.sha256
    return hashlib.sha256(f"{plan.sha256}\n{mask}".encode()).hexdigest()


def _request(operation: Operation, limit: str) -> approvals.Request:
    return approvals.Request(
        kind=operation.action,
        reference=str(operation.pk),
        sha256=operation.sha256,
        count=operation.selected,
        place=steps.place_of(operation.plan),
        reason=operation.reason,
        expires_at=operation.plan.expires_at,
    )


def _approval(operation: Operation) -> Approval:
    waiting = Approval.objects.filter(
        kind=operation.action, reference=str(operation.pk), state=ApprovalState.WAITING
    ).first()
    if waiting is None:
        raise StaleStateError(f"{operation} does not wait for anybody.")
    return waiting
