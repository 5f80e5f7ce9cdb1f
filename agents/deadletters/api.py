"""The front door of custody: hand over deaths, and they are safe.

`keep` is durable: what it returned for is committed. It is idempotent by death id, so whoever is not sure sends again.
A delivery without an id is known again only by its bytes, only when its broker says that it was handed over before,
and each committed one only once; two equal messages are two letters. A death whose redrive names a letter is one more
death of that letter, which is held again. Nothing is owned by the caller afterwards, and no arrivals are no work.

    Redis away: nothing here needs it.      Database away: OperationalError or InterfaceError, and nothing was kept.
"""

from __future__ import annotations

from agents.deadletters.seal import SealError
from agents.deadletters.services.keeping import OtherEnvironmentError, keep
from agents.deadletters.values import (
    Arrival,
    Contents,
    Failure,
    FailureClass,
    Kept,
    Origin,
    Reason,
    Redrive,
    State,
)
from agents.deadletters.wire import MalformedError, of_data

__all__ = [
    "Arrival",
    "Contents",
    "Failure",
    "FailureClass",
    "Kept",
    "MalformedError",
    "Origin",
    "OtherEnvironmentError",
    "Reason",
    "Redrive",
    "SealError",
    "State",
    "keep",
    "of_data",
]
