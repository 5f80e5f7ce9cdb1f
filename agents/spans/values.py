"""What the store keeps: spans and log records as frozen values, ready to be written.

They are named tuples because more than 100,000 a second are made and turned into columns: a tuple is made and
transposed in C, has no dictionary, and cannot be changed. What has structure (attributes, events, links) comes
as JSON that the decoder has encoded once, with `encode`; nobody parses it again until a page shows it.

Text that is not there is `""`, bytes that are not there are `b""`, a number that is not there is 0.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

import msgspec

# Compact, keys in the order given, UTF-8: the store finds an attribute by its exact bytes, so that intake and
# search must encode with the same function.
encode = msgspec.json.encode
decode = msgspec.json.decode


class SpanKind(IntEnum):
    """As OTLP numbers them."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Status(IntEnum):
    """As OTLP numbers them."""

    UNSET = 0
    OK = 1
    ERROR = 2


class Flag(IntFlag):
    """What the receiver had to say about an item it kept."""

    CLOCK_ABSURD = 1
    ATTRIBUTES_CUT = 2
    # A time was missing, and the moment of arrival stands in its place: a repeat of it has another one.
    TIME_GIVEN = 4


class Span(NamedTuple):
    """One finished piece of work. Two spans with the same trace id and span id whose starts lie in one hour (UTC)
    are the same span: a repeat carries its start. Times are below 2**63 - 1.

    The fields below `status_message` are derived from the attributes by intake, so that search, topology and the
    registry need not look into them.
    """

    trace_id: bytes  # 16 bytes
    span_id: bytes  # 8 bytes
    parent_id: bytes  # 8 bytes, or empty for a root
    start: int  # nanoseconds since 1970
    duration: int  # nanoseconds, 0 or more
    name: str
    kind: int = 0
    status: int = 0
    status_message: str = ""
    # Who: `agent` is the identity of the node (gen_ai.agent.id, then gen_ai.agent.name, then service.name).
    agent: str = ""
    agent_name: str = ""
    service: str = ""
    instance: str = ""  # service.instance.id
    version: str = ""
    environment: str = ""
    # What: `operation` is the name of what was done without the particulars, `step` the messaging operation
    # (create, send, receive, process, settle) or empty.
    workflow: str = ""
    operation: str = ""
    step: str = ""
    # With whom: at most one of these is the other end of the span.
    system: str = ""  # messaging.system, or the model's provider
    queue: str = ""
    model: str = ""
    tool: str = ""
    peer: str = ""  # an outside service
    message_id: str = ""
    conversation_id: str = ""
    error_type: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    flags: int = 0
    trace_state: str = ""
    scope: str = ""
    resource: bytes = b""  # JSON object, or empty
    attributes: bytes = b""  # JSON object, or empty
    events: bytes = b""  # JSON list of {time, name, attributes}, or empty
    links: bytes = b""  # JSON list of {trace_id, span_id, attributes}, ids in hex, or empty

    @property
    def end(self) -> int:
        return self.start + self.duration


class LogRecord(NamedTuple):
    """One line that an agent logged. It has no id of its own: a request is known by its digest."""

    time: int  # nanoseconds since 1970; the moment of arrival when the sender named none
    observed: int
    trace_id: bytes = b""
    span_id: bytes = b""
    severity: int = 0  # OTLP's 1 to 24, 0 for none
    severity_text: str = ""
    body: str = ""  # text as it is, anything else as JSON
    event_name: str = ""
    agent: str = ""
    agent_name: str = ""
    service: str = ""
    instance: str = ""
    version: str = ""
    environment: str = ""
    queue: str = ""
    message_id: str = ""
    conversation_id: str = ""
    error_type: str = ""
    flags: int = 0
    scope: str = ""
    resource: bytes = b""
    attributes: bytes = b""


class LogRequest(NamedTuple):
    """The log records of one request, told apart from others by a digest (16 bytes or more) of what was sent.

    The digest is made of the unpacked bytes, before anything is cut: a retry packs the same bytes anew, and
    gzip writes the time into them.
    """

    digest: bytes
    records: tuple[LogRecord, ...]


class Batch(NamedTuple):
    """What one commit writes: the spans and log requests of one or more requests."""

    spans: tuple[Span, ...] = ()
    logs: tuple[LogRequest, ...] = ()


def trace_id_of(text: str) -> bytes | None:
    """The id behind 32 characters of hex, hyphens aside; None for anything else."""
    wanted = text.strip().replace("-", "")
    try:
        found = bytes.fromhex(wanted)
    except ValueError:
        return None
    return found if len(wanted) == 2 * len(found) == 32 else None


def attributes_of(encoded: bytes) -> dict[str, Any]:
    """The attributes behind their encoded form; none when it is empty."""
    return dict(decode(encoded)) if encoded else {}
