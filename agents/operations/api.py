"""The front door of operations: plan, start, and everything that people and programs do to what is under way.

Durability: what a function here returned for is committed, together with its history and its entry in the trail; Celery
is only told to hurry, and what it was not told is found by the reaper. Idempotence: a state changes once. Whoever asks
for a step that was taken already, or that somebody else ruled out, gets StaleStateError and reads again; a plan starts
one operation and no more. Ownership: rows that come back are the caller's to read; only this room writes them. Rights
are asked here, by place: PermissionRefusedError says which is missing. Empty case: a plan may have no members, and
then nothing starts from it (EmptyPlanError).

`changed` is sent with `operation`, `before` and `after` (values of State; `before` is empty at the start), inside the
transaction that changes the state, so that what a receiver writes is committed with it. A receiver that raises stops
the change: it must not. Live pages follow the hints `operations` and `operation:<id>`, which also come when only
figures changed.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from agents.operations.errors import (
    EmptyPlanError,
    OperationError,
    PlanExpiredError,
    PlanNotSealedError,
    PlanUsedError,
    ReasonMissingError,
    SelectionRefusedError,
    WrongCountError,
)
from agents.operations.models import Operation, Plan
from agents.operations.options import Expiry, HaltWhen, OptionRefusedError, Options, parse
from agents.operations.services import controlling, handling, planning, starting
from agents.operations.signals import changed
from agents.operations.values import (
    Action,
    Grade,
    Guard,
    GuardKind,
    ItemState,
    PlanState,
    Reach,
    Selection,
    Standing,
    State,
    Tally,
    Verdict,
)
from core.access.services import Actor
from core.transitions import StaleStateError

__all__ = [
    "Action",
    "EmptyPlanError",
    "Expiry",
    "Grade",
    "Guard",
    "GuardKind",
    "HaltWhen",
    "ItemState",
    "Operation",
    "OperationError",
    "OptionRefusedError",
    "Options",
    "Plan",
    "PlanExpiredError",
    "PlanNotSealedError",
    "PlanState",
    "PlanUsedError",
    "Reach",
    "ReasonMissingError",
    "Selection",
    "SelectionRefusedError",
    "StaleStateError",
    "Standing",
    "State",
    "Tally",
    "Verdict",
    "WrongCountError",
    "approve",
    "cancel",
    "changed",
    "parse",
    "pause",
    "plan",
    "reject",
    "resume",
    "settle",
    "start",
]


def plan(action: Action, selection: Selection, options: Options, actor: Actor) -> Plan:
    """Freeze which ones, and then what.

    Members are the letters that match now, are in the state that the action takes them from, and where the subject may
    do it; letters named by id that are not so are left away. A small plan comes back `sealed`; a large one `sealing`,
    and is sealed by a worker. Asking twice makes two plans: nothing happens to a letter before `start`.
    Raises SelectionRefusedError, OptionRefusedError, PermissionRefusedError.
    """
    return planning.plan(action, selection, options, actor)


def start(
    plan: Plan,
    reason: str,
    actor: Actor,
    *,
    leave_out: Collection[GuardKind] = (),
    count: int | None = None,
) -> Operation:
    """Carry the plan out: the operation is `running`, or `awaiting_approval` above an approval limit.

    `leave_out`: beyond what the plan's options leave out. `count`: what a person typed to confirm; another number than
    the plan's is refused. Raises ReasonMissingError, PlanNotSealedError, PlanUsedError, PlanExpiredError,
    EmptyPlanError, WrongCountError, PermissionRefusedError.
    """
    return starting.start(plan, reason, actor, leave_out=leave_out, count=count)


def approve(operation: Operation, sha256: str, actor: Actor, reason: str = "") -> Operation:
    """Be the second person: it runs. `sha256` is the hash that the approver was shown. Raises what
    core.access.services.approvals.approve raises."""
    return starting.approve(operation, sha256, actor, reason)


def reject(operation: Operation, actor: Actor, reason: str = "") -> Operation:
    """The second person says no: nothing happens, and its members are untouched."""
    return starting.reject(operation, actor, reason)


def pause(operation: Operation, actor: Actor) -> Operation:
    """Nothing more is sent until it is resumed. What was sent stays sent, and its outcome is still noted."""
    return controlling.pause(operation, actor)


def resume(operation: Operation, actor: Actor) -> Operation:
    """Go on, from `paused` or `halted`. After a halt the ladder begins anew, and conditions look at what comes now."""
    return controlling.resume(operation, actor)


def cancel(operation: Operation, actor: Actor) -> Operation:
    """What waits stays untouched. `cancelling` until what was sent has its outcome, or none within its time. While it
    awaits approval, whoever asked for it takes it back."""
    return controlling.cancel(operation, actor)


def settle(
    operation: Operation, verdict: Verdict, actor: Actor, letters: Collection[UUID] | None = None
) -> int:
    """Say what became of messages whose outcome is unknown: of these letters, or of all. Letters whose message failed
    are held again. Returns how many; those that are not unknown (any more) are passed over."""
    return handling.settle(operation, verdict, actor, letters)
