"""Which implementation answers for a configured broker."""

from __future__ import annotations

from django.conf import settings

from agents.queues.api import Broker
from core.brokers.api import BrokerUrl


def opened(broker: BrokerUrl) -> Broker:
    """Never fails: it connects at the first question."""
    if broker.kind == "rabbitmq":
        from agents.queues.rabbitmq import RabbitBroker

        addresses: dict[str, str] = dict(settings.POSTROOM.broker_management)
        return RabbitBroker(broker, addresses.get(broker.name, ""))
    from agents.queues.redis import RedisBroker

    return RedisBroker(broker)
