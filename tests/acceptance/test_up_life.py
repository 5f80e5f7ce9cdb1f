"""`manage.py up` with real processes: it starts, keeps, restarts and ends them, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.processes import Kind, State
from tests.support import up_run
from tests.support.up_run import Up, up
from tests.support.waiting import BUSY, until

pytestmark = [
    pytest.mark.timeout(280),
    pytest.mark.usefixtures("built_pages"),
]
# `until` waits so much longer beside other tests by itself.
BACK_SECONDS, ORPHAN_SECONDS, END_SECONDS = 5.0, 5.0, 10.0 * BUSY


@pytest.fixture(scope="module")
def house(built_pages: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that runs, for the tests that leave it running."""
    with up(up_run.apart(tmp_path_factory.mktemp("house"))) as running:
        yield running.until_ready()


def test_ready__says_where_who_and_what_to_paste(house: Up) -> None:
    assert house.url == f"http://{house.environ['POSTROOM_BIND']}"
    assert house.said(r"^Admin: admin$")
    token = house.said(r"^Ingest token: \S+$")
    assert token
    endpoint = house.environ["POSTROOM_OTLP_HTTP_BIND"]
    assert house.said(rf"^export OTEL_EXPORTER_OTLP_ENDPOINT=http://{re.escape(endpoint)}$")
    assert house.said(
        rf"^export OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20{re.escape(token.split()[-1])}$"
    )


def test_ready__every_part_answers(house: Up) -> None:
    assert {state.state for state in house.states().values()} == {State.UP}
    assert httpx.get(f"{house.url}/readyz").json() == {"status": "ready"}
    intake = f"http://{house.environ['POSTROOM_OTLP_HTTP_BIND']}"
    assert httpx.get(f"{intake}/healthz").status_code == 200


def test_log__has_the_process_in_front(house: Up) -> None:
    for name in ("redis", "intake", "web", "worker", "beat", "watcher"):
        assert house.said(rf"^{name} +\| \S"), name


def test_redis__is_private(house: Up) -> None:
    info = house.redis().config_get("*")
    assert (info["port"], info["appendonly"]) == ("0", "yes")
    folder = _socket_folder(house)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.kills
@pytest.mark.parametrize("kind", [Kind.WEB, Kind.INTAKE, Kind.WORKER, Kind.BEAT, Kind.WATCHER])
def test_killed_child__is_told_and_back_in_five_seconds(house: Up, kind: Kind) -> None:
    pid, restarts = house.child(kind), house.states()[kind].restarts
    begun = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    told = until(lambda: _not_up(house, kind), f"somebody to say that {kind} is away", BACK_SECONDS)
    until(lambda: house.is_back(kind, pid), f"{kind} to be back", BACK_SECONDS)
    assert time.monotonic() - begun < BACK_SECONDS * BUSY
    assert told in {State.RESTARTING, State.STARTING}
    assert house.states()[kind].restarts == restarts + 1
    assert house.said(rf"^up +\| {kind} was ended by SIGKILL; starting it again$")
    assert up_run.zombies_of(house.process.pid) == []


@pytest.mark.kills
def test_killed_redis__is_back_with_its_data(house: Up) -> None:
    house.redis().set("kept", "yes")
    pid = house.child(Kind.REDIS)
    os.kill(pid, signal.SIGKILL)
    until(lambda: house.is_back(Kind.REDIS, pid), "Redis to be back", BACK_SECONDS)
    assert house.redis().get("kept") == "yes"
    until(house.all_up, "everybody to have found it again", 20)


@pytest.mark.kills
def test_killed_child__takes_its_own_children_along(house: Up) -> None:
    """Celery's pool and Granian's worker are grandchildren of `up`."""
    for kind in (Kind.WORKER, Kind.INTAKE):
        group = house.child(kind)
        members = _group(group)
        assert len(members) > 1, f"{kind} has no children of its own"
        os.kill(group, signal.SIGKILL)
        _until_back(house, kind, group)
        assert [pid for pid in members if up_run.state_of(pid)] == []


@pytest.mark.kills
def test_killed_guardian__is_replaced(house: Up) -> None:
    before = _guardians(house)
    os.kill(before[0], signal.SIGKILL)
    after = until(lambda: [pid for pid in _guardians(house) if pid not in before], "a new guardian", 5)
    assert len(after) == 1
    assert up_run.zombies_of(house.process.pid) == []


def test_end__takes_ten_seconds_at_most_and_the_next_start_finds_everything(tmp_path: Path) -> None:
    env = up_run.apart(tmp_path / "data")
    del env["POSTROOM_ADMIN_PASSWORD"]
    with up(env) as first:
        first.until_ready().redis().set("kept", "yes")
        assert first.said(r"^Password: \S{12,} \(shown this once\)$")
        token = first.said(r"^Ingest token: \S+$")
        # To the whole group at once, as a terminal does.
        os.killpg(first.process.pid, signal.SIGTERM)
        assert first.ended(END_SECONDS) == 0
        assert first.alive() == []
        assert "redis" in first.lines[-1]
        assert not (first.data / "run" / "redis-url").exists()
    with up(env) as second:
        assert second.until_ready().redis().get("kept") == "yes"
        assert second.said(r"^Ingest token: \S+$") == token
        assert second.said(r"^Password") is None


def test_end__while_it_starts(tmp_path: Path) -> None:
    with up(up_run.apart(tmp_path / "data")) as running:
        until(lambda: running.said(r"^redis +\|"), "the first child to speak", 20)
        running.send(signal.SIGTERM)
        assert running.ended(END_SECONDS) == 0
        assert running.alive() == []


@pytest.mark.kills
def test_killed_up__leaves_nothing_behind_and_every_next_start_finds_everything(tmp_path: Path) -> None:
    env = up_run.apart(tmp_path / "data")
    with up(env) as first:
        first.until_ready().redis().set("kept", "yes")
        folder = _socket_folder(first)
        # As a terminal that dies takes all of its group along.
        os.killpg(first.process.pid, signal.SIGKILL)
        until(lambda: not first.alive(), "every process to be gone", ORPHAN_SECONDS)
        until(lambda: not folder.exists(), "its folder to be gone", 1)
    with up(env) as second:
        assert second.until_ready().redis().get("kept") == "yes"
        folder = _socket_folder(second)
        for pid in (*_guardians(second), second.process.pid):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not second.alive(), "every process to be gone without the guardian", ORPHAN_SECONDS)
    with up(env) as third:
        assert third.until_ready().redis().get("kept") == "yes"
        assert not folder.exists()
        third.send(signal.SIGKILL)
        third.ended(5)
        # At once: it waits for the guardian instead of saying that Postroom runs already.
        with up(env) as fourth:
            assert fourth.until_ready().redis().get("kept") == "yes"
            fourth.send(signal.SIGINT)
            assert fourth.ended(END_SECONDS) == 0


def test_two_side_by_side__both_live(house: Up, tmp_path: Path) -> None:
    with up(up_run.apart(tmp_path / "other")) as other:
        other.until_ready()
        assert httpx.get(f"{other.url}/readyz").status_code == 200
        assert httpx.get(f"{house.url}/readyz").status_code == 200
        assert other.redis().config_get("dir") != house.redis().config_get("dir")


def _not_up(house: Up, kind: Kind) -> State | None:
    state = house.states()[kind].state
    return state if state is not State.UP else None


def _until_back(house: Up, kind: Kind, old: int) -> None:
    until(lambda: house.is_back(kind, old), f"{kind} to be back", BACK_SECONDS)


def _socket_folder(house: Up) -> Path:
    return Path(str(house.redis().config_get("unixsocket")["unixsocket"])).parent


def _group(leader: int) -> list[int]:
    found = []
    for pid in up_run._pids():
        try:
            if os.getpgid(pid) == leader:
                found.append(pid)
        except ProcessLookupError:
            continue
    return found


def _guardians(house: Up) -> list[int]:
    return [pid for pid in house.alive() if b"core.up.guardian" in Path(f"/proc/{pid}/cmdline").read_bytes()]
