"""The worker's main process: takes deliveries, gives each to the pool, and frees its place when it is settled.

Celery's own way would decode every body here, and throw away what it cannot decode or does not know; here nothing is
decoded, so whatever comes reaches the stages, which make a letter of what cannot be read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from signal import SIGKILL
from time import monotonic, time
from typing import Any

from billiard.exceptions import TimeLimitExceeded
from celery.worker.consumer import Consumer
from celery.worker.state import task_accepted, task_ready, task_reserved
from vine import promise

from postroom.errors import TimeLimitError, WorkerLostError
from postroom.runtime.opening import Raw
from postroom.runtime.process import BACK, handle, handle_lost

logger = logging.getLogger(__name__)


class _Task:
    """What Celery asks about a task: acknowledged late, always."""

    name = "postroom.handle"
    acks_late = True
    send_events = False


_Blueprint: Any = Consumer.Blueprint
CONTROL = "postroom.runtime.control:AgentControl"


class AgentConsumer(Consumer):
    """Every message of the queue is the agent's."""

    class Blueprint(_Blueprint):  # type: ignore[misc]
        """Without Celery's own delayed delivery, which would make 28 queues on RabbitMQ: a retry waits in ours. And
        with a remote control that does less."""

        default_steps = [
            CONTROL if step.endswith(":Control") else step
            for step in _Blueprint.default_steps
            if "delayed_delivery" not in step
        ]

    def create_task_handler(self, promise: Any = promise) -> Callable[[Any], None]:
        worker: Any = self
        agent = worker.app.postroom_staff.agent
        limits = {"soft_timeout": agent.soft_time_limit, "timeout": agent.time_limit}

        def on_message(message: Any) -> None:
            handover = Handover(
                message,
                raw_of(message, agent.queue),
                limits,
                promise(worker.call_soon_ack, (message.ack_log_error,)),
                promise(worker.call_soon_ack, (message.reject_log_error,)),
                worker.connection_errors,
            )
            task_reserved(handover)
            worker.on_task_request(handover)

        return on_message


def raw_of(message: Any, queue: str) -> Raw:
    """A kombu message as plain values."""
    info = message.delivery_info or {}
    return Raw(
        queue=info.get("queue") or queue,
        tag=str(message.delivery_tag),
        claim="",
        redelivered=bool(info.get("redelivered")),
        headers=message.headers or {},
        properties=message.properties or {},
        body=message.body if isinstance(message.body, bytes | str) else bytes(message.body),
        content_type=message.content_type or "",
        content_encoding=message.content_encoding or "",
        exchange=info.get("exchange") or "",
        routing_key=info.get("routing_key") or "",
    )


class Handover:
    """One delivery, from the moment it is taken until its place is free. What Celery's worker asks of a request."""

    task = _Task
    name = _Task.name
    time_start: float | None = None
    worker_pid: int | None = None
    acknowledged = False

    def __init__(
        self,
        message: Any,
        raw: Raw,
        limits: dict[str, float | None],
        acknowledge: Callable[..., object],
        reject: Callable[..., object],
        connection_errors: Any,
    ) -> None:
        self.message, self.raw, self._limits = message, raw, limits
        self._acknowledge, self._reject, self._errors = acknowledge, reject, connection_errors
        self._job: Any = None
        self.id = f"{raw.queue}:{raw.tag}"

    def execute_using_pool(self, pool: Any, **_: Any) -> Any:
        self._job = pool.apply_async(
            handle,
            args=(tuple(self.raw),),
            accept_callback=self.on_accepted,
            timeout_callback=None,
            callback=self.on_success,
            error_callback=self.on_failure,
            correlation_id=self.id,
            **self._limits,
        )
        return self._job

    # ---- What the pool says ------------------------------------------------------------------------------------
    def on_accepted(self, pid: int, accepted: float) -> None:
        self.worker_pid = pid
        self.time_start = time() - (monotonic() - accepted)
        task_accepted(self)

    def on_success(self, verdict: str, **_: Any) -> None:
        """The process settled it, or could not."""
        task_ready(self)
        if verdict == BACK:
            self.reject(requeue=True)
        else:
            self.acknowledge()

    def on_failure(self, found: Any, **_: Any) -> None:
        """The process ended before it could settle: killed, out of memory, or over its time limit."""
        task_ready(self)
        if self.acknowledged:
            return
        error = getattr(found.exception, "exc", found.exception)
        logger.error("the process that handled %s ended: %r", self.id, error)
        self.on_success(handle_lost(self.raw, _told(error), self.time_start or time()))

    # ---- What the worker says ------------------------------------------------------------------------------------
    def acknowledge(self) -> None:
        """Frees its place. On Redis the settlement acknowledged it already, so the broker does nothing more."""
        if not self.acknowledged:
            self.acknowledged = True
            self._acknowledge(logger, self._errors)

    def reject(self, requeue: bool = False) -> None:
        if not self.acknowledged:
            self.acknowledged = True
            self._reject(logger, self._errors, requeue)

    def cancel(self, pool: Any, signal: Any = None, **_: Any) -> None:
        """Its connection is lost, or the worker must end at once: whoever runs it is ended, and the broker delivers it
        again."""
        if self.time_start and self.worker_pid:
            pool.terminate_job(self.worker_pid, SIGKILL)

    terminate = cancel

    def info(self, safe: bool = False) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "time_start": self.time_start,
            "worker_pid": self.worker_pid,
        }

    def __str__(self) -> str:
        return f"{self.name}[{self.id}]"


def _told(error: Any) -> BaseException:
    if isinstance(error, TimeLimitExceeded):
        return TimeLimitError(f"The handler took longer than its {error.args[0] if error.args else ''} s.")
    return WorkerLostError(f"The process that handled it ended: {error}")
