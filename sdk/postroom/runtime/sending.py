"""Sends messages: context, headers, large content aside, hooks, and the event `sent`.

Inside a handler a message carries on, without a word from the author: the trace, the workflow, the conversation, the
deadline, and which message it was caused by.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from time import time
from typing import Any

from kombu import Queue
from kombu.exceptions import OperationalError

from postroom import events, headers, ids, moments, payloads
from postroom.content.api import Shelf
from postroom.delivery.api import DeliveryError, Settler
from postroom.delivery.rabbitmq.queues import agent_queue
from postroom.delivery.telling import telling
from postroom.events import Event
from postroom.runtime import body, tracing
from postroom.runtime.api import About, Hook, Incoming, Outgoing
from postroom.runtime.decisions import Desk, here
from postroom.runtime.held import held_up
from postroom.runtime.hooks import overriding
from postroom.runtime.opening import trace_id_of

_ORIGIN = f"{os.getpid()}@{socket.gethostname()}"
PERSISTENT = 2


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the sender says about a message, beside its payload."""

    metadata: Mapping[str, Any] | None = None
    # Seconds from now, or a moment.
    deadline: float | datetime | None = None
    # Seconds until it may be handled.
    delay: float | None = None
    workflow: str = ""
    conversation_id: str = ""
    message_id: str = ""
    task: str = body.TASK
    priority: int | None = None
    headers: Mapping[str, Any] | None = None


class Sender:
    """Sends for one agent, through a Celery application's connections."""

    def __init__(
        self, app: Any, about: About, settler: Settler, hooks: Iterable[Hook], shelf: Shelf | None
    ) -> None:
        self._app, self._about, self._settler, self._shelf = app, about, settler, shelf
        self._before = overriding(hooks, "before_send")
        self._headers = overriding(hooks, "headers_to_send")
        self._after = overriding(hooks, "after_send")
        self._declared: set[str] = set()
        self._amqp = app.conf.broker_url.startswith(("amqp", "pyamqp"))

    def send(self, recipient: str, payload: Any, said: Letterhead) -> str:
        """Raises DeliveryError when the broker does not confirm."""
        desk = here()
        outgoing = self._outgoing(recipient, payload, said, desk.incoming if desk else None)
        self._let_pass(outgoing, desk)
        for hook in self._headers:
            outgoing = replace(outgoing, headers={**outgoing.headers, **hook.headers_to_send(outgoing)})
        self._confirmed(outgoing, said, desk)
        return outgoing.message_id

    def _let_pass(self, outgoing: Outgoing, desk: Desk | None) -> None:
        """Hooks may refuse, or hold it up until there is room."""
        if self._before:
            with held_up(desk, self._about, outgoing.queue):
                for hook in self._before:
                    hook.before_send(outgoing)

    def _outgoing(self, recipient: str, payload: Any, said: Letterhead, cause: Incoming | None) -> Outgoing:
        message_id = said.message_id or ids.new()
        encoded, reference = self._encode(payload)
        carried = self._carried(message_id, said, cause)
        if reference:
            carried[headers.CONTENT_REF] = reference
        return Outgoing(
            message_id,
            self._about.agent,
            recipient,
            recipient,
            said.task,
            body.enclose(encoded, said.metadata),
            carried | dict(said.headers or {}),
            self._about.environment,
        )

    def _encode(self, payload: Any) -> tuple[bytes, str]:
        """The payload for the body; when it is large, nothing, and a reference to where it lies."""
        if self._shelf is None:
            return payloads.encode(payload), ""
        return self._shelf.lay_aside(payload)

    def _carried(self, message_id: str, said: Letterhead, cause: Incoming | None) -> dict[str, Any]:
        moment = _deadline(said.deadline, cause)
        return {
            "lang": "py",
            "task": said.task,
            "id": message_id,
            "root_id": str(cause.headers.get("root_id") or cause.message_id) if cause else message_id,
            "parent_id": cause.message_id if cause else None,
            "retries": 0,
            "eta": moments.text(time() + said.delay) if said.delay else None,
            "expires": None,
            "origin": _ORIGIN,
            headers.MESSAGE_ID: message_id,
            headers.SENDER: self._about.agent,
            **_unless_empty(
                {
                    headers.WORKFLOW: said.workflow or (cause.workflow if cause else ""),
                    headers.CONVERSATION_ID: said.conversation_id or (cause.conversation_id if cause else ""),
                    headers.PARENT_ID: cause.message_id if cause else "",
                    headers.DEADLINE: "" if moment is None else moments.text(moment),
                }
            ),
            **tracing.carried(cause.headers if cause else None),
        }

    # ---- To the broker -------------------------------------------------------------------------------------------
    def _confirmed(self, outgoing: Outgoing, said: Letterhead, desk: Desk | None) -> None:
        problem: BaseException | None = None
        try:
            self._publish(outgoing, said, desk)
        except (OperationalError, OSError) as error:
            problem = DeliveryError(f"The broker did not take message {outgoing.message_id}: {error}")
            raise problem from error
        except BaseException as error:
            problem = error
            raise
        finally:
            for hook in self._after:
                hook.after_send(outgoing, problem)

    def _publish(self, outgoing: Outgoing, said: Letterhead, desk: Desk | None) -> None:
        event = events.encode(self._sent(outgoing, said))
        with telling(event) as told, self._app.producer_or_acquire() as producer:
            self._declare(producer, outgoing.queue)
            producer.publish(
                outgoing.body,
                exchange="",
                routing_key=outgoing.queue,
                content_type=body.JSON,
                content_encoding=body.UTF8,
                headers=dict(outgoing.headers),
                correlation_id=outgoing.message_id,
                delivery_mode=PERSISTENT,
                retry=True,
                **({} if said.priority is None else {"priority": said.priority}),
            )
        if not told:
            self._tell(event, desk)

    def _tell(self, event: bytes, desk: Desk | None) -> None:
        """With the settlement of the message that is handled here, or at once."""
        if desk is not None:
            desk.events.append(event)
            return
        # The message is on its way, and its receiver's events will tell of it.
        with suppress(DeliveryError):
            self._settler.tell([event])

    def _sent(self, outgoing: Outgoing, said: Letterhead) -> Event:
        return events.make(
            events.SENT,
            outgoing.message_id,
            {
                "agent": outgoing.recipient,
                **told_by_headers(self._about, outgoing.headers, outgoing.queue),
                "sender": outgoing.sender,
                "task": outgoing.task,
            },
        )

    def _declare(self, producer: Any, queue: str) -> None:
        """On RabbitMQ a message to a queue that is not there is gone, so the queue is made first. One that is there
        with other arguments is its owner's affair."""
        if not self._amqp or queue in self._declared:
            return
        with suppress(*producer.connection.channel_errors), producer.connection.channel() as channel:
            quorum_queue(queue)(channel).declare()
        self._declared.add(queue)


def told_by_headers(about: About, carried: Mapping[str, Any], queue: str) -> Event:
    """What the headers of a message that is sent say about it, as the event `sent` has it."""
    return {
        "sender": carried.get(headers.SENDER, ""),
        "environment": about.environment,
        "broker": about.broker,
        "queue": queue,
        "task": str(carried.get("task") or ""),
        "workflow": carried.get(headers.WORKFLOW, ""),
        "conversation_id": carried.get(headers.CONVERSATION_ID, ""),
        "parent_id": carried.get(headers.PARENT_ID, ""),
        "trace_id": trace_id_of(carried.get(headers.TRACEPARENT)),
        "deadline": carried.get(headers.DEADLINE, ""),
        "due": carried.get("eta") or "",
        "attempt": 0,
        "redrive": 0,
        "source": "library",
    }


def quorum_queue(name: str) -> Queue:
    """An agent's queue on RabbitMQ, as every sender and the agent itself declare it."""
    declared = agent_queue(name)
    return Queue(declared.name, routing_key=declared.name, durable=True, queue_arguments=declared.arguments)


def _deadline(said: float | datetime | None, cause: Incoming | None) -> float | None:
    if isinstance(said, datetime):
        return said.timestamp()
    if said is not None:
        return time() + said
    return cause.deadline if cause else None


def _unless_empty(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
