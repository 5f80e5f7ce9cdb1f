"""From what Celery's workers answer to values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agents.queues.names import is_queue

LONGEST = 300
MOST_RUNNING = 200


def queues_of(answer: Any) -> list[str]:
    """The names of the queues that a worker says it consumes, agents' queues only."""
    names = {str(_mapping(each).get("name", "")) for each in _list(answer)}
    return sorted(name for name in names if is_queue(name))


def running_of(answer: Any) -> list[dict[str, Any]]:
    """What a worker says it works on, as values.Running in JSON."""
    return [_running(_mapping(each)) for each in _list(answer)[:MOST_RUNNING]]


def about_of(answer: Any) -> dict[str, Any]:
    """Pool, concurrency, prefetch and process id."""
    said = _mapping(answer)
    pool = _mapping(said.get("pool"))
    return {
        "pool": _pool(str(pool.get("implementation") or "")),
        "concurrency": _number(pool.get("max-concurrency")),
        "prefetch": _number(said.get("prefetch_count")),
        "pid": _number(said.get("pid")),
    }


def agent_of(worker: str) -> str:
    """A worker is called `agent@host`; the library's begin with the instance, which begins with the agent."""
    return worker.partition("@")[0]


def _running(said: Mapping[str, Any]) -> dict[str, Any]:
    info = _mapping(said.get("delivery_info"))
    started, id = said.get("time_start"), str(said.get("id") or "")[:LONGEST]
    return {
        "id": id,
        "task": str(said.get("name") or said.get("type") or "")[:LONGEST],
        # The library names what it works on `queue:delivery`, Celery by the task's id.
        "queue": str(info.get("routing_key") or id.rpartition(":")[0])[:LONGEST],
        "message_id": id if ":" not in id else "",
        "started_at": _moment(started),
        "pid": _number(said.get("worker_pid")),
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _moment(stamp: Any) -> str | None:
    """Celery gives the time of day since 4.0; a stamp of a monotonic clock would be decades ago, and is no moment."""
    if not isinstance(stamp, int | float) or stamp < 1_000_000_000:
        return None
    return datetime.fromtimestamp(stamp, UTC).isoformat()


def _pool(implementation: str) -> str:
    """`celery.concurrency.prefork:TaskPool` is prefork."""
    return implementation.partition(":")[0].rpartition(".")[2][:40]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31 else None
