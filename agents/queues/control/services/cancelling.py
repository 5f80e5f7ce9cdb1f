"""A worker is asked to end one task. What became of the question is said as it is, also when nobody answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from agents.queues.celery import Workers
from agents.queues.selectors import place_of
from agents.queues.values import QueueState, Running, Worker
from core.access.api import Permission, require
from core.access.audit.api import Action, Target
from core.access.services import Actor
from core.brokers.api import BrokerError, find

# What can end one task runs each in a process of its own.
CAN_END = frozenset({"prefork", ""})


class CannotEndError(Exception):
    """This worker's pool cannot end a single task: only prefork runs each in a process. Stop the worker instead."""


class Ending(StrEnum):
    ENDED = "ended"
    NOT_RUNNING = "not_running"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, and a sentence that says what follows for the message."""

    ending: Ending
    sentence: str


def cancel(queue: QueueState, worker: Worker, task: Running, actor: Actor) -> Outcome:
    """Ask it to end the task. Asking twice does no more than asking once. Raises BrokerError, CannotEndError."""
    place = place_of(queue)
    require(actor.subject, Permission.CONTROL_AGENTS, place)
    if worker.pool not in CAN_END:
        raise CannotEndError(CannotEndError.__doc__)
    url = find(queue.broker)
    if url is None:
        raise BrokerError(f"{queue.broker} is not among POSTROOM_BROKERS any more.")
    with transaction.atomic():
        target = Target("task", task.id, task.task, place)
        actor.record(Action.TASK_CANCELLED, target, after={"worker": worker.name, "queue": queue.name})
    workers = Workers(url)
    try:
        return outcome(workers.cancel(worker.name, task.id).get(worker.name), task)
    finally:
        workers.close()


def outcome(said: object, task: Running) -> Outcome:
    """A worker's own words, understood. Pure."""
    if not isinstance(said, dict):
        return Outcome(
            Ending.NO_ANSWER, "The worker did not answer: whether it ended the task is not known. Look again."
        )
    if "error" in said:
        return Outcome(Ending.REFUSED, f"The worker could not: {said['error']}")
    words = str(said.get("ok", ""))
    if "unknown" in words or not words.startswith("terminate"):
        return Outcome(Ending.NOT_RUNNING, "It does not run there any more; nothing was ended.")
    return Outcome(Ending.ENDED, _ended(task))


def _ended(task: Running) -> str:
    if ":" in task.id:
        return (
            "Its process was ended. For its agent this is an attempt that failed: the message is tried again, or "
            "becomes a letter after the last attempt."
        )
    return "Its process was ended, and Celery takes the message off its queue: it is not tried again."
