"""The stages that a message goes through, in their order, over one frozen value.

A stage takes the handling and gives the next one. Once there is an error or an outcome, the stages up to `classify`
are passed over; `classify` turns error, decision or result into an outcome, `compose` says what the broker is asked to
do for it, and `settle` has it done.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter, time
from typing import Any, Final

from postroom import errors, events, headers, moments
from postroom.delivery.api import Settlement
from postroom.delivery.received import deliveries_before
from postroom.errors import DeadlinePassedError, Failure, NotNowError
from postroom.idempotency.api import Handled, InProgress, StoreUnavailableError
from postroom.message import Message
from postroom.runtime import decisions, outcomes, settling, tracing
from postroom.runtime.api import Incoming, Outcome
from postroom.runtime.body import open_body
from postroom.runtime.decisions import Desk
from postroom.runtime.house import House

logger = logging.getLogger(__name__)

# When a message comes back that nobody could decide about, in seconds.
ASKED_AGAIN_AFTER: Final = 5.0
# The same where its record could not be looked up, and when another worker has it.
STORE_AGAIN: Final = 5.0
# Whoever has the message may be done long before his lease ends: a Celery task that retries sends itself again before
# its own delivery is settled.
SOONEST: Final = 0.5
LATEST: Final = 2.0
# Well below RabbitMQ's own limit, at which it would throw the message away.
MOST_DELIVERIES: Final = 10


@dataclass(frozen=True, slots=True)
class Handling:
    """One attempt at one message, as far as it has come."""

    incoming: Incoming
    desk: Desk
    started: float
    clock: float
    message: Message | None = None
    # What the hooks' before_handle gave, to be given back to them.
    begun: tuple[object, ...] = ()
    result: Any = None
    error: BaseException | None = None
    outcome: Outcome | None = None
    # False where the broker has forgotten the message already, or where its consumer tells it to.
    acknowledge: bool = True
    # False where Celery sends the next attempt by itself.
    resend: bool = True
    settlement: Settlement | None = None

    @property
    def over(self) -> bool:
        return self.error is not None or self.outcome is not None

    @property
    def duration_ms(self) -> float:
        return (perf_counter() - self.clock) * 1000


Stage = Callable[[House, Handling], Handling]
Stages = tuple[tuple[str, Stage], ...]


def begin(house: House, incoming: Incoming) -> Handling:
    started = time()
    desk = Desk(incoming, started, lambda: settling.running(house.about, incoming, started))
    return Handling(incoming, desk, started, perf_counter())


# ---- Before the handler ------------------------------------------------------------------------------------------
def open_(house: House, handling: Handling) -> Handling:
    """Is it its turn? Celery's `eta` waits on the broker, not here. And does it end whoever takes it?"""
    incoming = handling.incoming
    before = deliveries_before(incoming.properties, incoming.headers)
    if before >= MOST_DELIVERIES:
        text = f"It was delivered {before} times before, and no worker came to an end with it."
        failure = Failure(errors.TRANSIENT, errors.DELIVERY_LIMIT, "DeliveryLimit", text)
        return replace(handling, outcome=outcomes.given_up(failure, 0.0))
    due = moments.read(incoming.headers.get("eta"))
    if due is None or due <= handling.started:
        return handling
    return replace(handling, outcome=Outcome(events.WAITING, after=due - handling.started))


def authorise(house: House, handling: Handling) -> Handling:
    for hook in house.authorising:
        hook.authorise(handling.incoming)
    return handling


def deadline(house: House, handling: Handling) -> Handling:
    incoming = handling.incoming
    if incoming.deadline is not None and incoming.deadline <= handling.started:
        raise DeadlinePassedError(
            f"Its deadline was {moments.text(incoming.deadline)}, {handling.started - incoming.deadline:.1f} s ago."
        )
    expires = moments.read(incoming.headers.get("expires"))
    if expires is not None and expires <= handling.started:
        text = f"It expired at {moments.text(expires)}, as its sender wanted."
        return replace(
            handling,
            outcome=outcomes.given_up(Failure(errors.PERMANENT, errors.EXPIRED, "Expired", text), 0.0),
        )
    return handling


def idempotency(house: House, handling: Handling) -> Handling:
    """Handled before: done. Handled by somebody else right now: later. Else it is ours."""
    if house.records is None:
        return handling
    try:
        found = house.records.begin(handling.incoming, claimed=handling.acknowledge)
    except StoreUnavailableError as problem:
        logger.warning("%s waits: %s", handling.incoming.message_id, problem)
        return replace(handling, outcome=Outcome(events.WAITING, after=STORE_AGAIN))
    if isinstance(found, Handled):
        return replace(handling, outcome=Outcome(events.SUCCEEDED, duplicate=True))
    if isinstance(found, InProgress):
        return replace(
            handling, outcome=Outcome(events.WAITING, after=min(max(found.seconds, SOONEST), LATEST))
        )
    handling.desk.hold = found
    return handling


def content(house: House, handling: Handling) -> Handling:
    incoming = handling.incoming
    opened = open_body(incoming, house.accept)
    reference = incoming.headers.get(headers.CONTENT_REF)
    fetch = (lambda: house.fetch(str(reference))) if reference else None
    message = Message(
        incoming.message_id,
        payload=opened.payload,
        sender=incoming.sender,
        recipient=house.about.agent,
        metadata=opened.metadata,
        retry_count=incoming.attempt - 1,
        redrive_count=incoming.redrive,
        trace_id=incoming.trace_id,
        deadline=incoming.deadline,
        workflow=incoming.workflow,
        conversation_id=incoming.conversation_id,
        parent_id=incoming.parent_id,
        headers=incoming.headers,
        fetch=fetch,
    )
    return replace(handling, message=message)


# ---- The handler -------------------------------------------------------------------------------------------------
def handle(house: House, handling: Handling) -> Handling:
    assert handling.message is not None, "content comes before handle"
    begun: list[object] = []
    try:
        with at_its_desk(house, handling, begun):
            result = house.call(handling.message)
    except (Exception, CancelledError) as error:
        return replace(handling, begun=tuple(begun), error=error)
    return replace(handling, begun=tuple(begun), result=result)


@contextmanager
def at_its_desk(house: House, handling: Handling, begun: list[object]) -> Iterator[None]:
    """What is around whoever handles a message: its trace, its desk, its hold. What the hooks gave is added to
    `begun`, also when one of them fails."""
    context, seat = tracing.enter(handling.incoming.headers), decisions.sit_down(handling.desk)
    house.teller.watch(handling.desk)
    try:
        begun.extend(hook.before_handle(handling.incoming) for hook in house.beginning)
        with house.keeping(handling.desk):
            yield
    finally:
        decisions.get_up(seat)
        tracing.leave(context)


# ---- After it ----------------------------------------------------------------------------------------------------
def classify(house: House, handling: Handling) -> Handling:
    if handling.outcome is not None:
        return handling
    if handling.error is not None:
        return replace(handling, outcome=_of_error(house, handling, handling.error))
    if (decision := handling.desk.decision) is not None:
        class_ = house.classify(decision.error) if decision.error else errors.PERMANENT
        outcome = outcomes.of_decision(
            handling.incoming, decision, class_, house.backoff, handling.duration_ms, handling.result
        )
        return replace(handling, outcome=outcome)
    return replace(
        handling, outcome=Outcome(events.SUCCEEDED, duration_ms=handling.duration_ms, result=handling.result)
    )


def _of_error(house: House, handling: Handling, error: BaseException) -> Outcome:
    if isinstance(error, NotNowError):
        return Outcome(events.WAITING, error=error, after=error.retry_after or ASKED_AGAIN_AFTER)
    class_ = house.classify(error)
    failure = errors.failure_of(error, class_, outcomes.reason_of(error))
    if class_ == errors.UNKNOWN:
        house.alert(handling.incoming, failure, error)
    return outcomes.of_failure(handling.incoming, failure, house.backoff, handling.duration_ms, error)


def compose(house: House, handling: Handling) -> Handling:
    """What the broker is asked to do."""
    assert handling.outcome is not None, "classify comes before compose"
    made = settling.settlement(
        house.about,
        handling.incoming,
        handling.outcome,
        started=handling.started,
        told=house.teller.take(handling.desk),
        done=house.done(handling.desk, handling.outcome),
        acknowledge=handling.acknowledge,
        resend=handling.resend,
    )
    return replace(handling, settlement=made)


def settle(house: House, handling: Handling) -> Handling:
    """Raises DeliveryError or ClaimLostError; then nothing is settled."""
    assert handling.settlement, "compose comes before settle"
    assert handling.outcome, "classify comes before compose"
    house.settle(handling.incoming.delivery, handling.settlement, handling.desk, handling.outcome)
    return handling


# Up to `handle` a stage runs only while nothing is decided; the last three always run.
STAGES: Final[Stages] = (
    ("open", open_),
    ("authorise", authorise),
    ("deadline", deadline),
    ("idempotency", idempotency),
    ("content", content),
    ("handle", handle),
)
ENDING: Final[Stages] = (("classify", classify), ("compose", compose), ("settle", settle))


def run(house: House, handling: Handling, before: Stages = STAGES, ending: Stages = ENDING) -> Handling:
    """Through all stages. Raises what `settle` raises."""
    for name, stage in before:
        if handling.over:
            break
        try:
            handling = stage(house, handling)
        except Exception as error:
            logger.debug("%s ended at the stage %s", handling.incoming.message_id, name, exc_info=True)
            handling = replace(handling, error=error)
    for _, stage in ending:
        handling = stage(house, handling)
    return handling
