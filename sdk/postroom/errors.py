"""What can go wrong, and what kind of failure an exception is. Pure.

    class Extract(Agent):
        permanent_errors = (UnknownFormat,)          # by class
        transient_errors = (ModelBusy,)

        def handle_message(self, message):
            if not message.payload:
                raise PermanentError("an empty document")          # leaves at the first attempt
            if queue_is_full():
                raise TransientError("try later", retry_after=30)  # comes back, in 30 seconds at the earliest

What neither names is told by `classify`: a few classes that everybody means the same by, the status of an HTTP answer,
else unknown: the on-call team is alerted, and then it counts as transient.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Final

PERMANENT: Final = "permanent"
TRANSIENT: Final = "transient"
UNKNOWN: Final = "unknown"
CLASSES: Final = (PERMANENT, TRANSIENT, UNKNOWN)

EXCEPTION: Final = "exception"
REJECTED: Final = "rejected"
DEADLINE: Final = "deadline"
EXPIRED: Final = "expired"
DELIVERY_LIMIT: Final = "delivery_limit"
UNAUTHORISED: Final = "unauthorised"

MOST_TEXT, MOST_TRACEBACK = 2_000, 8_000


class PostroomError(Exception):
    """Anything that the library raises."""


class PermanentError(PostroomError):
    """Trying again cannot help: the message becomes a dead letter at once.

    >>> classify(PermanentError("an empty document"))
    'permanent'
    """


class TransientError(PostroomError):
    """Trying again can help: the message comes back later, `retry_after` seconds at the earliest.

    >>> error = TransientError("the model is busy", retry_after=30)
    >>> classify(error), retry_after(error)
    ('transient', 30.0)
    """

    def __init__(self, *arguments: object, retry_after: float | None = None) -> None:
        super().__init__(*arguments)
        self.retry_after = retry_after


class NotNowError(TransientError):
    """It cannot be decided yet what becomes of the message: it comes back as it is, and no attempt is counted."""


class UnauthorisedError(PostroomError):
    """The sender may not ask for this. The message is kept as a letter; Postroom's sender policies decide.

    >>> classify(UnauthorisedError("web may not ask for diagnoses"))
    'permanent'
    """


class DeadlinePassedError(PostroomError):
    """The message's deadline passed before it was handled. Redrive it with a new one if it still matters."""


class ContradictionError(PostroomError):
    """The handler decided two different things about one message. Decide once, then return."""


class OutsideHandlerError(PostroomError):
    """This can only be said while the message is handled. Call it inside handle_message."""


class WorkerLostError(PostroomError):
    """The process that handled the message died under it. Look for memory limits and native crashes."""


class TimeLimitError(PostroomError):
    """The handler took longer than its time limit and was ended. Raise the limit or split the work."""


class ContentMissingError(PostroomError):
    """The content store no longer has what the message refers to. Its retention is shorter than the message waited."""


class ContentDamagedError(PermanentError):
    """What the content store gave back is not what was put in. The checksum in the reference says so."""


class ConfigurationError(PostroomError):
    """The agent cannot start as it is set up; the text says what to set."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, as letters and events tell it. `class_` is called class there."""

    class_: str
    reason: str
    type: str
    message: str
    traceback: str = ""
    retry_after: float | None = None

    def brief(self) -> dict[str, str]:
        return {
            "class": self.class_,
            "reason": self.reason,
            "type": self.type,
            "message": self.message,
        }


Classifier = Callable[[BaseException], str | None]

# By name, so that nobody's library is imported for it; a subclass counts like its base.
_TRANSIENT_NAMES: Final = frozenset(
    {
        "httpx.TransportError",
        "requests.exceptions.ConnectionError",
        "requests.exceptions.Timeout",
        "aiohttp.client_exceptions.ClientConnectionError",
        "redis.exceptions.ConnectionError",
        "redis.exceptions.TimeoutError",
        "kombu.exceptions.OperationalError",
        "amqp.exceptions.RecoverableConnectionError",
        "billiard.exceptions.SoftTimeLimitExceeded",
        "sqlalchemy.exc.OperationalError",
        "django.db.utils.OperationalError",
        "psycopg.OperationalError",
    }
)
_TRANSIENT_TYPES: Final = (TransientError, ConnectionError, TimeoutError, WorkerLostError, TimeLimitError)
# A value that cannot be read today cannot be read tomorrow; pydantic's, json's and unicode's errors are ValueErrors.
_PERMANENT_TYPES: Final = (PermanentError, UnauthorisedError, DeadlinePassedError, ValueError)
_TRANSIENT_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


def classify(
    error: BaseException,
    permanent: Iterable[type[BaseException]] = (),
    transient: Iterable[type[BaseException]] = (),
    classifier: Classifier | None = None,
) -> str:
    """permanent, transient or unknown: what the classifier says, else what the classes say, else what we know."""
    if classifier and (said := classifier(error)):
        return _checked(said)
    if isinstance(error, tuple(permanent)):
        return PERMANENT
    if isinstance(error, tuple(transient)):
        return TRANSIENT
    return _known(error)


def _checked(said: str) -> str:
    if said not in CLASSES:
        raise ConfigurationError(f"The classifier said {said!r}; it must say one of {', '.join(CLASSES)}.")
    return said


def _known(error: BaseException) -> str:
    if status := _status(error):
        return TRANSIENT if status in _TRANSIENT_STATUS else PERMANENT
    if isinstance(error, _TRANSIENT_TYPES) or not _names(type(error)).isdisjoint(_TRANSIENT_NAMES):
        return TRANSIENT
    return PERMANENT if isinstance(error, _PERMANENT_TYPES) else UNKNOWN


def _names(kind: type[BaseException]) -> set[str]:
    return {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__}


def _status(error: BaseException) -> int | None:
    """The status of the HTTP answer that the error is about, when it was a refusal."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) and status >= 400 else None


def retry_after(error: BaseException) -> float | None:
    """How long the other side asked us to wait, in seconds: ours, or Retry-After of an HTTP answer."""
    own = getattr(error, "retry_after", None)
    if isinstance(own, int | float):
        return max(0.0, float(own))
    headers = getattr(getattr(error, "response", None), "headers", {})
    said = headers.get("Retry-After") if hasattr(headers, "get") else None
    return _seconds(said) if isinstance(said, str) else None


def _seconds(said: str) -> float | None:
    """Retry-After is a number of seconds or a date."""
    if said.strip().isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time())
    except ValueError:
        return None


def failure_of(error: BaseException, class_: str, reason: str = EXCEPTION) -> Failure:
    """An exception as a value: bounded, and safe to send."""
    return Failure(
        class_,
        reason,
        type_name(error),
        _cut(_text(error), MOST_TEXT),
        traceback_of(error),
        retry_after(error),
    )


def type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def traceback_of(error: BaseException) -> str:
    if error.__traceback__ is None:
        return ""
    return _cut("".join(traceback.format_exception(error)), MOST_TRACEBACK)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception that cannot even be printed is still a failure
        return "(it cannot be printed)"


def _cut(text: str, most: int) -> str:
    """Head and tail: where it began and what it came to."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
