"""The topics `queues` and `brokers`: every queue's last figures, and which brokers answer."""

from __future__ import annotations

from agents.queues import selectors
from agents.queues.values import BrokerState
from core import clock
from core.access.api import SOMEWHERE, Permission
from dashboard import queue_words
from dashboard.live.api import Row, State


class Queues:
    """Figures grow stale by the mere passing of time, so it is read without a hint as well."""

    name = "queues"
    permission = Permission.SEE

    def load(self) -> State:
        now = clock.now()
        rows = {
            str(each.id): Row(selectors.place_of(each), queue_words.shown(each, now))
            for each in selectors.queues()
        }
        return State(None, rows)


class Brokers:
    """Everybody may know whether a broker answers: without that no figure means anything."""

    name = "brokers"
    permission = Permission.SEE

    def load(self) -> State:
        return State(None, {each.name: Row(SOMEWHERE, _broker(each)) for each in selectors.brokers()})


def _broker(broker: BrokerState) -> dict[str, object]:
    away = not broker.reachable and broker.sampled_at is not None
    return {
        "name": broker.name,
        "reachable": broker.reachable,
        "since": clock.rfc3339(broker.since) if away else None,
        "reason": broker.reason if away else "",
    }
