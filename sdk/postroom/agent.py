"""An agent: a program that receives messages and acts on them. Its author writes one method.

    from postroom import Agent

    class Extract(Agent):
        version = "1.8.2"
        capabilities = ["invoice.extract"]

        async def handle_message(self, message):
            fields = await read(message.payload)
            self.send_message("store", fields)

    agent = Extract("extract", broker_url="redis://127.0.0.1:6379/0")

    $ postroom worker shop:agent

Returning acknowledges. Raising is classified: permanent errors become dead letters at once, all others come back later
until the attempts are used up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from postroom import errors, settings
from postroom.backoff import Backoff
from postroom.errors import Classifier, ConfigurationError
from postroom.message import Message
from postroom.runtime.api import Hook
from postroom.runtime.decisions import ACKNOWLEDGE, GIVE_UP, RETRY, Decision, decide, desk, here

if TYPE_CHECKING:
    from postroom.runtime.staff import Staff


class Agent:
    """Receives the messages of one queue. Everything that is a class attribute here can be given to `Agent(…)` too.

    A plain function will do as well:

        >>> agent = Agent("shout", handler=lambda message: message.payload.upper())
        >>> agent.handle_message(Message("1", payload="hello"))
        'HELLO'
    """

    version: str = ""
    capabilities: Sequence[str] = ()
    # Named as the agent unless it says otherwise.
    queue: str = ""
    # 2^n seconds with jitter, five attempts.
    backoff: Backoff = Backoff()
    permanent_errors: tuple[type[BaseException], ...] = ()
    transient_errors: tuple[type[BaseException], ...] = ()
    # Says permanent, transient, unknown, or None to leave it to the classes.
    classifier: Classifier | None = None
    # A message that was handled is not handled again: "auto" keeps the record on a Redis broker; an address or a store
    # keeps it there; None keeps none.
    idempotency: Any = "auto"
    # How long the record of a handled message is kept, in seconds.
    keep_results: float = 7 * 24 * 3600.0
    # Where payloads over the limit go; unset: POSTROOM_CONTENT_URL, else a Redis broker itself, else nowhere.
    content_url: str = ""
    content_limit: int | None = None
    content_kept: float = 7 * 24 * 3600.0
    # What content types a body may have beside JSON. Never pickle from senders that you do not trust.
    accept: Sequence[str] = ("json",)
    # Seconds that the handler may take: the soft limit raises in it, the hard one ends its process.
    soft_time_limit: float | None = None
    time_limit: float | None = None

    def __init__(
        self,
        agent_id: str = "",
        *,
        handler: Callable[[Message], Any] | None = None,
        broker_url: str | None = None,
        url: str | None = None,
        token: str | None = None,
        environment: str | None = None,
        hooks: Sequence[Hook] = (),
        **options: Any,
    ) -> None:
        self.agent_id = agent_id or type(self).__name__.lower()
        self.settings = settings.read(
            broker_url=broker_url,
            url=url,
            token=token,
            environment=environment,
            content_url=options.get("content_url") or self.content_url,
        )
        self.extra_hooks: list[Hook] = list(hooks)
        self._handler = handler
        for name, value in options.items():
            self._set(name, value)
        self.queue = self.queue or self.agent_id

    def _set(self, name: str, value: Any) -> None:
        if not hasattr(Agent, name) or callable(getattr(Agent, name)) or name.startswith("_"):
            raise ConfigurationError(f"An agent has no option {name!r}.")
        setattr(self, name, value)

    # ---- What an author writes -----------------------------------------------------------------------------------
    def handle_message(self, message: Message) -> Any:
        """Act on a message: write this, as `def` or as `async def`. What it returns is kept as the message's result."""
        if self._handler is None:
            raise NotImplementedError(f"{type(self).__name__} has no handle_message.")
        return self._handler(message)

    def hooks(self) -> list[Hook]:
        """Further parts that take part in this agent's life, beside the library's own."""
        return list(self.extra_hooks)

    def add_hook(self, hook: Hook) -> None:
        """Before the agent runs."""
        self.extra_hooks.append(hook)

    def classify(self, error: BaseException) -> str:
        """permanent, transient or unknown."""
        return errors.classify(error, self.permanent_errors, self.transient_errors, self.classifier)

    # ---- What a handler may decide -------------------------------------------------------------------------------
    def acknowledge(self, message: Message) -> None:
        """Done with it. So is a handler that just returns."""
        decide(message.id, Decision(ACKNOWLEDGE))

    def reject(self, message: Message, requeue: bool = True, delay: float | None = None) -> None:
        """Not now: it comes back after `delay` seconds (else as the backoff has it), as one more attempt, as often as
        attempts are left. With requeue=False: a dead letter."""
        if requeue:
            decide(message.id, Decision(RETRY, "rejected by the handler", delay, _current_error()))
        else:
            decide(message.id, Decision(GIVE_UP, "rejected by the handler", error=_current_error()))

    def send_to_error_queue(self, message: Message, reason: str) -> None:
        """Give up on it, and say why: a dead letter with this reason. Called while an exception is handled, the
        letter tells of that too."""
        decide(message.id, Decision(GIVE_UP, reason, error=_current_error()))

    def send_to_dead_letter(self, message: Message) -> None:
        """Give up on it."""
        decide(message.id, Decision(GIVE_UP, error=_current_error()))

    def alert_on_call_team(self, message: Message, error: BaseException | str) -> None:
        """Raise an alert in Postroom, and write it to the log. Decides nothing about the message."""
        self.staff.house.alarm.by_hand(message.id, error)

    def finish_within(self, connection: Any, result: Any = None) -> None:
        """Write the record that this message is handled in your own transaction, which is open on `connection`, so
        that its effects and the record are committed together: then the effect happens exactly once, whatever dies.
        Needs `idempotency=SqlStore(…)` or `DjangoStore(…)` in the same database. Raises LeaseLostError when another
        worker has taken over: let the transaction roll back."""
        records, at = self.staff.house.records, desk()
        if records is None or at.hold is None:
            raise ConfigurationError("The agent keeps no records: give it idempotency=SqlStore(…).")
        records.finish_within(connection, at.hold, result)
        at.finished = True

    # ---- Sending -------------------------------------------------------------------------------------------------
    def send_message(
        self,
        recipient: str,
        payload: Any,
        *,
        metadata: Mapping[str, Any] | None = None,
        deadline: float | datetime | None = None,
        delay: float | None = None,
        workflow: str = "",
        conversation_id: str = "",
        message_id: str = "",
        priority: int | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """Send a message to another agent's queue; its id. On the broker when this returns, else DeliveryError.

        `deadline` is in seconds from now or a moment. Inside a handler the trace, the workflow, the conversation and
        the deadline carry on by themselves.
        """
        from postroom.runtime.sending import Letterhead

        said = Letterhead(
            metadata=metadata,
            deadline=deadline,
            delay=delay,
            workflow=workflow,
            conversation_id=conversation_id,
            message_id=message_id,
            priority=priority,
            headers=headers,
        )
        return self.staff.sender.send(recipient, payload, said)

    # ---- Running -------------------------------------------------------------------------------------------------
    def run(
        self, *, concurrency: int = 0, pool: str = "prefork", instance: str = "", log_level: str = "INFO"
    ) -> int:
        """Take messages until told to end (SIGTERM, Ctrl-C): finishes what runs, hands the rest back. 0 when it ended
        as it should. `postroom worker MODULE:AGENT` does the same."""
        from postroom.runtime.worker import run

        return run(self, concurrency=concurrency, pool=pool, instance=instance, log_level=log_level)

    @cached_property
    def staff(self) -> Staff:
        """The parts that do the work, made when they are first needed."""
        from postroom.runtime.staff import Staff

        return Staff(self)

    def use_broker(self, url: str) -> None:
        """Another broker than it was made with; before it runs or sends."""
        if "staff" in vars(self):
            raise ConfigurationError("The agent is at work already: choose its broker before that.")
        self.settings = replace(self.settings, broker_url=url)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.agent_id} {self.version}>"


def _current_error() -> BaseException | None:
    """The exception that the handler is dealing with, when it decides in an `except`."""
    return sys.exception() if here() is not None else None
