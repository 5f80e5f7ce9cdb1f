"""Traces, metrics and log fields in an agent's own words.

    telemetry = Telemetry(agent_id="extract")

    @telemetry.trace_workflow("invoices")
    def begin(path): ...

    with telemetry.timer("parse"):
        ...
    telemetry.counter("pages").inc(12)

Everything goes through OpenTelemetry: to Postroom or any other back end, as the `OTEL_` variables say.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from postroom.runtime.api import About
from postroom.telemetry import conventions, exporting
from postroom.telemetry.meters import Meters
from postroom.telemetry.traced import Traced

if TYPE_CHECKING:
    from opentelemetry.trace import Span

P = ParamSpec("P")
R = TypeVar("R")
Function = Callable[P, R]


class Counter:
    """Something that is counted."""

    def __init__(self, meters: Meters, name: str, agent: str) -> None:
        self._meters, self._name, self._same = meters, name, {"agent": agent}

    def inc(self, amount: float = 1, **labels: str) -> None:
        self._meters.add(self._name, amount, self._same | labels)


class Telemetry:
    """One agent's telemetry. `prometheus_port` begins an endpoint of its own; 0 takes a free one (`port`)."""

    def __init__(
        self,
        agent_id: str,
        *,
        version: str = "",
        environment: str = "",
        instance: str = "",
        prometheus_port: int | None = None,
    ) -> None:
        self.agent_id, self._version = agent_id, version
        self.meters = Meters()
        self.port = self.meters.expose(prometheus_port) if prometheus_port is not None else 0
        if exporting.is_prometheus():
            self.meters.share()
        exporting.begin(conventions.resource(agent_id, version, environment, instance))
        self._tracer = trace.get_tracer("postroom")
        self._agent = conventions.of_agent(agent_id, version)

    def hook(self, about: About) -> Traced:
        """Spans and metrics for all messages of an agent, with these meters."""
        return Traced(about, self.meters)

    @overload
    def trace_workflow(self, named: Function[P, R]) -> Function[P, R]: ...
    @overload
    def trace_workflow(self, named: str = "") -> Callable[[Function[P, R]], Function[P, R]]: ...
    def trace_workflow(self, named: Any = "") -> Any:
        """A function whose calls are runs of a workflow: a span each, with the workflow's name. `async` as well."""
        if callable(named):
            return self._traced(named, named.__name__)
        return lambda function: self._traced(function, named or function.__name__)

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, str | int] | None = None, kind: SpanKind = SpanKind.INTERNAL
    ) -> Iterator[Span]:
        """A piece of work. An exception marks it as failed and goes on."""
        said = self._agent | dict(attributes or {})
        with self._tracer.start_as_current_span(name, kind=kind, attributes=said) as span:
            try:
                yield span
            except BaseException as problem:
                span.set_attribute(conventions.ERROR_TYPE, type(problem).__qualname__)
                raise

    @contextmanager
    def model(self, model: str, *, provider: str, operation: str = "chat") -> Iterator[Tokens]:
        """A call to a language model; `tokens.used(input, output)` says what it took."""
        said: dict[str, str | int] = {
            conventions.GEN_AI_OPERATION: operation,
            conventions.GEN_AI_PROVIDER: provider,
            conventions.GEN_AI_MODEL: model,
        }
        with self.span(f"{operation} {model}", said, SpanKind.CLIENT) as span:
            yield Tokens(span)

    @contextmanager
    def tool(self, name: str) -> Iterator[Span]:
        """A call to a tool."""
        said: dict[str, str | int] = {
            conventions.GEN_AI_OPERATION: "execute_tool",
            conventions.GEN_AI_TOOL: name,
        }
        with self.span(f"execute_tool {name}", said) as span:
            yield span

    @contextmanager
    def timer(self, name: str, **labels: str) -> Iterator[None]:
        """How long something takes, in seconds; a decorator as well."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self.meters.record(name, time.perf_counter() - since, {"agent": self.agent_id} | labels)

    def counter(self, name: str) -> Counter:
        return Counter(self.meters, name, self.agent_id)

    def flush(self) -> None:
        """Send what waits."""
        exporting.flush()

    def _traced(self, function: Function[P, R], name: str) -> Function[P, R]:
        said: dict[str, str | int] = {conventions.WORKFLOW: name}
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self.span(name, said):
                    return await function(*args, **kwargs)

            return cast("Function[P, R]", run_async)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.span(name, said):
                return function(*args, **kwargs)

        return run


class Tokens:
    """What a call to a model used."""

    def __init__(self, span: Span) -> None:
        self.span = span

    def used(self, input_tokens: int, output_tokens: int) -> None:
        used = {conventions.GEN_AI_INPUT: input_tokens, conventions.GEN_AI_OUTPUT: output_tokens}
        self.span.set_attributes(used)
