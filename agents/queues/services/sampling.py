"""One broker, asked every few seconds: its queues' figures as they are now, and what the minute saw of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Q

from agents.ledger import table as ledger
from agents.ledger.values import Kind, moment
from agents.queues.api import Broker
from agents.queues.flow import Flow, Told
from agents.queues.models import QueueRow
from agents.queues.rates import STILL, Rates, Sample, Step, Window
from agents.queues.selectors import broker, workers
from agents.queues.services import standing
from agents.queues.services.cells import Writer
from agents.queues.staff import Staff, staff_of
from agents.queues.values import Figures, QueueKey, Reading, Tally, minute_of
from core import clock, hints
from core.brokers.api import BrokerUrl
from core.databases import TELEMETRY

TOPIC = "queues"
# A queue of Redis in which nothing was for so long, and that nobody declares, consumes or sends to, is gone.
IDLE_SECONDS = 24 * 3600.0
FIELDS = (
    "environment", "kind", "depth", "unacknowledged", "oldest_at", "oldest_at_least", "delayed", "consumers",
    "in_rate", "out_rate", "growth", "redeliveries", "memory", "sampled_at", "there",
)  # fmt: skip


class Head(NamedTuple):
    """The message that waits longest: which, and since when at least it is known to be there."""

    id: str
    since: datetime


class Seen(NamedTuple):
    """A queue's sample: its row's new values, and what its minute gets."""

    values: tuple[Any, ...]
    tally: Tally


class Sampler:
    """One broker's. For one thread, and for one writer at a time."""

    def __init__(self, url: BrokerUrl, there: Broker, flow: Flow) -> None:
        self._broker, self._there, self._flow = url, there, flow
        self._ids: dict[str, int] = {}
        self._environments: dict[str, str] = {}
        self._windows: dict[str, Window] = {}
        self._heads: dict[str, Head] = {}
        self._redelivered: dict[str, int] = {}
        # When something was last in it, as far as this sampler knows.
        self._used: dict[str, float] = {}
        self._cells = Writer()

    def step(self) -> Reading:
        """Ask once and write what came. Raises BrokerError when the broker is away, and nothing is written then."""
        if not self._ids:
            self._remember_rows()
        staff = self._staff()
        reading = self._there.read(self._known(staff))
        sent = self._sent_of_heads(reading.queues)
        seen = {each.name: self._see(each, reading.at, staff, sent) for each in reading.queues}
        self._write(reading, seen)
        return reading

    def _staff(self) -> Staff:
        state, now = broker(self._broker.name), clock.now()
        return staff_of(workers(self._broker.name), now, asked=bool(state and state.asked(now)))

    def _remember_rows(self) -> None:
        rows = QueueRow.objects.filter(broker=self._broker.name, there=True)
        for pk, name, environment in rows.values_list("pk", "name", "environment"):
            self._ids[name], self._environments[name] = pk, environment
            self._used.setdefault(name, clock.monotonic())

    def _known(self, staff: Staff) -> set[str]:
        """RabbitMQ says of any name whether it is a queue. Redis cannot, since any name is an empty list: there, a name
        that nobody placed on it is not asked for, nor one in which nothing was for a day."""
        if self._broker.kind == "rabbitmq":
            return {*self._ids, *self._flow.names(self._broker.name, placed=False), *staff.queues}
        since = clock.monotonic() - IDLE_SECONDS
        used = {name for name, at in self._used.items() if at >= since}
        return {*used, *self._flow.names(self._broker.name, placed=True), *staff.queues}

    # ---- One queue's sample ------------------------------------------------------------------------------------

    def _see(self, figures: Figures, at: datetime, staff: Staff, sent: Mapping[str, datetime]) -> Seen:
        told = self._flow.of(QueueKey(self._broker.name, figures.name))
        step, rates = self._rates(figures, told)
        oldest, at_least = self._oldest(figures, told, at, sent)
        consumers = figures.consumers
        if consumers is None:
            leaves = bool(rates.left) or (rates.growth or 0.0) < -STILL
            consumers = staff.consumers(figures.name, busy=leaves)
        environment = (
            told.environment or self._environments.get(figures.name) or settings.POSTROOM.environment
        )
        self._environments[figures.name] = environment
        values = (
            environment, str(figures.kind), figures.depth, figures.unacknowledged, oldest, at_least,
            figures.delayed, consumers, rates.entered, rates.left, rates.growth, figures.redelivered,
            figures.memory, at, True,
        )  # fmt: skip
        return Seen(values, self._tally(figures, consumers, oldest, at, step))

    def _rates(self, figures: Figures, told: Told) -> tuple[Step | None, Rates]:
        """The broker's own counters where it has some, else what events tell."""
        now = clock.monotonic()
        entered, left = figures.entered, figures.left
        if entered is None and left is None:
            entered = told.sent if told.counts_sent(now) and not told.counts_left(now) else None
            left = told.left if told.counts_left(now) else None
        total = figures.depth + (figures.unacknowledged or 0) + (figures.delayed or 0)
        if total:
            self._used[figures.name] = now
        window = self._windows.setdefault(figures.name, Window())
        step = window.add(Sample(now, total, entered, left))
        return step, window.rates()

    def _oldest(
        self, figures: Figures, told: Told, at: datetime, sent: Mapping[str, datetime]
    ) -> tuple[datetime | None, bool]:
        """Since when the head waits, and whether that is only a lower bound."""
        if not figures.depth:
            self._heads.pop(figures.name, None)
            return None, False
        known = sent.get(figures.head_id) or figures.head_at or told.sent_at(figures.depth)
        if known is not None:
            return min(known, at), False
        if not figures.head_id:
            return None, False
        head = self._heads.get(figures.name)
        if head is None or head.id != figures.head_id:
            head = self._heads[figures.name] = Head(figures.head_id, at)
        return head.since, True

    def _sent_of_heads(self, queues: Sequence[Figures]) -> dict[str, datetime]:
        """What the ledger knows of the heads: when each came to where it waits."""
        wanted = {each.head_id for each in queues if each.head_id}
        found: dict[str, datetime] = {}
        for message in ledger.of_id(wanted) if wanted else ():
            since = max(message.since, message.due) if message.state == Kind.RETRYING else message.since
            if came := moment(since):
                found[message.message_id] = max(came, found.get(message.message_id, came))
        return found

    def _tally(
        self,
        figures: Figures,
        consumers: int | None,
        oldest: datetime | None,
        at: datetime,
        step: Step | None,
    ) -> Tally:
        wait, work = self._flow.take(QueueKey(self._broker.name, figures.name))
        return Tally(
            samples=1,
            depth_sum=figures.depth,
            depth_min=figures.depth,
            depth_max=figures.depth,
            depth_last=figures.depth,
            unacked_max=figures.unacknowledged or 0,
            delayed_max=figures.delayed or 0,
            age_max=(at - oldest).total_seconds() if oldest else 0.0,
            consumers_min=consumers,
            consumers_max=consumers,
            memory_max=figures.memory or 0,
            entered=step.entered if step else 0.0,
            left=step.left if step else 0.0,
            counted_s=step.seconds if step else 0.0,
            redelivered=self._newly_redelivered(figures),
            wait=wait,
            work=work,
        )

    def _newly_redelivered(self, figures: Figures) -> int:
        before = self._redelivered.get(figures.name)
        if figures.redelivered is None:
            return 0
        self._redelivered[figures.name] = figures.redelivered
        return max(0, figures.redelivered - before) if before is not None else 0

    # ---- Into the database -------------------------------------------------------------------------------------

    def _write(self, reading: Reading, seen: Mapping[str, Seen]) -> None:
        try:
            with transaction.atomic(using=TELEMETRY):
                self._add_rows(seen.keys() - self._ids.keys(), reading.at)
                _put({self._ids[name]: each.values for name, each in seen.items()})
                self._absent(reading)
                self._cells.add(
                    minute_of(reading.at),
                    {self._ids[name]: each.tally for name, each in seen.items()},
                )
                standing.answers(self._broker, reading.at, reading.note)
                hints.hint(TOPIC, using=TELEMETRY)
        except Exception:
            # What is kept in memory was not written: begin again with what is stored.
            self._cells = Writer()
            self._ids = {}
            raise

    def _add_rows(self, names: Iterable[str], at: datetime) -> None:
        new = [
            QueueRow(
                broker=self._broker.name,
                name=name,
                environment="",
                kind="unknown",
                first_seen=at,
                sampled_at=at,
            )
            for name in sorted(names)
        ]
        if not new:
            return
        QueueRow.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
        rows = QueueRow.objects.filter(broker=self._broker.name)
        ids = dict(rows.values_list("name", "pk"))
        self._ids |= {each.name: ids[each.name] for each in new}

    def _absent(self, reading: Reading) -> None:
        """The broker says that there is no such queue, or nobody asks for it any more: its row stays, with the last
        figures, as gone."""
        if gone := self._ids.keys() - {each.name for each in reading.queues}:
            rows = QueueRow.objects.filter(Q(there=True), pk__in=[self._ids[name] for name in gone])
            rows.update(there=False)
            for name in gone:
                del self._ids[name]


def _put(rows: Mapping[int, tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{name}" = %s' for name in FIELDS)
    statement = f'UPDATE "{QueueRow._meta.db_table}" SET {columns} WHERE "id" = %s'  # noqa: S608 - names of ours
    connection = connections[TELEMETRY]
    adapt = connection.ops.adapt_datetimefield_value
    values = [
        [adapt(value) if isinstance(value, datetime) else value for value in (*said, id)]
        for id, said in rows.items()
    ]
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(statement, values)
