"""A request's whole way without a store: who may write what where, what is turned away, and how it is told."""

from __future__ import annotations

import time
from typing import Any

import pytest

from agents.intake import pipeline
from agents.intake.answers import Codec, Signal
from agents.intake.pipeline import Ready, Request
from agents.intake.writers import Writer
from core.access.api import Grant, Kind, Permission, Scope, Subject
from tests.support import otlp

WRITE = frozenset({Permission.WRITE_TELEMETRY})


EVERYWHERE = Scope()


def writer(scope: Scope = EVERYWHERE, bounds: Scope = EVERYWHERE) -> Writer:
    return Writer(Subject(Kind.SERVICE, "1", "sender", (Grant("ingest", WRITE, scope),), bounds), "default")


def prepared(request: Any, by: Writer | None = None, signal: Signal = Signal.TRACES) -> Ready:
    body = request.SerializeToString()
    return pipeline.prepare(Request(signal, Codec.PROTOBUF, body, by or writer()), time.time_ns())


def in_environment(name: str) -> dict[str, str]:
    return {"service.name": "clerk"} | ({"deployment.environment.name": name} if name else {})


def test_good_spans_are_kept_and_bad_ones_are_counted_with_their_reasons() -> None:
    ready = prepared(
        otlp.traces([otlp.span(), otlp.span(trace_id=b""), otlp.span(span_id=b""), otlp.span(span_id=b"")])
    )
    assert (len(ready.spans), ready.rejected) == (1, 3)
    assert ready.why == "its span id is not 8 bytes, or zero (2); its trace id is not 16 bytes, or zero (1)"


@pytest.mark.parametrize(
    ("stated", "scope", "bounds", "found"),
    [
        ("", Scope(), Scope(), "default"),
        ("production", Scope(), Scope(), "production"),
        ("", Scope("staging"), Scope(), "staging"),
        ("", Scope(), Scope("staging"), "staging"),
        ("prod-eu", Scope("prod-*"), Scope(), "prod-eu"),
    ],
)
def test_the_environment_within_what_the_token_may_write__accepted(
    stated: str, scope: Scope, bounds: Scope, found: str
) -> None:
    ready = prepared(otlp.traces([otlp.span()], in_environment(stated)), writer(scope, bounds))
    assert [span.environment for span in ready.spans] == [found]


@pytest.mark.parametrize(
    ("stated", "scope", "bounds"),
    [
        ("production", Scope("staging"), Scope()),
        ("production", Scope(), Scope("staging")),
        ("", Scope("prod-*"), Scope()),
        ("production", Scope(agent="mailer"), Scope()),
    ],
)
def test_the_environment_beyond_what_the_token_may_write__refused(
    stated: str, scope: Scope, bounds: Scope
) -> None:
    ready = prepared(otlp.traces([otlp.span()], in_environment(stated)), writer(scope, bounds))
    assert (ready.spans, ready.rejected) == ((), 1)
    assert "agent clerk in environment" in ready.why


def test_a_span_that_speaks_for_an_agent_beyond_the_token_is_refused_alone() -> None:
    spans = [otlp.span(), otlp.span(attributes={"gen_ai.agent.id": "mailer"})]
    ready = prepared(otlp.traces(spans), writer(Scope(agent="clerk")))
    assert [span.agent for span in ready.spans] == ["clerk"]
    assert ready.rejected == 1


def test_the_same_log_request_has_the_same_digest_and_another_has_not() -> None:
    one, other = otlp.logs([otlp.log(body="a")]), otlp.logs([otlp.log(body="b")])
    first, again, second = (prepared(each, signal=Signal.LOGS).logs[0].digest for each in (one, one, other))
    assert first == again != second


def test_metrics_are_turned_away_politely() -> None:
    ready = prepared(otlp.metrics(3), signal=Signal.METRICS)
    assert ready.rejected == 3
    assert "Prometheus" in ready.why
    assert prepared(otlp.metrics(0), signal=Signal.METRICS) == Ready()
