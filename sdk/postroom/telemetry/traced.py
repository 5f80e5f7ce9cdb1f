"""Telemetry as a hook: a span for each message sent and each one handled, joined by parent and link, and metrics."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from postroom import headers
from postroom.runtime.api import About, Hook, Incoming, Outcome, Outgoing
from postroom.telemetry import conventions, exporting

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.trace import Span, Tracer

    from postroom.telemetry.meters import Meters

log = logging.getLogger(__name__)

# Sends that begin and never end: another hook said no in between.
MOST_OPEN = 10_000
FAILED = frozenset({"retrying", "dead", "expired", "refused"})


class _Begun(NamedTuple):
    span: Span
    token: Token[context.Context]
    attributes: conventions.Attributes


class _Sending(NamedTuple):
    span: Span
    attributes: conventions.Attributes
    since: float


class Traced(Hook):
    """Works with whatever provider the agent set up; with none, a message carries on the context that it came with."""

    def __init__(self, about: About, meters: Meters) -> None:
        self._about, self._meters = about, meters
        self._system = conventions.system(about.broker_url)
        self._sending: OrderedDict[str, _Sending] = OrderedDict()
        self._lock = Lock()
        self._tracer: Tracer = trace.get_tracer("postroom")

    # ---- A worker -----------------------------------------------------------------------------------------------
    def on_start(self, about: About) -> None:
        """The endpoint is one per worker; two workers on one machine need two ports."""
        if exporting.is_prometheus():
            try:
                self._meters.expose(*exporting.prometheus_address())
            except OSError as problem:
                log.error("there is no endpoint for Prometheus: %s", problem)

    def on_process_start(self, about: About) -> None:
        self._about = about
        exporting.begin(conventions.resource(about.agent, about.version, about.environment, about.instance))

    def on_process_stop(self, about: About) -> None:
        exporting.flush()

    # ---- Handling ------------------------------------------------------------------------------------------------
    def before_handle(self, incoming: Incoming) -> object:
        attributes = conventions.of_incoming(self._about, incoming)
        came_with: context.Context | None = None
        sender = trace.get_current_span().get_span_context()
        if not sender.is_remote:
            # The loop has not made the message's context the current one.
            came_with = _extracted(incoming.headers)
            sender = trace.get_current_span(came_with).get_span_context()
        span = self._tracer.start_span(
            f"process {incoming.queue}",
            context=came_with,
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            links=[Link(sender)] if sender.is_valid else None,
        )
        return _Begun(span, context.attach(trace.set_span_in_context(span)), attributes)

    def after_handle(self, incoming: Incoming, outcome: Outcome, begun: object) -> None:
        said = conventions.of_outcome(outcome)
        attributes = conventions.of_incoming(self._about, incoming)
        if isinstance(begun, _Begun):
            attributes = begun.attributes
            _end(begun, outcome, said)
        labels = conventions.labels(attributes | said)
        self._meters.add(conventions.PROCESSED, 1, labels)
        self._meters.record(conventions.PROCESS_DURATION, outcome.duration_ms / 1000, labels)

    # ---- Sending -------------------------------------------------------------------------------------------------
    def headers_to_send(self, outgoing: Outgoing) -> Mapping[str, str]:
        said = outgoing.headers
        workflow = str(said.get(headers.WORKFLOW) or "")
        conversation = str(said.get(headers.CONVERSATION_ID) or "")
        attributes = conventions.of_outgoing(outgoing, self._system, workflow, conversation)
        # Without a span that is open here, the trace that the message would have had by itself goes on.
        parent = None if trace.get_current_span().get_span_context().is_valid else _extracted(said)
        span = self._tracer.start_span(
            f"send {outgoing.queue}", context=parent, kind=SpanKind.PRODUCER, attributes=attributes
        )
        self._remember(outgoing.message_id, _Sending(span, attributes, time.perf_counter()))
        carried: dict[str, str] = {}
        propagate.inject(carried, trace.set_span_in_context(span))
        return carried

    def after_send(self, outgoing: Outgoing, error: BaseException | None) -> None:
        with self._lock:
            sending = self._sending.pop(outgoing.message_id, None)
        if sending is None:
            return
        failed: conventions.Attributes = {conventions.ERROR_TYPE: type(error).__qualname__} if error else {}
        if error:
            sending.span.set_attributes(failed)
            sending.span.set_status(Status(StatusCode.ERROR, str(error)))
        sending.span.end()
        labels = conventions.labels(sending.attributes | failed)
        self._meters.add(conventions.SENT, 1, labels)
        self._meters.record(conventions.SEND_DURATION, time.perf_counter() - sending.since, labels)

    def _remember(self, message_id: str, sending: _Sending) -> None:
        with self._lock:
            self._sending[message_id] = sending
            if len(self._sending) > MOST_OPEN:
                self._sending.popitem(last=False)


def _end(begun: _Begun, outcome: Outcome, said: conventions.Attributes) -> None:
    begun.span.set_attributes(said)
    if outcome.kind in FAILED:
        begun.span.set_status(Status(StatusCode.ERROR, outcome.failure.message if outcome.failure else ""))
        if outcome.error:
            begun.span.record_exception(outcome.error)
    begun.span.end()
    # The loop puts its own context back; where it had none, ours would stay for the next message.
    if trace.get_current_span() is begun.span:
        context.detach(begun.token)


def _extracted(carried: Mapping[str, object]) -> context.Context:
    names = (headers.TRACEPARENT, headers.TRACESTATE, headers.BAGGAGE)
    return propagate.extract({name: str(carried[name]) for name in names if carried.get(name)})
