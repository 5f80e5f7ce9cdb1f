"""What Celery's own event stream says → lifecycle events and heartbeats. Pure, but for a memory of attempts.

Nothing of a message's content is taken: arguments and results stay where they are.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from agents.ledger.values import Event, Fault, Kind, Source
from agents.registry.values import Heartbeat

KINDS = {
    "task-sent": Kind.SENT,
    "task-received": Kind.RECEIVED,
    "task-started": Kind.RUNNING,
    "task-succeeded": Kind.SUCCEEDED,
    "task-failed": Kind.DEAD,
    "task-retried": Kind.RETRYING,
    "task-revoked": Kind.REFUSED,
    "task-rejected": Kind.REFUSED,
}
BEATS = frozenset({"worker-online", "worker-heartbeat", "worker-offline"})
MOST_REMEMBERED = 50_000
LONGEST = 300
LONGEST_MESSAGE = 4_000
# An exception as `repr` writes it.
_REPR = re.compile(r"^([A-Za-z_][\w.]*)\((.*)\)$", re.DOTALL)


class Attempts:
    """Celery names the attempt when a task is received, and not when it starts or ends."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, int] = OrderedDict()

    def note(self, task_id: str, attempt: int) -> None:
        self._of[task_id] = attempt
        self._of.move_to_end(task_id)
        if len(self._of) > MOST_REMEMBERED:
            self._of.popitem(last=False)

    def known(self, task_id: str) -> bool:
        return task_id in self._of

    def of(self, task_id: str) -> int:
        return self._of.get(task_id, 1)


class Worker(NamedTuple):
    """`agent@host`, as Celery names a worker."""

    agent: str
    host: str
    instance: str


def worker(hostname: str) -> Worker:
    agent, _, host = hostname.partition("@")
    return Worker(agent[:LONGEST] or "celery", host[:LONGEST], hostname[:LONGEST])


def task_of(said: Mapping[str, Any]) -> str:
    """The task that an event is about, or nothing."""
    found = said.get("uuid") if said.get("type") in KINDS else ""
    return found if isinstance(found, str) and len(found) <= LONGEST and "\0" not in found else ""


def event(said: Mapping[str, Any], broker: str, attempts: Attempts) -> Event | None:
    """The event of a message, or None: it says nothing that we keep."""
    task_id, at = task_of(said), _moment(said.get("timestamp"))
    if not task_id or at is None:
        return None
    kind = _kind(said)
    if kind in {Kind.SENT, Kind.RECEIVED}:
        attempts.note(task_id, _number(said.get("retries")) + 1)
    found = Event(
        id=_id(said),
        kind=kind,
        at=at,
        message_id=task_id,
        broker=broker,
        source=Source.CELERY,
        attempt=0 if kind is Kind.SENT else attempts.of(task_id),
        task=_text(said.get("name")),
        queue=_text(said.get("queue")),
        parent_id=_text(said.get("parent_id")),
        duration_ms=_milliseconds(said.get("runtime")),
        error=_error(said),
    )
    return found if kind is Kind.SENT else _by(found, worker(_text(said.get("hostname"))))


def heartbeat(said: Mapping[str, Any], environment: str, arrived: datetime) -> Heartbeat | None:
    """A worker's sign of life, or None: it is none."""
    if said.get("type") not in BEATS:
        return None
    who, load = worker(_text(said.get("hostname"))), said.get("loadavg")
    return Heartbeat(
        who.agent,
        who.instance,
        environment,
        arrived,
        status="stopping" if said["type"] == "worker-offline" else "",
        load=float(load[0]) if isinstance(load, list | tuple) and load else None,
        in_flight=_number(said.get("active")),
        at=_moment(said.get("timestamp")),
    )


def _kind(said: Mapping[str, Any]) -> Kind:
    if said["type"] == "task-revoked" and said.get("expired"):
        return Kind.EXPIRED
    if said["type"] == "task-rejected" and said.get("requeue"):
        return Kind.WAITING
    return KINDS[said["type"]]


def _by(found: Event, who: Worker) -> Event:
    return msgspec.structs.replace(found, agent=who.agent, instance=who.instance, host=who.host)


def _id(said: Mapping[str, Any]) -> str:
    """The same event has the same id, whichever watcher hears it."""
    parts = (said["type"], said["uuid"], said.get("hostname"), said.get("timestamp"), said.get("retries"))
    return "celery-" + blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _error(said: Mapping[str, Any]) -> Fault | None:
    text = said.get("exception")
    if not isinstance(text, str) or not text:
        return None
    found = _REPR.match(text)
    type_, message = found.groups() if found else ("", text)
    message = message.strip("'\"") if found else message
    return Fault(
        class_="unknown",
        reason="exception",
        type=type_[:LONGEST],
        message=message[:LONGEST_MESSAGE].replace("\0", "\ufffd"),
    )


def _moment(stamp: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _text(value: Any) -> str:
    return value[:LONGEST].replace("\0", "\ufffd") if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return max(0, min(value, 2**31 - 2)) if isinstance(value, int) else 0


def _milliseconds(seconds: Any) -> float | None:
    return seconds * 1000 if isinstance(seconds, int | float) and seconds >= 0 else None
