"""A request's way from bytes to what is written: decode → sanitize → derive → permit. Pure, whatever thread runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from agents.intake import decode_json, decode_protobuf, derive, sanitize
from agents.intake.answers import Codec, Signal
from agents.intake.values import Group, Refused
from agents.intake.writers import Writer
from agents.spans.values import LogRecord, LogRequest, Span

MAX_REASONS = 5
METRICS_GO_ELSEWHERE = "Postroom keeps no metrics; send them to Prometheus, which it reads well beside."
Items = TypeVar("Items", Span, LogRecord)


class Request(NamedTuple):
    """What was received, and from whom."""

    signal: Signal
    codec: Codec
    body: bytes
    writer: Writer


class Ready(NamedTuple):
    """What a request comes to: its good items, how many were turned away, and why."""

    spans: tuple[Span, ...] = ()
    logs: tuple[LogRequest, ...] = ()
    rejected: int = 0
    why: str = ""

    @property
    def items(self) -> int:
        return len(self.spans) + sum(len(request.records) for request in self.logs)


class Way(NamedTuple):
    """The stages for one signal."""

    decode: Callable[[bytes], tuple[Group[Any], ...]]
    sanitize: Callable[[Any, int], Any]
    template: Callable[[Any, str, str], derive.Row]
    derive: Callable[[Any, derive.Row], Any]


_SPANS = (sanitize.span, derive.span_template, derive.span)
_LOGS = (sanitize.log, derive.log_template, derive.log)
WAYS: dict[tuple[Signal, Codec], Way] = {
    (Signal.TRACES, Codec.PROTOBUF): Way(decode_protobuf.traces, *_SPANS),
    (Signal.TRACES, Codec.JSON): Way(decode_json.traces, *_SPANS),
    (Signal.LOGS, Codec.PROTOBUF): Way(decode_protobuf.logs, *_LOGS),
    (Signal.LOGS, Codec.JSON): Way(decode_json.logs, *_LOGS),
}


def prepare(request: Request, now: int) -> Ready:
    """Everything that can be decided about a request without the store. Raises a RefusalError."""
    if request.signal is Signal.METRICS:
        return _metrics(request)
    refused: list[Refused] = []
    kept = tuple(_items(WAYS[request.signal, request.codec], request, now, refused))
    told = (len(refused), _summary(refused))
    if request.signal is Signal.TRACES:
        return Ready(kept, (), *told)
    return Ready((), (LogRequest(_digest(request), kept),) if kept else (), *told)


def _items(way: Way, request: Request, now: int, refused: list[Refused]) -> Iterator[Any]:
    """The items that may be kept; the others are added to `refused`."""
    writer = request.writer
    for group in way.decode(request.body):
        environment = writer.environment(derive.environment_of(group.resource))
        template = way.template(group.resource, group.scope, environment)
        for raw in group.items:
            clean = raw if isinstance(raw, Refused) else way.sanitize(raw, now)
            if isinstance(clean, Refused):
                refused.append(clean)
                continue
            item = way.derive(clean, template)
            if why := writer.why_not(environment, item.agent):
                refused.append(Refused(why))
            else:
                yield item


def _metrics(request: Request) -> Ready:
    count = decode_protobuf if request.codec is Codec.PROTOBUF else decode_json
    points = count.count_metric_points(request.body)
    return Ready(rejected=points, why=METRICS_GO_ELSEWHERE if points else "")


def _digest(request: Request) -> bytes:
    """A retry sends the same bytes; packed ones may differ (gzip writes the time), unpacked ones do not."""
    environment = request.writer.environment("").encode()[:64]
    return blake2b(request.body, digest_size=16, key=environment).digest()


def _summary(refused: Iterable[Refused]) -> str:
    """Each reason once, the most frequent first, with how many it cost."""
    reasons = Counter(item.why for item in refused)
    told = [f"{why} ({count})" for why, count in reasons.most_common(MAX_REASONS)]
    if len(reasons) > MAX_REASONS:
        told.append(f"and {len(reasons) - MAX_REASONS} more reasons")
    return "; ".join(told)
