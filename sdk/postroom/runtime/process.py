"""A process that handles messages: which agent works here, and one delivery from raw to settled."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Final

from billiard.process import current_process

from postroom.delivery.api import ClaimLostError, DeliveryError
from postroom.runtime import stages
from postroom.runtime.hooks import tell_all
from postroom.runtime.opening import Raw, incoming
from postroom.runtime.stages import Handling

if TYPE_CHECKING:
    from postroom.runtime.staff import Staff

logger = logging.getLogger(__name__)

SETTLED: Final = "settled"
# Another worker has the message by now.
LOST: Final = "lost"
# The broker did not confirm; the message goes back to its queue.
BACK: Final = "back"

# The agent that works here. A pool's child inherits it when it is forked.
_here: list[Staff] = []


def employ(staff: Staff) -> None:
    """In the worker's main process, before its pool starts."""
    _here[:] = [staff]


def staff() -> Staff:
    assert _here, "no agent works in this process"
    return _here[0]


def handle(raw: Sequence[Any]) -> str:
    """What the pool runs for each delivery."""
    house = staff().house
    return _finish(stages.begin(house, incoming(Raw(*raw))))


def handle_lost(raw: Raw, error: BaseException, started: float) -> str:
    """In the main process, for a delivery whose process ended: one attempt, failed."""
    came = incoming(raw)
    begun = stages.begin(staff().house, came)
    waited = max(0.0, time() - started)
    return _finish(replace(begun, error=error, started=started, clock=perf_counter() - waited))


def _finish(handling: Handling) -> str:
    house = staff().house
    try:
        handling = stages.run(house, handling)
    except ClaimLostError as problem:
        logger.warning("%s", problem)
        return LOST
    except DeliveryError as problem:
        logger.error("%s is not settled and goes back: %s", handling.incoming.message_id, problem)
        return BACK
    _tell_hooks(handling)
    return SETTLED


def _tell_hooks(handling: Handling) -> None:
    house = staff().house
    begun = dict(zip(house.beginning, handling.begun, strict=False))
    for hook in reversed(house.ending):
        tell_all((hook,), "after_handle", handling.incoming, handling.outcome, begun.get(hook))


# ---- A process begins and ends -----------------------------------------------------------------------------------
def begin_process(**_: Any) -> None:
    """After a fork, and in the main process of the other pools."""
    if multiprocessing_child():
        # Service managers tell every process of a worker to end; those that handle messages finish theirs first, and
        # the main process ends them when they are done.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    house = staff().house
    for hook in house.hooks:
        hook.on_process_start(house.about)
    logger.debug("process %d of %s begins", os.getpid(), house.about.instance)


def multiprocessing_child() -> bool:
    process: Any = current_process()
    return bool(process._parent_pid)


def end_process(**_: Any) -> None:
    house = staff().house
    tell_all(reversed(house.hooks), "on_process_stop", house.about)
    house.close()
