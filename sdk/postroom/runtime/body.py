"""The body of an agent's message: Celery's protocol 2 in JSON, so that any Celery client can send one and read one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from kombu import serialization

from postroom import payloads
from postroom.errors import PermanentError
from postroom.runtime.api import Incoming

TASK: Final = "postroom.handle"
JSON, UTF8 = "application/json", "utf-8"
_EMBED: Final = payloads.encode({"callbacks": None, "errbacks": None, "chain": None, "chord": None})


class BodyUnreadableError(PermanentError):
    """The body is not what its content type says. Send JSON: [[payload], {"metadata": {…}}, {}], or any JSON value
    without Celery's headers."""


class Opened(NamedTuple):
    payload: Any
    metadata: Mapping[str, Any]


def enclose(payload: bytes, metadata: Mapping[str, Any] | None) -> bytes:
    """An encoded payload as the body of a message."""
    options = payloads.encode({"metadata": metadata}) if metadata else b"{}"
    return b"[[" + payload + b"]," + options + b"," + _EMBED + b"]"


def open_body(incoming: Incoming, accept: Iterable[str] = ("json",)) -> Opened:
    """Raises BodyUnreadableError."""
    said = _decode(incoming, accept)
    if incoming.task and isinstance(said, list | tuple) and len(said) == 3:
        return _of_celery(*said)
    return Opened(said, {})


def _decode(incoming: Incoming, accept: Iterable[str]) -> Any:
    try:
        if incoming.content_type in {JSON, ""}:
            return payloads.decode(incoming.body)
        accepted = serialization.prepare_accept_content(list(accept))
        return serialization.loads(
            incoming.body, incoming.content_type, incoming.content_encoding, accept=accepted
        )
    except Exception as problem:
        raise BodyUnreadableError(
            f"The body cannot be read as {incoming.content_type}: {problem}"
        ) from problem


def _of_celery(args: Any, kwargs: Any, _embed: Any) -> Opened:
    named = kwargs if isinstance(kwargs, dict) else {}
    metadata = named.get("metadata") or {}
    payload = args[0] if args else named.get("payload")
    return Opened(payload, metadata if isinstance(metadata, dict) else {"metadata": metadata})
