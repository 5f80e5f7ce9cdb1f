"""Celery's workers on one broker, asked over Celery's own remote control; and what they are told to do.

A worker answers from its main process, so a long task does not keep it from answering, but for the pool `solo`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from celery import Celery
from celery.app.control import flatten_reply

from core import redis_url
from core.brokers.api import BrokerError, BrokerUrl

# How long workers have to answer. All of them answer within this, so it is also how long a question takes.
ANSWER_SECONDS = 1.0
CONNECT_SECONDS = 3

Answers = Mapping[str, Any]


class Workers:
    """The workers of one broker. For one thread."""

    def __init__(self, broker: BrokerUrl) -> None:
        self._broker = broker
        self._app = Celery(
            "postroom.control",
            broker=redis_url.for_celery(broker.url),
            set_as_current=False,
            broker_connection_timeout=CONNECT_SECONDS,
            broker_connection_retry=False,
            broker_pool_limit=1,
        )
        self._app.conf.broker_transport_options = {
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": 10,
            "max_retries": 0,
        }

    def queues(self) -> Answers:
        """Every worker that answers, with the queues that it consumes. Raises BrokerError."""
        return self._ask("active_queues")

    def running(self) -> Answers:
        """What each works on now. Raises BrokerError."""
        return self._ask("active")

    def about(self, names: Sequence[str]) -> Answers:
        """How these are set up: pool, concurrency, process. Raises BrokerError."""
        return self._ask("stats", names)

    def stop_consuming(self, names: Sequence[str], queue: str) -> Answers:
        """These take no more from the queue; what they have in hand they finish. Raises BrokerError."""
        return self._ask("cancel_consumer", names, queue=queue)

    def consume(self, names: Sequence[str], queue: str) -> Answers:
        """These take from the queue again. Raises BrokerError."""
        return self._ask("add_consumer", names, queue=queue)

    def cancel(self, name: str, task_id: str) -> Answers:
        """The worker ends this one task if it runs it or is about to. Raises BrokerError."""
        return self._ask("revoke", [name], task_id=task_id, terminate=True, signal="SIGTERM")

    def close(self) -> None:
        self._app.close()

    def _ask(self, command: str, names: Sequence[str] | None = None, **arguments: Any) -> Answers:
        if names is not None and not names:
            return {}
        try:
            with self._app.connection_for_write(connect_timeout=CONNECT_SECONDS) as connection:
                connection.ensure_connection(max_retries=0, timeout=CONNECT_SECONDS)
                said = self._app.control.broadcast(
                    command,
                    arguments=arguments,
                    destination=list(names) if names is not None else None,
                    connection=connection,
                    reply=True,
                    timeout=ANSWER_SECONDS,
                    # Those that were named are all that will answer.
                    limit=len(names) if names is not None else None,
                )
        except Exception as problem:
            raise BrokerError(f"cannot reach the workers of {self._broker.name}: {problem}") from problem
        answers: Answers = flatten_reply(said or [])
        return answers
