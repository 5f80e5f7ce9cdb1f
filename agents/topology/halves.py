"""From one span to what it says about edges: what it sent, what it came from, what it did by itself.

Pure functions of one span. Two spans are joined in pairing.py.
"""

from __future__ import annotations

from typing import NamedTuple

from agents.spans.values import Span, SpanKind, Status, decode
from agents.topology.values import Edge, EdgeKind
from agents.topology.values import edge as edge_of

# Looked up once: members of an enumeration are slow to reach.
SERVER, CLIENT, PRODUCER, CONSUMER = map(
    int, (SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)
)
ERROR = int(Status.ERROR)
SENT, SERVICE, MODEL, TOOL = EdgeKind.SEND, EdgeKind.SERVICE, EdgeKind.MODEL, EdgeKind.TOOL

SENDING = frozenset({"create", "send", "publish"})
RECEIVING = frozenset({"receive", "process", "deliver"})
# The GenAI convention's operation for "this agent begins to work", mostly inside the caller's own process.
INVOKED = "invoke_agent"
# These name the model that their agent works with, and the sum of its tokens: its calls have spans of their own.
AROUND_MODELS = frozenset({INVOKED, "create_agent", "invoke_workflow"})


class Outgoing(NamedTuple):
    """A span that hands work to somebody else, kept until that one is seen and after: there may be more."""

    edge: Edge  # the sender's half: to a queue, or to a service by its address
    agent: str
    queue: str
    start: int
    end: int


class Incoming(NamedTuple):
    """A span that took work over, and where it may have come from."""

    origins: tuple[bytes, ...]  # trace id + span id of parent and links, each once
    environment: str
    agent: str
    queue: str
    step: str
    start: int
    duration: int
    failed: bool


def key_of(span: Span) -> bytes:
    return span.trace_id + span.span_id


def failed(span: Span) -> bool:
    return span.status == ERROR or bool(span.error_type)


def is_sending(span: Span) -> bool:
    """The messaging step decides where there is one, the span's kind where not."""
    return span.step in SENDING if span.step else span.kind == PRODUCER


def is_receiving(span: Span) -> bool:
    return span.step in RECEIVING if span.step else span.kind == CONSUMER


def outgoing(span: Span) -> Outgoing | None:
    """The sender's half of an edge, if this span is one."""
    if is_sending(span):
        edge = edge_of(span.environment, SENT, span.agent, span.queue, "")
    elif span.kind == CLIENT and not (span.model or span.tool or is_receiving(span)):
        edge = edge_of(span.environment, SERVICE, span.agent, "", span.peer)
    else:
        return None
    return Outgoing(edge, span.agent, span.queue, span.start, span.end)


def incoming(span: Span) -> Incoming | None:
    """The receiver's half of an edge, if this span is one and names where it came from."""
    if not (is_receiving(span) or span.kind == SERVER or span.operation == INVOKED):
        return None
    came_from = origins(span)
    if not came_from:
        return None
    step = "receive" if span.step == "receive" else "process"
    return Incoming(
        came_from, span.environment, span.agent, span.queue, step, span.start, span.duration, failed(span)
    )


def is_entry(span: Span) -> bool:
    """Does the agent's own work begin here? Receiving alone is not work."""
    if span.step == "receive" or is_sending(span):
        return False
    return (
        not span.parent_id
        or span.kind in (SERVER, CONSUMER)
        or span.step == "process"
        or span.operation == INVOKED
    )


def leaf_edge(span: Span) -> Edge | None:
    """The edge to a model or a tool: one span says all there is to say."""
    if span.model and span.operation not in AROUND_MODELS:
        return edge_of(span.environment, MODEL, span.agent, span.system, span.model)
    if span.tool:
        return edge_of(span.environment, TOOL, span.agent, "", span.tool)
    return None


def origins(span: Span) -> tuple[bytes, ...]:
    """Parent and links; the convention's default is the link, the parent is optional, and both count once."""
    if not span.links:
        return (span.trace_id + span.parent_id,) if span.parent_id else ()
    keys = [span.trace_id + span.parent_id] if span.parent_id else []
    keys += [_link_key(link) for link in decode(span.links)]
    return tuple(dict.fromkeys(keys))


def _link_key(link: dict[str, str]) -> bytes:
    return bytes.fromhex(link["trace_id"]) + bytes.fromhex(link["span_id"])
