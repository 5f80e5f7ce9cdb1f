"""What workflows are made of: a run's pieces, what it used, how it stands, and the key that names its workflow."""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum
from typing import NamedTuple

from agents.topology.values import Edge, EdgeKind

SECOND = 1_000_000_000
# For so long a run may be silent before it is called unfinished, or over where only a parent is missing.
SILENT = 300 * SECOND
LONGEST_SILENT = 6 * 3_600 * SECOND
# Edges that stand for the runs themselves: `calls` are runs, `errors` are failed ones. No edge has these ids.
WHOLE = Edge("", EdgeKind.WORK, "", "", "")
# Runs whose first span names a parent that is not there: until it comes, the first span found stands for it.
HEADLESS = Edge("", EdgeKind.WORK, "", "headless", "")
EDGE_IDS = {WHOLE: 0, HEADLESS: -1}


class Key(NamedTuple):
    """The identity of a workflow: the shape of its traces. `name` is what the root span calls it, or nothing."""

    environment: str
    name: str
    agent: str
    operation: str


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    # Something was sent, no span shows who took it, and it has been silent for long. Spans say what finished: whether
    # a message is stuck, or over and only its span was lost with its worker, they cannot say.
    UNFINISHED = "unfinished"


class Open(IntEnum):
    """What is missing of a run, whatever the time is."""

    NOTHING = 0
    PARENT = 1  # a span names a parent that is not there (yet)
    RECEIVER = 2  # something was sent that nobody was seen to take


class Role(IntEnum):
    """What a piece does for the run; the larger ones are kept first when there are too many."""

    INSIDE = 0
    CALL = 1
    RECEIVE = 2
    WORK = 3
    PROCESS = 4
    SEND = 5


class Piece(NamedTuple):
    """A span, as far as a workflow needs it. `origins` are span ids in the same trace: its parent and links."""

    span_id: bytes
    origins: tuple[bytes, ...]
    role: int
    environment: str
    agent: str
    queue: str
    start: int
    end: int
    failed: bool


class UseKey(NamedTuple):
    """Which model, by whom, in which hour (its first minute since 1970): prices change with days."""

    hour: int
    environment: str
    agent: str
    provider: str
    model: str


class Root(NamedTuple):
    """The first span of a run. The least of all candidates is it, so that order does not matter."""

    has_origin: bool
    start: int
    span_id: bytes
    key: Key


# Numbers, uuids and long hex between separators are particulars of one run, not the shape of all.
_PARTICULAR = re.compile(
    r"(?<![\w.-])(?:\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[a-fA-F]*\d)[0-9a-fA-F]{12,})(?![\w.-])"
)


def shape_of(operation: str) -> str:
    """An operation without the particulars of one run: `GET /documents/4711` is `GET /documents/*`."""
    return _PARTICULAR.sub("*", operation)


def state_of(*, failed: bool, missing: int, silent: int, patience: int) -> RunState:
    """How a run stands that has been silent for so long (nanoseconds)."""
    if failed:
        return RunState.FAILED
    if missing == Open.NOTHING:
        return RunState.OK
    if silent <= patience:
        return RunState.RUNNING
    return RunState.UNFINISHED if missing == Open.RECEIVER else RunState.OK


def patience_of(p99: int | None) -> int:
    """How long a run of a workflow may be silent: three times its p99, five minutes at least."""
    return min(max(SILENT, 3 * (p99 or 0)), LONGEST_SILENT)
