"""From Celery's request to an Incoming: in a pool's process, where the message itself is not at hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from celery.exceptions import Ignore, Reject, Retry
from celery.utils.time import maybe_iso8601

from postroom import payloads
from postroom.runtime.opening import Raw

# What Celery's worker adds to the headers that came.
_ADDED: Final = frozenset(
    {"args", "kwargs", "properties", "reply_to", "correlation_id", "hostname", "delivery_info"}
)
# What says that a task did not fail.
NOT_FAILED: Final = (Ignore, Reject, Retry)


def raw_of_request(
    request: Mapping[str, Any], body: Any, content_type: str | None, content_encoding: str | None
) -> Raw:
    """What Celery's worker hands to its pool, as it came from the broker."""
    properties = request.get("properties") or {}
    noted, info = properties.get("delivery_info") or {}, request.get("delivery_info") or {}
    plain = isinstance(body, bytes | str | bytearray | memoryview)
    return Raw(
        queue=noted.get("queue") or info.get("routing_key") or "",
        tag=str(properties.get("delivery_tag") or ""),
        claim="",
        redelivered=bool(info.get("redelivered")),
        headers={name: value for name, value in request.items() if name not in _ADDED},
        properties=dict(properties),
        # Celery's protocol 1 was taken apart already; it is put together as protocol 2 says it.
        body=(body if isinstance(body, bytes | str) else bytes(body)) if plain else payloads.encode(body),
        content_type=content_type or "application/json",
        content_encoding=content_encoding or "utf-8",
        exchange=info.get("exchange") or "",
        routing_key=info.get("routing_key") or "",
    )


def error_in(found: Any) -> BaseException:
    """The exception in what Celery's pool gives back."""
    error = getattr(found, "exception", found)
    inner = getattr(error, "exc", None)
    if type(error).__name__ == "ExceptionWithTraceback" and isinstance(inner, BaseException):
        return inner
    return error if isinstance(error, BaseException) else RuntimeError(str(error))


def traceback_in(found: Any) -> str:
    return str(getattr(found, "traceback", "") or "")


def seconds_until(when: Any, now: float) -> float:
    """When a Retry comes back: Celery says it in seconds or as a moment."""
    if isinstance(when, int | float):
        return float(when)
    moment = maybe_iso8601(when) if when else None
    return max(0.0, moment.timestamp() - now) if moment else 0.0
