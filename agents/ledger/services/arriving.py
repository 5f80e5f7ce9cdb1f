"""What the watcher brings from brokers, on its way to be kept. A broker's word counts as it stands: who may write to
it is the broker's affair, so an event may name any environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import structlog
from django.conf import settings

from agents.ledger import from_spans, reading, table, values
from agents.ledger.reading import Fault, NoEventsError
from agents.ledger.services import keeping
from agents.ledger.values import ONLOOKERS, Event, Source, Sources, Told, told
from agents.spans.values import Span
from core import metrics

log = structlog.get_logger(__name__)

# The topology that live shows is written to the same database, and must not wait for long.
SPANS_TOGETHER = 500
# Who may have told of a message that spans are believed about: Postroom says what it did to it, not who handled it.
BESIDE_SPANS = Sources.SPAN | Sources.POSTROOM


def take(bodies: Sequence[bytes], broker: str) -> None:
    """Bodies of `postroom.events`, each one event or a list. What is no event is logged and left behind: it would
    come again for ever."""
    arrived, environment = values.now(), settings.POSTROOM.environment
    events = [told(_placed(each, broker, environment), arrived) for each in _events(bodies)]
    kept = keeping.keep(events, from_broker=True)
    metrics.LEDGER_KEPT.labels("events").inc(kept.new)


def _placed(event: Event, broker: str, environment: str) -> Event:
    """With what the broker's own place says; nobody there is Postroom itself."""
    given: dict[str, Any] = {} if event.environment else {"environment": environment}
    if not event.broker:
        given["broker"] = broker
    if event.source is Source.POSTROOM:
        given["source"] = Source.LIBRARY
    return msgspec.structs.replace(event, **given) if given else event


def take_observed(events: Sequence[Event], way: str) -> None:
    """What somebody saw who only looks on, and who knows no environment where it is empty: the message's own when
    it is known already, else the default."""
    known = _environments({each.message_id for each in events if not each.environment})
    arrived, default = values.now(), settings.POSTROOM.environment
    placed: list[Told] = []
    for each in events:
        if not each.environment:
            environment = known.get(each.message_id, default)
            placed.append(told(msgspec.structs.replace(each, environment=environment), arrived))
        else:
            placed.append(told(each, arrived))
    kept = keeping.keep(placed)
    metrics.LEDGER_KEPT.labels(way).inc(kept.new)


def take_spans(spans: Sequence[Span]) -> None:
    """What spans tell of messages that nobody else tells of. Seeing the same spans again changes nothing."""
    arrived, environment = values.now(), settings.POSTROOM.environment
    for start in range(0, len(spans), SPANS_TOGETHER):
        # Worked out between the transactions, so that who waits for the database gets in.
        told_of = from_spans.events(spans[start : start + SPANS_TOGETHER], environment)
        if told_of:
            kept = keeping.keep([told(each, arrived) for each in told_of], if_only=BESIDE_SPANS)
            metrics.LEDGER_KEPT.labels("spans").inc(kept.new)


def _events(bodies: Iterable[bytes]) -> Iterator[Event]:
    for body in bodies:
        try:
            pieces = reading.pieces(body)
        except NoEventsError as problem:
            _refused(str(problem), body)
            continue
        for piece in pieces:
            event = reading.read(piece)
            if isinstance(event, Fault):
                _refused(f"{event.field}: {event.detail}", bytes(piece))
            else:
                yield event


def _refused(why: str, body: bytes) -> None:
    metrics.LEDGER_REFUSED.inc()
    log.warning("what came as an event is none", why=why, begins=body[:200].decode(errors="replace"))


def _environments(message_ids: set[str]) -> dict[str, str]:
    """Of those that are known: rather from who had the message in hand than from who looked on."""
    rows = sorted(table.of_id(message_ids), key=lambda row: bool(row.sources & ~int(ONLOOKERS)))
    return {row.message_id: row.environment for row in rows}
