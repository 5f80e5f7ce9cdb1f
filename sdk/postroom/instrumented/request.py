"""Celery's request, with two differences: the pool runs the task within our stages, and what ends in the main process
(a lost process, a time limit, a revoked or expired message) is told of from here, where the whole message is at hand.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from billiard.exceptions import TimeLimitExceeded
from celery.worker.request import Request

from postroom import errors, events
from postroom.errors import Failure
from postroom.instrumented import stages as instrumented
from postroom.instrumented.office import Office
from postroom.instrumented.reading import error_in, raw_of_request
from postroom.runtime import stages
from postroom.runtime.api import Outcome
from postroom.runtime.opening import incoming

logger = logging.getLogger(__name__)


# Celery's types leave out what is overridden here.
_Request: Any = Request


class InstrumentedRequest(_Request):  # type: ignore[misc]
    """One delivery of an instrumented application."""

    # Why it ended here and not in the pool; told once.
    _ended: Outcome | None = None
    _told = False

    def __init_subclass__(cls) -> None:
        """Celery makes a subclass for each task, with methods that leave ours out; they go again."""
        for name in ("execute_using_pool", "on_success"):
            if name in vars(cls) and cls.__module__ == Request.__module__:
                delattr(cls, name)

    def execute_using_pool(self, pool: Any, **options: Any) -> Any:
        return super().execute_using_pool(_Through(pool, bool(self.task.acks_late)), **options)

    # ---- What ends here ------------------------------------------------------------------------------------------
    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        if not return_ok and not self._already_cancelled:
            self._ended = self._ended or _lost(error_in(exc_info))
        answer = super().on_failure(exc_info, send_failed_event, return_ok)
        self._tell(requeued=False)
        return answer

    def on_timeout(self, soft: bool, timeout: float) -> Any:
        if not soft:
            self._ended = self._ended or _lost(TimeLimitExceeded(timeout))
        answer = super().on_timeout(soft, timeout)
        self._tell(requeued=False)
        return answer

    def _announce_revoked(self, reason: str, terminated: bool, signum: Any, expired: bool) -> Any:
        self._ended = _expired() if expired else Outcome(events.PURGED)
        answer = super()._announce_revoked(reason, terminated, signum, expired)
        self._tell(requeued=False)
        return answer

    def acknowledge(self) -> None:
        self._tell(requeued=False)
        super().acknowledge()

    def reject(self, requeue: bool = False) -> None:
        self._tell(requeued=requeue)
        super().reject(requeue)

    # ---- Telling of it -------------------------------------------------------------------------------------------
    def _tell(self, *, requeued: bool) -> None:
        """Before the broker forgets the message; with early acknowledgement it has done so already."""
        if self._ended is None or self._told:
            return
        self._told = True
        outcome = replace(self._ended, kind=events.RETRYING) if requeued else self._ended
        try:
            self._settle(outcome)
        except Exception:
            logger.exception("what became of %s could not be told", self.id)

    def _settle(self, outcome: Outcome) -> None:
        office: Office = self.app.postroom_office
        raw = raw_of_request(self.request_dict, self.body, self.content_type, self.content_encoding)
        handling = stages.begin(office.house, incoming(raw))
        if self.time_start:
            handling = replace(handling, started=self.time_start)
        instrumented.finish(office, replace(handling, outcome=outcome, acknowledge=False, resend=False))


class _Through:
    """A pool whose work goes through our stages."""

    def __init__(self, pool: Any, late: bool) -> None:
        self._pool, self._late = pool, late

    def apply_async(self, trace: Any, args: Any = (), **options: Any) -> Any:
        return self._pool.apply_async(instrumented.handle, (trace, self._late, *args), **options)


def _lost(error: BaseException) -> Outcome:
    """The process died, or was ended for taking too long. Celery calls that failed, unless it puts it back."""
    message = str(error) or type(error).__name__
    failure = Failure(errors.TRANSIENT, errors.EXCEPTION, errors.type_name(error), message)
    return Outcome(events.DEAD, failure, error)


def _expired() -> Outcome:
    text = "It expired before a worker came to it, as its sender wanted."
    return Outcome(events.EXPIRED, Failure(errors.PERMANENT, errors.EXPIRED, "Expired", text))
