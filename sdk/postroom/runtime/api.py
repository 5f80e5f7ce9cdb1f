"""The front door of the handler loop: the values it passes on, and the hooks that other parts of the library plug in.

A message is handled in named stages: open → authorise → deadline → idempotency → content → handle → classify →
settle. Registry, telemetry, security and backpressure take part through hooks; the loop knows none of them.

Which process calls what: with Celery's prefork pool `on_start` and `on_stop` run in the worker's main process, the
others in the process that handles the message. With the pools `threads` and `solo` it is one process for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postroom.delivery.api import Delivery
from postroom.errors import Failure


@dataclass(frozen=True, slots=True)
class About:
    """Who handles: the same for every message of a worker."""

    agent: str
    instance: str
    queue: str
    version: str = ""
    environment: str = "default"
    broker: str = "main"
    broker_url: str = ""
    host: str = ""
    capabilities: tuple[str, ...] = ()
    # How many messages this worker handles at once, and how many it handles now.
    concurrency: int = 1
    in_flight: Callable[[], int] = field(default=lambda: 0, compare=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came from the broker: nothing decoded, nothing trusted yet but what the headers say."""

    delivery: Delivery
    message_id: str
    task: str
    sender: str
    queue: str
    body: bytes
    content_type: str
    content_encoding: str
    headers: Mapping[str, Any]
    properties: Mapping[str, Any]
    # Counts from 1, anew after each redrive.
    attempt: int = 1
    redrive: int = 0
    redrive_id: str = ""
    workflow: str = ""
    conversation_id: str = ""
    parent_id: str = ""
    trace_id: str = ""
    # Seconds since 1970, or None: as long as it takes.
    deadline: float | None = None
    exchange: str = ""
    routing_key: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `kind` is the event's: succeeded, retrying, dead, expired or refused."""

    kind: str
    failure: Failure | None = None
    error: BaseException | None = None
    duration_ms: float = 0.0
    # When a retry comes back, in seconds from now.
    after: float = 0.0
    result: Any = None
    # It was handled before; the handler did not run again.
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message about to be sent, its body encoded already, so that it can be signed."""

    message_id: str
    sender: str
    recipient: str
    queue: str
    task: str
    body: bytes
    headers: Mapping[str, Any]
    environment: str = "default"
    redrive: int = 0


class Hook:
    """Takes part in the life of an agent and of its messages. Override what is needed; each does nothing by itself.

    A hook that raises fails what it takes part in, as if the handler had raised, except in `after_handle`,
    `after_send`, `on_stop` and `on_process_stop`: what has happened has happened, so there it is logged.
    """

    def on_start(self, about: About) -> None:
        """The worker is about to take messages. Register, begin heartbeats."""

    def on_stop(self, about: About) -> None:
        """The worker took its last message and settled it. Deregister."""

    def on_process_start(self, about: About) -> None:
        """A process that handles messages begins. Open what must not be shared over a fork."""

    def on_process_stop(self, about: About) -> None:
        """That process ends. Flush."""

    def authorise(self, incoming: Incoming) -> None:
        """Raise errors.UnauthorisedError to have the message refused, kept as a letter and never handled."""

    def before_handle(self, incoming: Incoming) -> object:
        """Just before the handler, in its thread. What this returns is given to `after_handle`."""
        return None

    def after_handle(self, incoming: Incoming, outcome: Outcome, begun: object) -> None:
        """The attempt is over and settled. Called for every message that `before_handle` was called for, in reverse
        order of the hooks, and with `begun` None for one that ended before it (unauthorised, past its deadline)."""

    def before_send(self, outgoing: Outgoing) -> None:
        """May block, or raise, to hold the sender up."""

    def headers_to_send(self, outgoing: Outgoing) -> Mapping[str, str]:
        """Headers to add. Called after `before_send`, with the headers that are there already."""
        return {}

    def after_send(self, outgoing: Outgoing, error: BaseException | None) -> None:
        """The broker has the message, or `error` says why not."""
