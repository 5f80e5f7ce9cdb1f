"""The watcher's part of the ledger: every broker's `postroom.events` and Celery's own stream, each in a loop, and
what topology reads of spans."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from agents.ledger.celery import CeleryEvents
from agents.ledger.services import arriving
from agents.ledger.services.ears import Way, WayKind
from agents.ledger.services.observing import Observer
from agents.ledger.stream import LifecycleEvents
from agents.ledger.ways import Follower
from agents.spans import following
from core import watch
from core.brokers.api import BrokerUrl, configured

AGAIN = timedelta(milliseconds=200)


def _events(broker: BrokerUrl) -> Follower:
    way, opened = Way(broker.name, WayKind.EVENTS), partial(LifecycleEvents, broker)
    return Follower(way, opened, lambda found: arriving.take(found, broker.name))


def _celery(broker: BrokerUrl) -> Follower:
    opened = partial(CeleryEvents, broker.url)
    return Follower(Way(broker.name, WayKind.CELERY), opened, Observer(broker.name).take)


for _broker in configured():
    watch.register(f"events of {_broker.name}", AGAIN, _events(_broker).follow)
    watch.register(f"celery on {_broker.name}", AGAIN, _celery(_broker).follow)
following.register(arriving.take_spans)
