"""What a handler decides about its message while it handles it: recorded here, applied when it returns.

Deciding the same twice is deciding once. Two different decisions are a mistake in the handler, and the second call
raises ContradictionError, which names both. When the handler raises, the exception counts and the decision does not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from postroom.errors import ContradictionError, OutsideHandlerError
from postroom.runtime.api import Incoming

ACKNOWLEDGE, RETRY, GIVE_UP = "acknowledge", "reject and requeue", "send to the dead letters"


@dataclass(frozen=True, slots=True)
class Decision:
    """One of the three things that can become of a message."""

    kind: str
    reason: str = ""
    after: float | None = None
    # The exception that was being handled when it was decided: the letter tells of it.
    error: BaseException | None = field(default=None, compare=False)


@dataclass(slots=True)
class Desk:
    """What one handler has on its desk: its message, its decision, and events that go out with the settlement."""

    incoming: Incoming
    since: float
    # Makes the event `running`, for one that runs long enough to be told of before it ends.
    running: Callable[[], bytes] | None = None
    decision: Decision | None = None
    events: list[bytes] = field(default_factory=list)
    # The hold on the idempotency record, and whether the handler's own transaction has written it.
    hold: Any = None
    finished: bool = False
    # The sending that blocks it now: see held.py.
    held: Any = None


_desk: ContextVar[Desk | None] = ContextVar("postroom.desk", default=None)
sit_down = _desk.set
get_up = _desk.reset
here = _desk.get


def desk() -> Desk:
    """The desk of the handler that runs here. Raises OutsideHandlerError where none does."""
    if (found := _desk.get()) is None:
        raise OutsideHandlerError(
            "Call this inside handle_message: there is no message here to decide about."
        )
    return found


def decide(message_id: str, decision: Decision) -> None:
    at = desk()
    if message_id != at.incoming.message_id:
        raise OutsideHandlerError(
            f"This handler has message {at.incoming.message_id}, so it cannot decide about {message_id}."
        )
    if at.decision is not None and at.decision != decision:
        raise ContradictionError(
            f"Message {message_id}: the handler decided to {_say(at.decision)}, and then to {_say(decision)}."
        )
    at.decision = at.decision or decision


def _say(decision: Decision) -> str:
    waits = f" after {decision.after:g} s" if decision.after is not None else ""
    return f"{decision.kind}{waits}" + (f" ({decision.reason})" if decision.reason else "")
