"""What works for an instrumented application: in each process a house, as an agent has it."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from functools import cached_property
from typing import Any

from celery.worker.state import active_requests

from postroom import errors
from postroom.backoff import Backoff
from postroom.errors import Classifier
from postroom.message import Message
from postroom.runtime.alerts import Alarm
from postroom.runtime.api import About, Hook
from postroom.runtime.brokers import PREFIX, is_redis, settler_for
from postroom.runtime.house import House
from postroom.runtime.plugins import default_hooks
from postroom.runtime.records import open_records
from postroom.settings import Settings
from postroom.spool import Postman, Spool, default_folder

NO_RETRIES = Backoff(attempts=1)
KEEP_RESULTS = 7 * 24 * 3600.0


class Office:
    """One per application; what must not be shared over a fork is made anew after it."""

    def __init__(
        self,
        app: Any,
        known: Settings,
        *,
        agent_id: str,
        version: str,
        capabilities: tuple[str, ...],
        permanent: tuple[type[BaseException], ...],
        transient: tuple[type[BaseException], ...],
        classifier: Classifier | None,
        idempotency: Any,
        hooks: tuple[Hook, ...],
    ) -> None:
        self.app, self._known, self._agent_id = app, known, agent_id
        self._permanent, self._transient, self._classifier = permanent, transient, classifier
        self.idempotency = idempotency
        self._version, self._capabilities, self._hooks = version, capabilities, hooks
        self._lock = threading.Lock()
        self._houses: dict[int, House] = {}
        self._postmen: dict[int, Postman] = {}
        self._as_worker: About | None = None

    # ---- Who works here ------------------------------------------------------------------------------------------
    def call_yourself(self, node: str, concurrency: int) -> None:
        """A worker starts; its name is known now, and its processes are not forked yet."""
        name, _, host = node.partition("@")
        agent = self._agent_id or (name if name and name != "celery" else self.app.main or "celery")
        self._as_worker = replace(
            self._sender,
            agent=agent,
            instance=node or self._sender.instance,
            host=host or self._sender.host,
            concurrency=concurrency,
            in_flight=lambda: len(active_requests),
        )

    @property
    def about(self) -> About:
        return self._as_worker or self._sender

    @cached_property
    def _sender(self) -> About:
        """A process that only sends: a web server, a script."""
        host = socket.gethostname()
        return About(
            agent=self._agent_id or self.app.main or "celery",
            instance=f"{self.app.main or 'celery'}@{host}",
            queue=self.app.conf.task_default_queue,
            version=self._version,
            environment=self._known.environment,
            broker=self._known.broker,
            broker_url=self.broker_url,
            host=host,
            capabilities=self._capabilities,
        )

    @cached_property
    def broker_url(self) -> str:
        """Where its workers take messages from."""
        read = self.app.conf.broker_read_url or self.app.conf.broker_url
        return str(read[0] if isinstance(read, list | tuple) else read).partition(";")[0]

    @property
    def waits(self) -> bool:
        """Something brings a message back later: our transport, or RabbitMQ. Plain redis:// has nothing that does."""
        return self.lossless or not is_redis(self.broker_url)

    @property
    def lossless(self) -> bool:
        """Our own transport: a settlement acknowledges in the same step, and a retry waits on the broker."""
        return self.broker_url.startswith(PREFIX)

    @cached_property
    def hooks(self) -> list[Hook]:
        return [*default_hooks(self.about, self._known), *self._hooks]

    # ---- What it works with --------------------------------------------------------------------------------------
    @property
    def house(self) -> House:
        """This process's own."""
        found = self._houses.get(os.getpid())
        if found is None:
            with self._lock:
                found = self._houses.get(os.getpid()) or self._houses.setdefault(os.getpid(), self._build())
        return found

    @property
    def postman(self) -> Postman:
        """For what the broker does not take after the message was acknowledged."""
        found = self._postmen.get(os.getpid())
        if found is None:
            spool = Spool(default_folder(self.about.instance))
            found = self._postmen.setdefault(os.getpid(), Postman(spool, self.house.settler))
        return found

    def classify(self, error: BaseException) -> str:
        return errors.classify(error, self._permanent, self._transient, self._classifier)

    def _build(self) -> House:
        return House(
            self.about,
            handler=_no_handler,
            classify=self.classify,
            settler=settler_for(self.broker_url),
            hooks=self.hooks,
            # Celery has retried by its own rules before it calls a task failed.
            backoff=NO_RETRIES,
            records=open_records(self.idempotency, self.broker_url, KEEP_RESULTS),
            alarm=Alarm(self.about, self._known.url, self._known.token),
        )


def _no_handler(message: Message) -> Any:
    raise AssertionError("an instrumented application runs its own tasks")
