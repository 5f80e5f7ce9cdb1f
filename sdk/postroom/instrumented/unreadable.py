"""Letters for messages that never come to a task: unknown to the application, or not to be read."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from postroom import errors, events
from postroom.errors import Failure
from postroom.instrumented.office import Office
from postroom.instrumented.stages import finish
from postroom.runtime import stages
from postroom.runtime.api import Outcome
from postroom.runtime.consumer import raw_of
from postroom.runtime.opening import incoming

logger = logging.getLogger(__name__)


def write_letter(office: Office, message: Any, type_: str, text: str) -> None:
    """In the worker's main process. Must not fail there: the log is the last resort."""
    try:
        raw = raw_of(message, (message.delivery_info or {}).get("routing_key") or "")
        failure = Failure(errors.PERMANENT, errors.EXCEPTION, type_, text[: errors.MOST_TEXT])
        handling = stages.begin(office.house, incoming(raw))
        outcome = Outcome(events.DEAD, failure)
        finish(office, replace(handling, outcome=outcome, acknowledge=False, resend=False))
    except Exception:
        logger.exception("no letter could be written of a message that Celery throws away")
