"""What a message of an instrumented application takes along when it is sent, and that its sending is told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import time
from typing import Any, cast

from celery import signals

from postroom import attempts, errors, events, headers, moments
from postroom.delivery import telling
from postroom.events import Event
from postroom.instrumented.office import Office
from postroom.letters import Attempt
from postroom.runtime import tracing
from postroom.runtime.api import Incoming, Outcome
from postroom.runtime.decisions import Desk, here
from postroom.runtime.sending import told_by_headers
from postroom.runtime.settling import attempt_of


class Publishing:
    """Around every publish of Celery's own."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def table(self) -> list[tuple[Any, Callable[..., None]]]:
        return [
            (signals.before_task_publish, self.before),
            (signals.after_task_publish, self.after),
        ]

    def before(self, headers: Any = None, routing_key: str = "", **_: Any) -> None:
        if not isinstance(headers, dict) or "id" not in headers:
            return
        desk = here()
        if desk is not None and headers["id"] == desk.incoming.headers.get("id"):
            self._next_attempt(headers, desk)
            return
        self._address(headers, desk.incoming if desk else None)
        telling.begin(events.encode(self._sent(headers, routing_key or "")))

    def after(self, **_: Any) -> None:
        told = telling.end()
        if told is None or told:
            return
        desk = here()
        if desk is not None:
            desk.events.extend(told.events)
        else:
            self._office.house.teller.later(told.events)

    # ---- A new message -------------------------------------------------------------------------------------------
    def _address(self, said: dict[str, Any], cause: Incoming | None) -> None:
        said[headers.MESSAGE_ID] = said["id"]
        said.setdefault(headers.SENDER, self._office.about.agent)
        for name, value in tracing.carried(cause.headers if cause else None).items():
            said.setdefault(name, value)
        if cause is None:
            return
        carried = {
            headers.PARENT_ID: cause.message_id,
            headers.WORKFLOW: cause.workflow,
            headers.CONVERSATION_ID: cause.conversation_id,
            headers.DEADLINE: "" if cause.deadline is None else moments.text(cause.deadline),
        }
        for name, value in carried.items():
            if value:
                said.setdefault(name, value)

    def _sent(self, said: dict[str, Any], queue: str) -> Event:
        return events.make(events.SENT, said["id"], told_by_headers(self._office.about, said, queue))

    # ---- The same one again --------------------------------------------------------------------------------------
    def _next_attempt(self, said: dict[str, Any], desk: Desk) -> None:
        """Celery retries: the attempt that just failed travels along, as an agent's does."""
        came = desk.incoming
        before = attempts.unpack(came.headers.get(headers.ATTEMPTS), came.redrive)
        said[headers.ATTEMPTS] = attempts.pack([*before, self._failed(desk, said.get("eta"))], came.redrive)

    def _failed(self, desk: Desk, due: str | None) -> Attempt:
        house, now = self._office.house, time()
        error = sys.exception()
        class_ = house.classify(error) if error else errors.TRANSIENT
        failure = (
            errors.failure_of(error, class_)
            if error
            else errors.Failure(class_, errors.REJECTED, "Retry", "The task asked to be tried again.")
        )
        outcome = Outcome(events.RETRYING, failure, error, (now - desk.since) * 1000)
        made = attempt_of(house.about, desk.incoming, outcome, failure, desk.since)
        return cast("Attempt", {**made, "retry_at": due or moments.text(now)})
