"""The W3C context that a message carries, with or without anybody who makes spans."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextvars import Token
from typing import Any

from opentelemetry import context, propagate, trace

from postroom import headers

CARRIED = (headers.TRACEPARENT, headers.TRACESTATE, headers.BAGGAGE)


def carried(incoming: Mapping[str, Any] | None) -> dict[str, str]:
    """The headers for a message sent now: of the span that is open here; else what the handled message carried,
    passed on; else a new trace, so that whatever follows hangs together."""
    found: dict[str, str] = {}
    propagate.inject(found)
    if headers.TRACEPARENT in found:
        return found
    if incoming and incoming.get(headers.TRACEPARENT):
        return {name: str(incoming[name]) for name in CARRIED if incoming.get(name)} | found
    return {headers.TRACEPARENT: f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"} | found


def enter(incoming: Mapping[str, Any]) -> Token[context.Context] | None:
    """Make the message's context the current one, unless somebody's instrumentation did so already."""
    if headers.TRACEPARENT not in incoming and headers.BAGGAGE not in incoming:
        return None
    if trace.get_current_span().get_span_context().is_valid:
        return None
    carrier = {name: str(incoming[name]) for name in CARRIED if incoming.get(name)}
    return context.attach(propagate.extract(carrier))


def leave(token: Token[context.Context] | None) -> None:
    if token is not None:
        context.detach(token)
