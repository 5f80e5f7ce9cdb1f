"""What the stages stand on in one process: the agent, its hooks, the broker's settler, and the rest, each once."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from postroom import events
from postroom.backoff import Backoff
from postroom.content.api import Shelf
from postroom.delivery.api import ClaimLostError, Delivery, DeliveryError, Done, Settlement, Settler
from postroom.errors import ConfigurationError, Failure
from postroom.message import Message
from postroom.runtime.alerts import Alarm
from postroom.runtime.api import About, Hook, Incoming, Outcome
from postroom.runtime.decisions import Desk
from postroom.runtime.hooks import overriding
from postroom.runtime.records import Records
from postroom.runtime.running import Teller
from postroom.runtime.sending import Sender

logger = logging.getLogger(__name__)

# How long a process tries to settle what it has handled before it gives the delivery back, in seconds.
SETTLE_TRIES: Final = (0.1, 0.3, 1.0, 3.0, 6.0)


class House:
    """One per process. Everything in it is safe for threads."""

    def __init__(
        self,
        about: About,
        *,
        handler: Callable[[Message], Any],
        classify: Callable[[BaseException], str],
        settler: Settler,
        sender: Sender | None = None,
        hooks: Iterable[Hook] = (),
        backoff: Backoff | None = None,
        records: Records | None = None,
        shelf: Shelf | None = None,
        alarm: Alarm | None = None,
        accept: Iterable[str] = ("json",),
    ) -> None:
        self.about, self.classify, self.accept = about, classify, tuple(accept)
        self.settler, self.sender, self.shelf = settler, sender, shelf
        self.backoff, self.alarm = backoff or Backoff(), alarm or Alarm(about)
        self.teller, self.records = Teller(settler), records
        self.hooks = tuple(hooks)
        self.authorising = overriding(self.hooks, "authorise")
        self.beginning = overriding(self.hooks, "before_handle")
        self.ending = overriding(self.hooks, "after_handle")
        self._handler = handler
        self._local = threading.local()

    # ---- The handler ---------------------------------------------------------------------------------------------
    def call(self, message: Message) -> Any:
        """What the handler returns; a coroutine runs on this thread's own loop, which lives as long as the thread."""
        returned = self._handler(message)
        if inspect.isawaitable(returned):
            return self._runner.run(_await(returned), context=contextvars.copy_context())
        return returned

    @property
    def _runner(self) -> asyncio.Runner:
        runner: asyncio.Runner | None = getattr(self._local, "runner", None)
        if runner is None:
            runner = self._local.runner = asyncio.Runner()
        return runner

    # ---- Around it -----------------------------------------------------------------------------------------------
    def fetch(self, reference: str) -> Any:
        if self.shelf is None:
            raise ConfigurationError(
                "The message's content lies in a content store. Give content_url= or set POSTROOM_CONTENT_URL."
            )
        return self.shelf.fetch(reference)

    def alert(self, incoming: Incoming, failure: Failure, error: BaseException) -> None:
        self.alarm.unknown_error(incoming, failure)

    def settle(self, delivery: Delivery, settlement: Settlement, desk: Desk, outcome: Outcome) -> None:
        """The record, where the settlement does not write it; then the settlement; then the hold, when it failed."""
        records, hold = self.records, desk.hold
        succeeded = outcome.kind == events.SUCCEEDED
        if records and hold and succeeded and not desk.finished:
            records.finish(hold, outcome.result)
        self._settle(delivery, settlement)
        if records and hold and not succeeded:
            records.release(hold)

    def keeping(self, desk: Desk) -> AbstractContextManager[None]:
        return self.records.keeping(desk.hold) if self.records else nullcontext()

    def done(self, desk: Desk, outcome: Outcome) -> Done | None:
        """The record that the settlement is to write."""
        if not self.records or not desk.hold or desk.finished or outcome.kind != events.SUCCEEDED:
            return None
        return self.records.done(desk.hold, outcome.result)

    def _settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """Patiently: a broker that is away for a moment does not make the work be done again."""
        for pause in (*SETTLE_TRIES, None):
            try:
                return self.settler.settle(delivery, settlement)
            except ClaimLostError:
                raise
            except DeliveryError as problem:
                if pause is None:
                    raise
                logger.warning("%s is not settled yet, trying again: %s", delivery.message_id, problem)
                time.sleep(pause)
        return None

    def close(self) -> None:
        self.teller.close()
        self.alarm.close()
        self.settler.close()


async def _await(returned: Any) -> Any:
    return await returned
