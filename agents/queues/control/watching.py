"""The watcher's part of the control: what is asked for and not done yet is asked again."""

from __future__ import annotations

from datetime import timedelta

from agents.queues.control.services import pausing
from core import watch
from core.watch import Turn

EVERY = timedelta(seconds=3)


def look(turn: Turn) -> None:
    if turn.wanted:
        pausing.carry_out_all()


watch.register("consumption", EVERY, look)
