"""What the registry speaks of: who an agent says it is, that it lives, and in what state an instance is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """`late` is never stored: it follows from the clock."""

    NEW = "new"  # known from spans or a registration, and has not beaten yet
    UP = "up"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an instance may be silent: `timeout` until it is late, `grace` more until it is down."""

    timeout: timedelta = timedelta(seconds=15)
    grace: timedelta = timedelta(seconds=15)

    @property
    def whole(self) -> timedelta:
        return self.timeout + self.grace


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An instance says that it lives. `at` is its own clock's time; what counts is when it arrived."""

    agent_id: str
    instance_id: str
    environment: str
    arrived: datetime
    status: str = ""  # what it says of itself: `paused`, `stopping`, or anything of its own
    version: str = ""
    load: float | None = None
    in_flight: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """What an agent (or a person for it) says on registering. Doing it again changes what differs, nothing else."""

    agent_id: str
    environment: str
    version: str = ""
    name: str = ""
    owner: str = ""
    description: str = ""
    endpoint: str = ""
    health_check_url: str = ""
    capabilities: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    patience: Patience | None = None


class Sighting(NamedTuple):
    """An agent as spans show it. Empty text: they do not say."""

    environment: str
    agent_id: str
    version: str = ""
    instance_id: str = ""
    name: str = ""


class Observation(NamedTuple):
    """How long a version's own work took lately, in milliseconds."""

    environment: str
    agent_id: str
    version: str
    p50_ms: float
    p95_ms: float
    p99_ms: float
