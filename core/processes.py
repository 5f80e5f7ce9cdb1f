"""Which processes of Postroom live: each beats into Redis, and `up` says what it knows of its children.

The two are told apart on purpose: a beat proves that a process works, a report says what its supervisor does
about it. `judge` makes one state of both; when Redis cannot be asked, every state is unknown since then.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from core import clock, live_redis

BEATS, REPORTS = "postroom:processes:beats", "postroom:processes:reports"
EVERY = timedelta(seconds=2)
SILENT_AFTER = timedelta(seconds=8)
FORGOTTEN_AFTER = timedelta(hours=1)


class Kind(StrEnum):
    """What a process does. Each kind is expected to be there at least once."""

    WEB = "web"
    INTAKE = "intake"
    WORKER = "worker"
    BEAT = "beat"
    WATCHER = "watcher"
    REDIS = "redis"


class State(StrEnum):
    UP = "up"
    STARTING = "starting"
    RESTARTING = "restarting"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Record:
    """What stands in Redis: a beat (`at` is its time) or a supervisor's report of one child."""

    kind: str
    name: str
    state: State
    since: float
    at: float
    pid: int | None = None
    restarts: int = 0
    reason: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process as pages and programs see it. `name` is empty when none of its kind was ever seen."""

    kind: Kind
    name: str
    state: State
    since: datetime | None
    restarts: int = 0
    pid: int | None = None
    last_seen: datetime | None = None
    reason: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"


_started = clock.unix()
# What this process saw last, and since when it sees nothing.
_seen: list[ProcessState] = []
_blind_since: datetime | None = None
_redis_since: datetime | None = None


def default_name() -> str:
    """Processes of one kind are told apart by the machine (or container) that they run on."""
    return socket.gethostname()


def beat(kind: Kind, name: str = "") -> None:
    """Say that this process works. Raises live_redis.Unreachable when nobody can hear it."""
    now = clock.unix()
    record = Record(kind, name or default_name(), State.UP, _started, now, os.getpid())
    live_redis.client().hset(BEATS, record.key, _dump(record))


def farewell(kind: Kind, name: str = "") -> None:
    """Say that this process ends because it was asked to, so that nobody calls it down."""
    live_redis.client().hdel(BEATS, f"{kind}/{name or default_name()}")


def report(redis: live_redis.Client, records: Iterable[Record]) -> None:
    """What a supervisor says of its children, all at once."""
    rows: dict[Any, Any] = {record.key: _dump(record) for record in records}
    if rows:
        redis.hset(REPORTS, mapping=rows)


def withdraw(redis: live_redis.Client) -> None:
    """Take a supervisor's reports and its children's beats away: it ends, and they with it."""
    redis.delete(REPORTS, BEATS)


def beats(redis: live_redis.Client) -> dict[str, Record]:
    """The last beat of each process, by key."""
    return _load(live_redis.table(redis, BEATS))


def all() -> list[ProcessState]:
    """Every process, the expected kinds first: those that were never seen as down, never an empty list."""
    global _seen, _blind_since, _redis_since  # noqa: PLW0603 - what this process knows is its own
    try:
        heard, told, uptime = _read()
    except live_redis.Unreachable:
        _blind_since = _blind_since or clock.now()
        return unknown_since(_blind_since, _seen)
    _blind_since = None
    _redis_since = _steady(_redis_since, clock.now() - timedelta(seconds=uptime))
    _seen = join(heard, told, clock.unix(), redis_since=_redis_since)
    return _seen


def forget_old() -> int:
    """Drop what was not heard of for an hour; returns how many."""
    redis, gone = live_redis.client(), 0
    limit = clock.unix() - FORGOTTEN_AFTER.total_seconds()
    for name in (BEATS, REPORTS):
        rows = _load(live_redis.table(redis, name))
        if old := [key for key, record in rows.items() if record.at < limit]:
            gone += redis.hdel(name, *old)
    return gone


def _read() -> tuple[dict[str, Record], dict[str, Record], int]:
    pipe = live_redis.client().pipeline(transaction=False)
    pipe.hgetall(BEATS)
    pipe.hgetall(REPORTS)
    pipe.info("server")
    heard, told, server = pipe.execute()
    return _load(heard), _load(told), int(server["uptime_in_seconds"])


# ---- Pure from here on ---------------------------------------------------------------------------------------


def join(
    heard: Mapping[str, Record], told: Mapping[str, Record], now: float, redis_since: datetime
) -> list[ProcessState]:
    """Beats and reports, made one list. Redis answered, or there would be nothing to join."""
    states = [judge(heard.get(key), told.get(key), now) for key in sorted({*heard, *told})]
    states = [_redis_answers(state, redis_since) if state.kind is Kind.REDIS else state for state in states]
    seen = {state.kind for state in states}
    if Kind.REDIS not in seen:
        states.append(ProcessState(Kind.REDIS, "redis", State.UP, redis_since, last_seen=clock.now()))
    states += [_never_seen(kind) for kind in Kind if kind not in seen | {Kind.REDIS}]
    order = list(Kind)
    return sorted(states, key=lambda state: (order.index(state.kind), state.name))


def judge(heard: Record | None, told: Record | None, now: float) -> ProcessState:
    """The state of one process. A supervisor that fell silent itself is not believed."""
    if told and _fresh(told, now) and (told.state is not State.UP or told.kind == Kind.REDIS):
        return _state(told, heard)
    if heard is None or not _fresh(heard, now):
        return _silent(heard or told, now)
    return replace(_state(heard, heard), restarts=told.restarts if told else 0)


def unknown_since(moment: datetime, last: list[ProcessState]) -> list[ProcessState]:
    """What is left to say when Redis cannot be asked: who there was, and since when nothing is known."""
    reason = "Redis cannot be reached, so nothing is known of the processes."
    known = last or [ProcessState(kind, "", State.UNKNOWN, moment) for kind in Kind]
    return [
        replace(
            state,
            state=State.UNKNOWN,
            since=moment,
            reason="Redis cannot be reached." if state.kind is Kind.REDIS else reason,
        )
        for state in known
    ]


def _state(record: Record, heard: Record | None) -> ProcessState:
    return ProcessState(
        Kind(record.kind),
        record.name,
        record.state,
        _moment(record.since),
        record.restarts,
        record.pid,
        _moment(heard.at) if heard else None,
        record.reason,
    )


def _silent(last: Record | None, now: float) -> ProcessState:
    if last is None:
        raise ValueError("A process that neither beat nor was reported has no state.")
    reason = f"It has not been heard of for {now - last.at:.0f} s."
    return replace(_state(last, last), state=State.DOWN, since=_moment(last.at), reason=reason)


def _steady(before: datetime | None, now: datetime) -> datetime:
    """Redis tells its age in whole seconds: the moment it started must not wander with every look."""
    return before if before and abs(now - before) < timedelta(seconds=3) else now


def _fresh(record: Record, now: float) -> bool:
    return now - record.at <= SILENT_AFTER.total_seconds()


def _never_seen(kind: Kind) -> ProcessState:
    return ProcessState(kind, "", State.DOWN, None, reason=f"No {kind} has been seen. Start one.")


def _redis_answers(state: ProcessState, since: datetime) -> ProcessState:
    """Whatever was reported of Redis, it has just answered."""
    return replace(state, state=State.UP, since=since, last_seen=clock.now(), reason="")


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _dump(record: Record) -> str:
    return json.dumps(asdict(record), separators=(",", ":"))


def _load(rows: Mapping[str, str]) -> dict[str, Record]:
    """Rows of a newer or older version are passed over, not fatal."""
    found = (_record(json.loads(row)) for row in rows.values())
    return {record.key: record for record in found if record}


def _record(row: dict[str, Any]) -> Record | None:
    try:
        return Record(**row | {"state": State(row["state"]), "kind": Kind(row["kind"])})
    except (KeyError, TypeError, ValueError):
        return None
