"""Queues, brokers and workers as programs see them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from rest_framework import serializers

from agents.queues import tallies
from agents.queues.health import Standing, standing
from agents.queues.rates import outlook
from agents.queues.values import (
    BrokerState,
    Consumer,
    Point,
    Quantiles,
    QueueState,
    Running,
    Tally,
    Times,
    Waiting,
    Worker,
)
from core import clock
from dashboard.api import query

STANDINGS = [each.value for each in Standing]
OUTLOOKS = ["empty", "draining", "growing", "steady", "unknown"]


class QueueFilters(query.Filters):
    environment = serializers.CharField(required=False)
    broker = serializers.CharField(required=False)
    state = serializers.ChoiceField(STANDINGS, required=False)
    q = serializers.CharField(required=False, help_text="A part of the name.")


class OutlookShape(serializers.Serializer[Any]):
    """What becomes of the queue when it goes on like this."""

    kind = serializers.ChoiceField(OUTLOOKS)
    seconds = serializers.FloatField(allow_null=True, help_text="Until it is empty.")
    growth = serializers.FloatField(allow_null=True, help_text="Messages a second, in less out.")


class QueueShape(serializers.Serializer[Any]):
    """A queue's last figures. Null: nobody can tell; it is never 0 then."""

    broker = serializers.CharField()
    name = serializers.CharField()
    environment = serializers.CharField(help_text="Of the messages that went through it last.")
    kind = serializers.CharField(help_text="list, classic, quorum, stream or unknown.")
    state = serializers.ChoiceField(STANDINGS)
    depth = serializers.IntegerField(help_text="Messages that wait.")
    unacknowledged = serializers.IntegerField(allow_null=True, help_text="In somebody's hand.")
    delayed = serializers.IntegerField(allow_null=True, help_text="Coming back later.")
    oldest_age_s = serializers.FloatField(allow_null=True, help_text="At `sampled_at`.")
    oldest_is_at_least = serializers.BooleanField(help_text="The true age may be more.")
    consumers = serializers.IntegerField(allow_null=True)
    in_rate = serializers.FloatField(allow_null=True, help_text="Messages a second, over half a minute.")
    out_rate = serializers.FloatField(allow_null=True)
    redeliveries = serializers.IntegerField(allow_null=True, help_text="Since the broker counts.")
    memory = serializers.IntegerField(allow_null=True, help_text="Bytes.")
    outlook = OutlookShape()
    sampled_at = query.UtcTime()
    reachable = serializers.BooleanField(
        help_text="Whether its broker answers; if not, these are the last figures."
    )


class TimesShape(serializers.Serializer[Any]):
    """Seconds, of so many messages."""

    messages = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class PointShape(serializers.Serializer[Any]):
    """What the samples of a stretch of time saw."""

    start = query.UtcTime()
    minutes = serializers.IntegerField()
    samples = serializers.IntegerField()
    depth = serializers.FloatField(help_text="On average.")
    depth_max = serializers.IntegerField()
    unacknowledged_max = serializers.IntegerField()
    oldest_age_s = serializers.FloatField(help_text="At most.")
    consumers_min = serializers.IntegerField(allow_null=True)
    in_rate = serializers.FloatField(allow_null=True)
    out_rate = serializers.FloatField(allow_null=True)
    redelivered = serializers.IntegerField()
    wait = TimesShape()
    work = TimesShape()


class ConsumerShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    told_by = serializers.CharField(help_text="`broker`, or `worker` that answered.")
    address = serializers.CharField()
    prefetch = serializers.IntegerField(allow_null=True)


class RunningShape(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="By this the worker can be asked to end it.")
    task = serializers.CharField()
    queue = serializers.CharField()
    started_at = query.UtcTime(allow_null=True)


class WorkerShape(serializers.Serializer[Any]):
    """A Celery worker; the library's agents run in one, too."""

    broker = serializers.CharField()
    name = serializers.CharField()
    queues = serializers.ListField(child=serializers.CharField())
    concurrency = serializers.IntegerField(allow_null=True)
    prefetch = serializers.IntegerField(allow_null=True)
    pool = serializers.CharField()
    answers = serializers.BooleanField(help_text="Lately. A worker in one thread does not while it works.")
    answered_at = query.UtcTime()
    running = RunningShape(many=True)


class BrokerShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.CharField()
    reachable = serializers.BooleanField()
    since = query.UtcTime(help_text="Reachable, or not, since then.")
    reason = serializers.CharField()
    note = serializers.CharField(help_text="What it cannot be asked.")
    sampled_at = query.UtcTime(allow_null=True)


class OneQueueShape(QueueShape):
    broker_state = BrokerShape()
    consumed_by = ConsumerShape(many=True)
    workers = WorkerShape(many=True)
    wait = TimesShape()
    work = TimesShape()
    history = PointShape(many=True)


class WaitingShape(serializers.Serializer[Any]):
    """A message as a look into the queue saw it; headers and body are null for who may not read payloads."""

    message_id = serializers.CharField()
    task = serializers.CharField()
    sender = serializers.CharField()
    priority = serializers.IntegerField()
    redelivered = serializers.BooleanField()
    sent_at = query.UtcTime(allow_null=True)
    size = serializers.IntegerField()
    content_type = serializers.CharField()
    headers = serializers.DictField(allow_null=True)
    body = serializers.CharField(allow_null=True, help_text="As text.")


def queue(state: QueueState, now: datetime) -> dict[str, Any]:
    names = (
        "broker", "name", "environment", "depth", "unacknowledged", "delayed", "oldest_age_s", "consumers",
        "in_rate", "out_rate", "redeliveries", "memory", "reachable",
    )  # fmt: skip
    return {
        **{name: getattr(state, name) for name in names},
        "kind": state.kind.value,
        "state": standing(state, now).value,
        "oldest_is_at_least": state.oldest_at_least,
        "outlook": outlook(state.depth, state.growth if state.is_fresh(now) else None)._asdict(),
        "sampled_at": clock.rfc3339(state.sampled_at),
    }


def times(found: Times | None) -> dict[str, Any]:
    nothing = Quantiles(0, None, None, None)
    wait, work = (found.wait, found.work) if found else (nothing, nothing)
    return {"wait": wait._asdict(), "work": work._asdict()}


def point(found: Point) -> dict[str, Any]:
    tally = found.tally
    return {
        "start": clock.rfc3339(datetime.fromtimestamp(found.start * 60, clock.now().tzinfo)),
        "minutes": found.level,
        "samples": tally.samples,
        "depth": round(tally.depth_sum / tally.samples, 2) if tally.samples else 0.0,
        "depth_max": tally.depth_max,
        "unacknowledged_max": tally.unacked_max,
        "oldest_age_s": round(tally.age_max, 3),
        "consumers_min": tally.consumers_min,
        "in_rate": per_second(tally, tally.entered),
        "out_rate": per_second(tally, tally.left),
        "redelivered": tally.redelivered,
        "wait": tallies.quantiles(tally.wait)._asdict(),
        "work": tallies.quantiles(tally.work)._asdict(),
    }


def per_second(tally: Tally, count: float) -> float | None:
    """None where nobody counted."""
    return round(max(0.0, count) / tally.counted_s, 3) if tally.counted_s else None


def broker(state: BrokerState) -> dict[str, Any]:
    return {
        **{name: getattr(state, name) for name in ("name", "kind", "reachable", "reason", "note")},
        "since": clock.rfc3339(state.since),
        "sampled_at": clock.rfc3339(state.sampled_at) if state.sampled_at else None,
    }


def consumer(found: Consumer) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("name", "told_by", "address", "prefetch")}


def worker(found: Worker, now: datetime) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in ("broker", "name", "concurrency", "prefetch", "pool")},
        "queues": list(found.queues),
        "answers": found.answers(now),
        "answered_at": clock.rfc3339(found.answered_at),
        "running": [_running(each) for each in found.running],
    }


def waiting(found: Waiting, *, masked: bool) -> dict[str, Any]:
    plain = {
        name: value for name, value in asdict(found).items() if name not in {"headers", "body", "sent_at"}
    }
    return plain | {
        "sent_at": clock.rfc3339(found.sent_at) if found.sent_at else None,
        "headers": None if masked else {str(name): str(value) for name, value in found.headers.items()},
        "body": None if masked else found.body.decode(errors="replace"),
    }


def _running(found: Running) -> dict[str, Any]:
    return {
        "id": found.id,
        "task": found.task,
        "queue": found.queue,
        "started_at": clock.rfc3339(found.started_at) if found.started_at else None,
    }
