"""Which delivery a Celery task is handling, read off its request: in the worker itself or in a prefork child."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postroom.delivery.api import Delivery


def delivery_of(message_id: str, properties: Mapping[str, Any], delivery_info: Mapping[str, Any]) -> Delivery:
    """The delivery behind `task.request`, whose `properties` and `delivery_info` these are.

    On `postroom+redis://` the transport has written queue and claim into the properties. On RabbitMQ the queue is the
    routing key (agents' queues hang on the default exchange), and the acknowledgement stays the caller's.
    """
    info = properties.get("delivery_info") or {}
    tag = str(properties.get("delivery_tag") or "")
    return Delivery(
        queue=str(info.get("queue") or delivery_info.get("routing_key") or ""),
        message_id=message_id,
        tag=tag,
        claim=tag,
        redelivered=bool(info.get("redelivered") or delivery_info.get("redelivered")),
    )


def deliveries_before(properties: Mapping[str, Any], headers: Mapping[str, Any]) -> int:
    """How often the message was delivered before: for a limit on messages that kill their worker each time."""
    info = properties.get("delivery_info") or {}
    return int(info.get("deliveries_before") or headers.get("x-delivery-count") or 0)
