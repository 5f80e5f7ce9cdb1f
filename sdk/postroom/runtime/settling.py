"""From an outcome to what the broker is asked to do: events, letter, retry. Pure.

An agent's loop and an instrumented Celery application settle by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import time
from typing import Any, cast

from postroom import attempts, events, headers, ids, letters, moments
from postroom.delivery import message
from postroom.delivery.api import Done, Retry, Settlement
from postroom.errors import Failure
from postroom.events import Event
from postroom.letters import Attempt, Letter
from postroom.runtime.api import About, Incoming, Outcome

# An outcome whose message is gone from its queue, with a letter to show for it.
GIVEN_UP = frozenset({events.DEAD, events.EXPIRED, events.REFUSED})


def settlement(
    about: About,
    incoming: Incoming,
    outcome: Outcome,
    *,
    started: float,
    told: Iterable[bytes] = (),
    done: Done | None = None,
    acknowledge: bool = True,
    resend: bool = True,
) -> Settlement:
    """All that an outcome asks for. `told` are events that came up while it was handled; without `resend` somebody
    else sends the next attempt."""
    if outcome.kind == events.WAITING:
        return Settlement(tuple(told), retry=back_as_it_is(incoming, outcome.after), acknowledge=acknowledge)
    history = history_of(about, incoming, outcome, started)
    event = events.encode(event_of(about, incoming, outcome))
    return Settlement(
        events=(*told, event),
        letter=letters.encode(letter_of(about, incoming, outcome, history))
        if outcome.kind in GIVEN_UP
        else None,
        retry=another_attempt(incoming, outcome.after, history)
        if resend and outcome.kind == events.RETRYING
        else None,
        done=done,
        acknowledge=acknowledge,
    )


# ---- Events ------------------------------------------------------------------------------------------------------
def common(about: About, incoming: Incoming) -> Event:
    """What all events of one delivery share."""
    return {
        "agent": about.agent,
        "instance": about.instance,
        "environment": about.environment,
        "broker": about.broker,
        "queue": incoming.queue,
        "sender": incoming.sender,
        "task": incoming.task,
        "workflow": incoming.workflow,
        "trace_id": incoming.trace_id,
        "conversation_id": incoming.conversation_id,
        "parent_id": incoming.parent_id,
        "attempt": incoming.attempt,
        "redrive": incoming.redrive,
        "version": about.version,
        "host": about.host,
        "source": "library",
        "deadline": "" if incoming.deadline is None else moments.text(incoming.deadline),
    }


def event_of(about: About, incoming: Incoming, outcome: Outcome) -> Event:
    made = events.make(outcome.kind, incoming.message_id, common(about, incoming))
    made["duration_ms"] = round(outcome.duration_ms, 3)
    if outcome.kind == events.RETRYING:
        made["due"] = moments.text(time() + outcome.after)
    if outcome.failure:
        made["error"] = outcome.failure.brief()
    return made


def running(about: About, incoming: Incoming, since: float) -> bytes:
    """The event of an attempt that began at `since` and has not ended."""
    made = events.make(events.RUNNING, incoming.message_id, common(about, incoming))
    made["at"] = moments.text(since)
    return events.encode(made)


# ---- Attempts ----------------------------------------------------------------------------------------------------
def history_of(about: About, incoming: Incoming, outcome: Outcome, started: float) -> list[Attempt]:
    """Every attempt of this delivery number, this one last; none where nothing failed."""
    if outcome.failure is None:
        return []
    before = attempts.unpack(incoming.headers.get(headers.ATTEMPTS), incoming.redrive)
    return [*before, attempt_of(about, incoming, outcome, outcome.failure, started)]


def attempt_of(
    about: About, incoming: Incoming, outcome: Outcome, failure: Failure, started: float
) -> Attempt:
    comes_back = outcome.kind == events.RETRYING
    made = {
        "number": incoming.attempt,
        "started_at": moments.text(started),
        "duration_ms": round(outcome.duration_ms, 3),
        "instance": about.instance,
        "host": about.host,
        "version": about.version,
        "class": failure.class_,
        "type": failure.type,
        "message": failure.message,
        "traceback": failure.traceback,
        "retry_at": moments.text(time() + outcome.after) if comes_back else None,
    }
    return cast("Attempt", made)


# ---- The message again -------------------------------------------------------------------------------------------
def another_attempt(incoming: Incoming, after: float, history: Sequence[Attempt]) -> Retry:
    """The same message with its attempt counted up and its history in a header."""
    changed = {"retries": incoming.attempt, headers.ATTEMPTS: attempts.pack(history, incoming.redrive)}
    return Retry(after, whole(incoming, changed))


def back_as_it_is(incoming: Incoming, after: float) -> Retry:
    """The same message later, and no attempt used: it was not its turn."""
    return Retry(after, whole(incoming, {headers.REDELIVERED: True} if incoming.delivery.redelivered else {}))


def whole(incoming: Incoming, changed: dict[str, Any]) -> dict[str, object]:
    """The message as it was. Its moment has come when it comes back, so `eta` is gone."""
    return message.whole(
        incoming.body,
        headers={**incoming.headers, **changed, "eta": None},
        properties=incoming.properties,
        content_type=incoming.content_type,
        content_encoding=incoming.content_encoding,
    )


# Of the delivery that ended, and in the letter itself.
OF_ITS_DELIVERY = (headers.ATTEMPTS, headers.REDELIVERED)


# ---- The letter --------------------------------------------------------------------------------------------------
def letter_of(about: About, incoming: Incoming, outcome: Outcome, history: Sequence[Attempt]) -> Letter:
    """The message whole, with every attempt. The header of attempts is left out: they stand in the letter itself."""
    assert outcome.failure is not None, "a letter says why"
    letter: Letter = {
        "format": letters.FORMAT,
        "death_id": ids.of_death(incoming.queue, incoming.message_id, incoming.redrive),
        "redelivered": incoming.delivery.redelivered,
        "died_at": moments.text(time()),
        "message_id": incoming.message_id,
        "task": incoming.task,
        "agent": about.agent,
        "instance": about.instance,
        "environment": about.environment,
        "version": about.version,
        "sender": incoming.sender,
        "queue": incoming.queue,
        "exchange": incoming.exchange,
        "routing_key": incoming.routing_key,
        "broker": about.broker,
        "workflow": incoming.workflow,
        "trace_id": incoming.trace_id,
        "conversation_id": incoming.conversation_id,
        "failure": outcome.failure.brief(),
        "attempts": history,
        "headers": {name: value for name, value in incoming.headers.items() if name not in OF_ITS_DELIVERY},
        "properties": dict(incoming.properties),
        "content_type": incoming.content_type,
        "content_encoding": incoming.content_encoding,
        **letters.body_fields(incoming.body),
    }
    if incoming.redrive_id:
        letter["redrive"] = {"letter_id": incoming.redrive_id, "number": incoming.redrive}
    return letter
