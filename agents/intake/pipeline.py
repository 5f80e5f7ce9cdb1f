"""A request's way from bytes to what is written: unpack → decode → sanitize → derive → permit. Pure, whatever
thread runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from agents.intake import decode_json, decode_protobuf, derive, sanitize
from agents.intake.answers import Codec, Signal
from agents.intake.limits import MAX_BODY_BYTES
from agents.intake.unpack import unpack
from agents.intake.values import Group, Refused
from agents.intake.writers import Writer
from agents.spans.values import LogRecord, LogRequest, Span

MAX_REASONS = 5
METRICS_GO_ELSEWHERE = "Postroom keeps no metrics; send them to Prometheus, which it reads well beside."
Items = TypeVar("Items", Span, LogRecord)


class Request(NamedTuple):
    """What was received, and from whom. `body` is packed as `encoding` says."""

    signal: Signal
    codec: Codec
    body: bytes
    writer: Writer
    encoding: str = "identity"


class Ready(NamedTuple):
    """What a request comes to: its good items, how many were turned away, and why."""

    spans: tuple[Span, ...] = ()
    logs: tuple[LogRequest, ...] = ()
    rejected: int = 0
    why: str = ""
    size: int = 0  # of the body, unpacked

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
    body = unpack(request.body, request.encoding, MAX_BODY_BYTES)
    if request.signal is Signal.METRICS:
        return _metrics(request.codec, body)
    refused: list[Refused] = []
    way = WAYS[request.signal, request.codec]
    kept = tuple(_items(way.decode(body), way, request.writer, now, refused))
    told = (len(refused), _summary(refused), len(body))
    if request.signal is Signal.TRACES:
        return Ready(kept, (), *told)
    digest = _digest(body, request.writer.environment(""))
    return Ready((), (LogRequest(digest, kept),) if kept else (), *told)


def _items(
    groups: Iterable[Group[Any]], way: Way, writer: Writer, now: int, refused: list[Refused]
) -> Iterator[Any]:
    """The items that may be kept; the others are added to `refused`."""
    for group in groups:
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


def _metrics(codec: Codec, body: bytes) -> Ready:
    count = decode_protobuf if codec is Codec.PROTOBUF else decode_json
    points = count.count_metric_points(body)
    return Ready(rejected=points, why=METRICS_GO_ELSEWHERE if points else "")


def _digest(body: bytes, environment: str) -> bytes:
    """A retry sends the same bytes; packed ones may differ (gzip writes the time), unpacked ones do not."""
    return blake2b(body, digest_size=16, key=environment.encode()[:64]).digest()


def _summary(refused: Sequence[Refused]) -> str:
    """Each reason once, the most frequent first, with how many it cost."""
    if not refused:
        return ""
    reasons = Counter(item.why for item in refused)
    told = [f"{why} ({count})" for why, count in reasons.most_common(MAX_REASONS)]
    if len(reasons) > MAX_REASONS:
        told.append(f"and {len(reasons) - MAX_REASONS} more reasons")
    return "; ".join(told)
