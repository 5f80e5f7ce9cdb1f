"""What an agent's worker lets itself be told over the broker: what it consumes and runs, to pause, to end one message.

Celery's own list is longer: whoever may send to the broker could shut an agent down or let it take from elsewhere.
"""

from __future__ import annotations

from typing import Any, Final

from celery.worker.consumer.control import Control
from celery.worker.control import Panel

ANSWERED: Final = ("ping", "active_queues", "active", "stats", "cancel_consumer", "revoke")


class AgentControl(Control):
    """Celery's remote control, with those commands alone."""

    box: Any

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.box.node.handlers = {name: Panel.data[name] for name in ANSWERED} | {"add_consumer": _again}


def _again(state: Any, queue: str, **_: Any) -> dict[str, str]:
    """Take from its own queue again; there is no other that an agent takes from."""
    own = state.app.conf.task_default_queue
    if queue != own:
        return {"error": f"this agent takes from {own} alone"}
    answer: dict[str, str] = Panel.data["add_consumer"](state, queue)
    return answer
