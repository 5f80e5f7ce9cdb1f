"""The watcher's part of the ledger: every broker's `postroom.events` and Celery's own stream, each in a loop, and
what topology reads of spans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.conf import settings

from agents.ledger.celery import CeleryEvents
from agents.ledger.rabbitmq import RabbitEvents
from agents.ledger.redis_stream import RedisEvents
from agents.ledger.services import arriving
from agents.ledger.services.ears import Way, WayKind
from agents.ledger.services.observing import Observer
from agents.ledger.ways import Follower, Source
from agents.spans import following
from core import watch
from core.env import BrokerUrl

AGAIN = timedelta(milliseconds=200)


def brokers() -> tuple[BrokerUrl, ...]:
    """The brokers of the settings; without any, Postroom's own Redis is `main`."""
    return settings.POSTROOM.brokers or (BrokerUrl("main", settings.REDIS_URL),)


def _events(broker: BrokerUrl) -> Follower:
    opened: Callable[[], Source] = partial(
        RabbitEvents if broker.kind == "rabbitmq" else RedisEvents, broker.url
    )
    return Follower(Way(broker.name, WayKind.EVENTS), opened, lambda found: arriving.take(found, broker.name))


def _celery(broker: BrokerUrl) -> Follower:
    opened = partial(CeleryEvents, broker.url)
    return Follower(Way(broker.name, WayKind.CELERY), opened, Observer(broker.name).take)


for _broker in brokers():
    watch.register(f"events of {_broker.name}", AGAIN, _events(_broker).follow)
    watch.register(f"celery on {_broker.name}", AGAIN, _celery(_broker).follow)
following.register(arriving.take_spans)
