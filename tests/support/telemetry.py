"""Made-up telemetry that looks like the real thing: fifteen agents, skewed, that pass messages on through queues."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice

from agents.spans.values import LogRecord, Span, SpanKind, Status, encode

SECOND = 1_000_000_000
MINUTE, HOUR = 60 * SECOND, 3_600 * SECOND
AGENTS = [
    "intake",
    "classify",
    "extract",
    "summarise",
    "store",
    "mail",
    "review",
    "pay",
    "ledger",
    "ship",
    "quote",
    "search",
    "plan",
    "translate",
    "audit",
]
WORKFLOWS = ("invoices", "claims", "orders", "mail")
MODELS = ("small-1", "large-2")
NEEDLE = "needle-4711"
_RESOURCES = {
    agent: encode(
        {
            "service.name": agent,
            "service.version": "1.8.2",
            "service.instance.id": f"{agent}-0",
            "deployment.environment.name": "production",
            "telemetry.sdk.language": "python",
        }
    )
    for agent in AGENTS
}


class Maker:
    """Makes traces from one random seed: the same seed and start give the same spans."""

    def __init__(self, seed: int = 1, needle_every: int = 0) -> None:
        self.random = random.Random(seed)
        self.needle_every = needle_every
        self.made = 0

    def spans(self, count: int, start: int, end: int) -> Iterator[Span]:
        """Spans of many traces at once, in the order in which they would arrive."""
        return islice(self._arriving(count, start, end), count)

    def _arriving(self, count: int, start: int, end: int) -> Iterator[Span]:
        step = max((end - start) * 12 // max(count, 1), 1)
        waiting: list[Span] = []
        moment = start
        while True:
            waiting += self.trace(moment)
            moment = min(moment + step, end)
            if len(waiting) > 4_000:
                waiting.sort(key=lambda span: span.end)
                yield from waiting[:3_600]
                del waiting[:3_600]
            elif moment >= end:
                yield from waiting
                waiting = []

    def trace(self, start: int) -> list[Span]:
        """One run of a workflow: four hops, each of them send, process and a call of a model or a tool."""
        chance = self.random
        trace_id = chance.randbytes(16)
        workflow = WORKFLOWS[int(chance.random() ** 2 * 4)]
        first = int(chance.random() ** 2 * 11)
        conversation = f"conv-{chance.getrandbits(48):012x}"
        parent, moment, spans = b"", start, []
        for hop in range(4):
            sender, receiver = AGENTS[first + hop], AGENTS[first + hop + 1]
            spans += self._hop(trace_id, parent, moment, sender, receiver, workflow, conversation)
            parent, moment = spans[-2].span_id, spans[-2].end
        return spans

    def _hop(
        self,
        trace_id: bytes,
        parent: bytes,
        start: int,
        sender: str,
        receiver: str,
        workflow: str,
        conversation: str,
    ) -> list[Span]:
        chance = self.random
        message_id = f"{chance.getrandbits(128):032x}"
        queue = f"{receiver}.q"
        took = int(chance.expovariate(1 / 400) * 1_000_000) + 1_000_000
        wait = int(chance.expovariate(1 / 50) * 1_000_000)
        failed = chance.random() < 0.02
        send, process, call = chance.randbytes(8), chance.randbytes(8), chance.randbytes(8)
        common = {
            "messaging.system": "rabbitmq",
            "messaging.destination.name": queue,
            "messaging.message.id": message_id,
            "messaging.message.conversation_id": conversation,
        }
        shared = {"workflow": workflow, "conversation_id": conversation}
        messaging = {"system": "rabbitmq", "queue": queue, "message_id": message_id}
        sent = self._span(
            sender,
            trace_id,
            send,
            parent,
            start,
            3_000_000 + chance.randrange(2_000_000),
            f"send {queue}",
            SpanKind.PRODUCER,
            common
            | {"messaging.operation.type": "send", "messaging.message.body.size": chance.randrange(9000)},
            operation="send",
            step="send",
            **shared,
            **messaging,
        )
        processed = self._span(
            receiver,
            trace_id,
            process,
            send,
            sent.end + wait,
            took,
            f"process {queue}",
            SpanKind.CONSUMER,
            common | {"messaging.operation.type": "process", "order.id": self._order()},
            operation="process",
            step="process",
            status=Status.ERROR if failed else Status.UNSET,
            error_type="TimeoutError" if failed else "",
            links=encode([{"trace_id": trace_id.hex(), "span_id": send.hex(), "attributes": {}}]),
            **shared,
            **messaging,
        )
        return [sent, processed, self._call(receiver, trace_id, call, processed, shared)]

    def _call(
        self, agent: str, trace_id: bytes, span_id: bytes, around: Span, shared: dict[str, str]
    ) -> Span:
        chance = self.random
        model = MODELS[chance.random() < 0.2]
        tokens = chance.randrange(200, 4_000), chance.randrange(20, 900)
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "acme",
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": tokens[0],
            "gen_ai.usage.output_tokens": tokens[1],
            "gen_ai.conversation.id": shared["conversation_id"],
            "server.address": "models.internal",
        }
        return self._span(
            agent,
            trace_id,
            span_id,
            around.span_id,
            around.start + 500_000,
            around.duration * 3 // 4,
            f"chat {model}",
            SpanKind.CLIENT,
            attributes,
            operation="chat",
            system="acme",
            model=model,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            **shared,
        )

    def _span(
        self,
        agent: str,
        trace_id: bytes,
        span_id: bytes,
        parent: bytes,
        start: int,
        duration: int,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, object],
        **derived: object,
    ) -> Span:
        return Span(
            trace_id,
            span_id,
            parent,
            start,
            duration,
            name,
            int(kind),
            agent=agent,
            service=agent,
            instance=f"{agent}-0",
            version="1.8.2",
            environment="production",
            scope="made.up",
            resource=_RESOURCES[agent],
            attributes=encode(attributes),
            **derived,  # type: ignore[arg-type]
        )

    def _order(self) -> str:
        self.made += 3
        if self.needle_every and self.made % self.needle_every < 3:
            return NEEDLE
        return f"o-{self.random.getrandbits(40):010x}"


def log_of(span: Span, text: str, severity: int = 9) -> LogRecord:
    """A line that a span's agent logged in its midst."""
    return LogRecord(
        span.start + 1_000,
        span.start + 1_000,
        span.trace_id,
        span.span_id,
        severity,
        "INFO" if severity < 13 else "ERROR",
        text,
        agent=span.agent,
        service=span.service,
        environment=span.environment,
        message_id=span.message_id,
        attributes=encode({"line": len(text)}),
    )
