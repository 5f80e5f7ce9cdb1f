"""One run of a workflow, told as spans and log lines with the times at which they would have happened."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from postroom.demo.company import Step, Workflow

SECOND = 1_000_000_000
Say = Callable[[str, int, int, str, Span], None]
INFO, ERROR = 9, 17


@dataclass(frozen=True, slots=True)
class Message:
    """What one step hands to the next: the span that sent it, its id, and when it was sent."""

    sent_by: Span
    id: str
    at: int


class Run:
    """A document's way through a workflow. `tracers` speak for the agents, `say` writes their log lines."""

    def __init__(self, flow: Workflow, tracers: dict[str, Tracer], say: Say, chance: random.Random) -> None:
        self.flow, self._tracers, self._say, self._chance = flow, tracers, say, chance
        self._conversation = uuid.uuid4().hex[:16]

    def tell(self, at: int) -> int:
        """From a moment on (nanoseconds since 1970); returns when the last step ended."""
        message: Message | None = None
        steps = self.flow.steps
        for step, then in zip(steps, (*steps[1:], None), strict=True):
            following = (then,) if then else self.flow.fan_out
            at, message = self._work(step, following, message, at)
            if message is None:
                return at
        ends = [self._work(step, (), message, at)[0] for step in self.flow.fan_out]
        return max([at, *ends])

    def _work(
        self, step: Step, following: tuple[Step, ...], message: Message | None, at: int
    ) -> tuple[int, Message | None]:
        """One agent's part; no message when it failed or was the last."""
        begin = at + int(self._chance.expovariate(20) * SECOND)
        end = begin + self._duration(step)
        failed = self._chance.randrange(1000) < step.fails
        span = self._received(step, message, begin)
        if step.model or step.tool:
            self._called(step, span, begin, end, failed)
        if failed:
            error = "ModelTimeout" if step.model else "RecordRefused"
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR, f"{step.operation} failed"))
            self._say(step.agent, end, ERROR, f"{step.operation} failed: {error}", span)
            span.end(end)
            return end, None
        self._say(step.agent, end, INFO, f"{step.operation} done", span)
        sent = self._sent(step, following, span, end) if following else None
        span.end(end)
        return end, sent

    def _duration(self, step: Step) -> int:
        slow = 5 if self._chance.randrange(1000) < step.slow else 1
        return int(step.seconds * self._chance.uniform(0.6, 1.6) * slow * SECOND)

    def _received(self, step: Step, message: Message | None, begin: int) -> Span:
        tracer = self._tracers[step.agent]
        common = {
            "postroom.workflow": self.flow.name,
            "messaging.message.conversation_id": self._conversation,
        }
        if message is None:
            return tracer.start_span(
                step.operation, kind=SpanKind.SERVER, attributes=common, start_time=begin
            )
        attributes = common | self._messaging("process", step.queue, message.id)
        return tracer.start_span(
            f"process {step.queue}",
            set_span_in_context(message.sent_by),
            SpanKind.CONSUMER,
            attributes,
            [Link(message.sent_by.get_span_context())],
            begin,
        )

    def _sent(self, step: Step, following: tuple[Step, ...], span: Span, at: int) -> Message:
        """To the next queue, or to an exchange that several read from."""
        queue = following[0].queue if len(following) == 1 else f"{step.agent}.done"
        message_id = uuid.uuid4().hex
        attributes = self._messaging("send", queue, message_id) | {"postroom.workflow": self.flow.name}
        sending = self._tracers[step.agent].start_span(
            f"send {queue}",
            set_span_in_context(span),
            SpanKind.PRODUCER,
            attributes,
            start_time=at - 2_000_000,
        )
        sending.end(at - 1_000_000)
        return Message(sending, message_id, at)

    def _called(self, step: Step, span: Span, begin: int, end: int, failed: bool) -> None:
        """The model or the tool that the work was left to."""
        name = f"chat {step.model}" if step.model else f"execute_tool {step.tool}"
        call = self._tracers[step.agent].start_span(
            name, set_span_in_context(span), SpanKind.CLIENT, self._call(step), start_time=begin + 1_000_000
        )
        if failed:
            call.set_attribute("error.type", "ModelTimeout" if step.model else "RecordRefused")
            call.set_status(Status(StatusCode.ERROR))
        call.end(end - 3_000_000)

    def _call(self, step: Step) -> dict[str, str | int]:
        if not step.model:
            return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": step.tool}
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "demo",
            "gen_ai.request.model": step.model,
            "gen_ai.usage.input_tokens": self._chance.randrange(200, 4000),
            "gen_ai.usage.output_tokens": self._chance.randrange(20, 600),
        }

    def _messaging(self, kind: str, queue: str, message_id: str) -> dict[str, str]:
        return {
            "messaging.system": "redis",
            "messaging.destination.name": queue,
            "messaging.operation.type": kind,
            "messaging.message.id": message_id,
            "messaging.message.conversation_id": self._conversation,
        }
