"""What this process still needs before it can do its work, each with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from core import live_redis, processes
from core.databases import DEFAULT, TELEMETRY
from core.processes import Kind, ProcessState, State

CLUSTER = (
    "POSTROOM_REDIS_URL is a Redis cluster, and Celery cannot use one as its broker. Give Postroom a single "
    "server, with replicas or Sentinel's failover if it must not fail."
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that is not there. `needed` is false for one that others run: without it a page still answers."""

    part: str
    sentence: str
    needed: bool = True


def missing() -> list[Missing]:
    """Everything that is missing, what this process cannot do without first."""
    return [*_databases(), *_redis(), *_static(), *absent(processes.all())]


def ready(found: list[Missing]) -> bool:
    return not any(each.needed for each in found)


def absent(states: list[ProcessState]) -> list[Missing]:
    """Processes that do not work: said, but no reason to take the console away from those who look."""
    return [
        Missing(str(state.kind), f"{state.kind} is {state.state}. {state.reason}".strip(), needed=False)
        for state in states
        # Redis has an entry of its own: without it nothing goes.
        if state.state is not State.UP and state.kind is not Kind.REDIS
    ]


def _databases() -> Iterator[Missing]:
    for alias in (DEFAULT, TELEMETRY):
        if problem := _database_problem(alias):
            yield Missing(f"database {alias}", problem)


_migrated: set[str] = set()


def _database_problem(alias: str) -> str | None:
    connection = connections[alias]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if alias not in _migrated and _pending(alias):
            return "Its tables are not up to date. Run `manage.py migrate`."
    except DatabaseError as problem:
        connection.close()
        return f"It cannot be reached: {str(problem).strip().splitlines()[0]}"
    # Tables do not go back while a process of this version runs; asking again would cost every probe.
    _migrated.add(alias)
    return None


def _pending(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _redis() -> Iterator[Missing]:
    try:
        if live_redis.is_cluster(live_redis.client()):
            yield Missing("redis", CLUSTER)
    except live_redis.Unreachable:
        yield Missing("redis", "Redis cannot be reached. Start it, or see POSTROOM_REDIS_URL.")


def _static() -> Iterator[Missing]:
    if problem := unbuilt():
        yield Missing("static files", problem)


def unbuilt() -> str | None:
    """Why pages would have no styles, or None."""
    if settings.DEBUG or (settings.STATIC_ROOT / "staticfiles.json").exists():
        return None
    return "The pages' files are not built. Run `make run`, or `manage.py collectstatic`."
