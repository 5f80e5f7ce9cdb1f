"""From how an attempt ended to what becomes of the message. Pure."""

from __future__ import annotations

from time import time

from postroom import events
from postroom.backoff import Backoff
from postroom.errors import (
    DEADLINE,
    EXCEPTION,
    EXPIRED,
    PERMANENT,
    REJECTED,
    TRANSIENT,
    UNAUTHORISED,
    DeadlinePassedError,
    Failure,
    UnauthorisedError,
    failure_of,
)
from postroom.runtime.api import Incoming, Outcome
from postroom.runtime.decisions import GIVE_UP, RETRY, Decision

# Events of what is given up, by the failure's reason; all others are dead.
_KINDS = {UNAUTHORISED: events.REFUSED, EXPIRED: events.EXPIRED}


def of_failure(
    incoming: Incoming,
    failure: Failure,
    backoff: Backoff,
    duration_ms: float,
    error: BaseException | None = None,
    *,
    after: float | None = None,
) -> Outcome:
    """Permanent leaves at once; the rest comes back until the attempts or the time are used up."""
    if failure.class_ == PERMANENT or not backoff.allows_another(incoming.attempt):
        return given_up(failure, duration_ms, error)
    waits = backoff.after(incoming.attempt, failure.retry_after) if after is None else after
    if incoming.deadline is not None and time() + waits >= incoming.deadline:
        return given_up(too_late(failure), duration_ms, error)
    return Outcome(events.RETRYING, failure, error, duration_ms, after=waits)


def given_up(failure: Failure, duration_ms: float, error: BaseException | None = None) -> Outcome:
    return Outcome(_KINDS.get(failure.reason, events.DEAD), failure, error, duration_ms)


def too_late(failure: Failure) -> Failure:
    """It may be tried again, but not before its deadline."""
    return Failure(
        failure.class_,
        DEADLINE,
        failure.type,
        f"{failure.message} (and the deadline passes before another attempt)",
        failure.traceback,
    )


def of_decision(
    incoming: Incoming, decision: Decision, class_: str, backoff: Backoff, duration_ms: float, result: object
) -> Outcome:
    """What the handler decided. `class_` is that of the exception it decided about, if there was one."""
    if decision.kind == RETRY:
        failure = decided(decision, TRANSIENT)
        return of_failure(incoming, failure, backoff, duration_ms, decision.error, after=decision.after)
    if decision.kind == GIVE_UP:
        return given_up(decided(decision, class_), duration_ms, decision.error)
    return Outcome(events.SUCCEEDED, None, None, duration_ms, result=result)


def decided(decision: Decision, class_: str) -> Failure:
    """A decision as a failure: of the exception that it was decided about, in the handler's words."""
    words = decision.reason or f"The handler decided to {decision.kind}."
    if decision.error is None:
        return Failure(class_, REJECTED, "Rejected", words)
    found = failure_of(decision.error, class_, REJECTED)
    return Failure(
        class_,
        REJECTED,
        found.type,
        decision.reason or found.message or words,
        found.traceback,
        found.retry_after,
    )


def reason_of(error: BaseException) -> str:
    """The contract's reason for what the loop itself refuses."""
    if isinstance(error, UnauthorisedError):
        return UNAUTHORISED
    if isinstance(error, DeadlinePassedError):
        return DEADLINE
    return EXCEPTION
