"""The stages of a Celery task: authorise → deadline → idempotency → trace → classify → settle.

`trace` is Celery's own tracer, which runs the task by all of Celery's rules; what it gives back says what became of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from time import time
from typing import Any, Final

from celery.exceptions import Ignore, Reject, Retry

from postroom import errors, events
from postroom.delivery.api import ClaimLostError, DeliveryError, Settlement
from postroom.errors import Failure, failure_of
from postroom.instrumented.office import Office
from postroom.instrumented.reading import error_in, raw_of_request, seconds_until, traceback_in
from postroom.runtime import outcomes, stages
from postroom.runtime.api import Outcome
from postroom.runtime.hooks import tell_all
from postroom.runtime.house import House
from postroom.runtime.opening import incoming
from postroom.runtime.stages import Handling, Stages
from postroom.spool import EVENT, LETTER, SpoolFullError

logger = logging.getLogger(__name__)

# What Celery's pool expects: did it fail, what came of it, how long did it take.
Traced = tuple[int, Any, float]
SKIPPED: Final[Traced] = (0, "None", 0.0)

_office: list[Office] = []


def employ(office: Office) -> None:
    """In the worker's main process; a pool's process inherits it."""
    _office[:] = [office]


def handle(trace: Callable[..., Traced], late: bool, *given: Any) -> Traced:
    """In the pool, instead of Celery's tracer and around it. `given` is what Celery gives to its tracer."""
    _, _, request, body, content_type, content_encoding = given[:6]
    office = _office[0]
    house = office.house
    raw = raw_of_request(request, body, content_type, content_encoding)
    begun = replace(stages.begin(house, incoming(raw)), acknowledge=late and office.lossless, resend=False)
    before: Stages = (*BEFORE, ("trace", lambda house, handling: _trace(house, handling, trace, given)))
    handling = finish(office, begun, before)
    return handling.result if isinstance(handling.result, tuple) else SKIPPED


def finish(office: Office, handling: Handling, before: Stages = ()) -> Handling:
    """Through the stages; what the broker does not take is kept where nothing else holds the message."""
    composed = stages.run(office.house, handling, before, ENDING)
    try:
        stages.settle(office.house, composed)
    except ClaimLostError as problem:
        logger.warning("%s", problem)
    except DeliveryError as problem:
        logger.error("%s is not settled: %s", composed.incoming.message_id, problem)
        _keep(office, composed.settlement)
    _tell_hooks(office.house, composed)
    return composed


def _trace(house: House, handling: Handling, trace: Callable[..., Traced], given: Any) -> Handling:
    begun: list[object] = []
    with stages.at_its_desk(house, handling, begun):
        result = trace(*given)
    return replace(handling, begun=tuple(begun), result=result)


def classify(house: House, handling: Handling) -> Handling:
    """What Celery's tracer gave back, as an outcome."""
    if handling.outcome is not None:
        return handling
    if handling.error is not None:
        return replace(handling, outcome=_refused(house, handling, handling.error))
    failed, found, _ = handling.result
    outcome = outcome_of(house, handling, found) if failed else _succeeded(handling)
    return replace(handling, outcome=outcome)


def outcome_of(house: House, handling: Handling, found: Any) -> Outcome:
    """Not all that Celery calls failed is a failure."""
    error, took = error_in(found), handling.duration_ms
    if isinstance(error, Ignore):
        return _succeeded(handling)
    if isinstance(error, Retry):
        cause = error.exc if isinstance(error.exc, BaseException) else error
        failure = replace(_failure(house, cause, found), reason=errors.EXCEPTION)
        return Outcome(events.RETRYING, failure, error, took, after=seconds_until(error.when, time()))
    if isinstance(error, Reject):
        rejected: Any = error
        failure = Failure(
            errors.PERMANENT, errors.REJECTED, "Reject", str(rejected.reason or "The task rejected it.")
        )
        return Outcome(events.RETRYING if rejected.requeue else events.DEAD, failure, error, took)
    failure = _failure(house, error, found)
    if failure.class_ == errors.UNKNOWN:
        house.alert(handling.incoming, failure, error)
    return outcomes.given_up(failure, took, error)


def _succeeded(handling: Handling) -> Outcome:
    return Outcome(events.SUCCEEDED, duration_ms=handling.duration_ms)


def _failure(house: House, error: BaseException, found: Any) -> Failure:
    failure = failure_of(error, house.classify(error))
    return replace(failure, traceback=traceback_in(found)[-errors.MOST_TRACEBACK :] or failure.traceback)


def _refused(house: House, handling: Handling, error: BaseException) -> Outcome:
    """It did not come to the task."""
    if isinstance(error, errors.NotNowError) and _office[0].waits:
        return Outcome(events.WAITING, error=error, after=error.retry_after or stages.ASKED_AGAIN_AFTER)
    failure = failure_of(error, house.classify(error), outcomes.reason_of(error))
    return outcomes.given_up(failure, handling.duration_ms, error)


def _keep(office: Office, made: Settlement | None) -> None:
    """On disk, until the broker is back. Where the broker still holds the message it is delivered again as well."""
    if made is None:
        return
    try:
        for event in made.events:
            office.postman.keep(EVENT, event)
        if made.letter is not None:
            office.postman.keep(LETTER, made.letter)
    except (SpoolFullError, OSError):
        lost = (made.letter or b"")[:20_000].decode(errors="replace")
        logger.critical("a letter is lost but for this line: %s", lost, exc_info=True)


def _tell_hooks(house: House, handling: Handling) -> None:
    begun = dict(zip(house.beginning, handling.begun, strict=False))
    for hook in reversed(house.ending):
        tell_all((hook,), "after_handle", handling.incoming, handling.outcome, begun.get(hook))


BEFORE: Final[Stages] = (
    ("authorise", stages.authorise),
    ("deadline", stages.deadline),
    ("idempotency", stages.idempotency),
)
ENDING: Final[Stages] = (("classify", classify), ("compose", stages.compose))
