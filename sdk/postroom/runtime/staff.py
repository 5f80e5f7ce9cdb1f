"""Everything that works for one agent: its Celery application, its sender, and in each process a house."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from celery import Celery
from kombu import Queue

from postroom.content.api import LIMIT, LIMIT_ON_REDIS, Shelf
from postroom.content.stores import open_store
from postroom.runtime.alerts import Alarm
from postroom.runtime.api import About, Hook
from postroom.runtime.brokers import is_redis, lossless, settler_for
from postroom.runtime.house import House
from postroom.runtime.plugins import default_hooks
from postroom.runtime.records import open_records
from postroom.runtime.sending import Sender, quorum_queue

if TYPE_CHECKING:
    from postroom.agent import Agent


class Staff:
    """Made once per agent in the worker's main process; what must not be shared over a fork is made anew after it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.broker_url = lossless(agent.settings.needs_broker())
        self.about = _about(agent, self.broker_url)
        self._lock = threading.Lock()
        self._houses: dict[int, House] = {}

    def call_yourself(self, instance: str, concurrency: int, in_flight: Any) -> None:
        """What is known only when the worker starts."""
        self.about = replace(
            self.about,
            instance=instance or self.about.instance,
            concurrency=concurrency,
            in_flight=in_flight,
        )

    @cached_property
    def hooks(self) -> list[Hook]:
        return [*default_hooks(self.about, self.agent.settings), *self.agent.hooks()]

    @cached_property
    def app(self) -> Celery:
        app = Celery(self.agent.agent_id, broker=self.broker_url, set_as_current=False)
        queue = Queue(self.agent.queue, routing_key=self.agent.queue)
        app.conf.update(
            task_queues=[queue if is_redis(self.broker_url) else quorum_queue(self.agent.queue)],
            task_default_queue=self.agent.queue,
            task_ignore_result=True,
            worker_consumer="postroom.runtime.consumer:AgentConsumer",
            worker_redirect_stdouts=False,
            worker_prefetch_multiplier=1,
            worker_soft_shutdown_timeout=0,
            broker_connection_retry_on_startup=True,
            broker_transport_options={} if is_redis(self.broker_url) else {"confirm_publish": True},
        )
        app.postroom_staff = self  # type: ignore[attr-defined]
        return app

    @cached_property
    def shelf(self) -> Shelf | None:
        """A Redis broker is a content store as well; RabbitMQ is none."""
        on_redis = is_redis(self.broker_url)
        url = self.agent.settings.content_url or (self.broker_url if on_redis else "")
        limit = self.agent.content_limit or (LIMIT_ON_REDIS if on_redis else LIMIT)
        return Shelf(open_store(url, self.agent.content_kept), limit) if url else None

    @property
    def house(self) -> House:
        """This process's own."""
        found = self._houses.get(os.getpid())
        if found is None:
            with self._lock:
                found = self._houses.setdefault(os.getpid(), self._build())
        return found

    @property
    def sender(self) -> Sender:
        sender = self.house.sender
        assert sender is not None, "an agent's house has one"
        return sender

    def _build(self) -> House:
        agent, known = self.agent, self.agent.settings
        settler = settler_for(self.broker_url)
        return House(
            self.about,
            handler=agent.handle_message,
            classify=agent.classify,
            settler=settler,
            sender=Sender(self.app, self.about, settler, self.hooks, self.shelf),
            hooks=self.hooks,
            backoff=agent.backoff,
            records=open_records(agent.idempotency, self.broker_url, agent.keep_results),
            shelf=self.shelf,
            alarm=Alarm(self.about, known.url, known.token),
            accept=agent.accept,
        )


def _about(agent: Agent, broker_url: str) -> About:
    host = socket.gethostname()
    return About(
        agent=agent.agent_id,
        instance=f"{agent.agent_id}-{host}-{os.getpid()}",
        queue=agent.queue,
        version=agent.version,
        environment=agent.settings.environment,
        broker=agent.settings.broker,
        broker_url=broker_url,
        host=host,
        capabilities=tuple(agent.capabilities),
    )
