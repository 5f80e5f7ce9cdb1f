"""Every reason why `up` does not start, each in one clear sentence and without a traceback."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support import up_run
from tests.support.up_run import MANAGE, ROOT, up
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(120)


def refusal(env: dict[str, str], *arguments: str) -> str:
    """The only line that a start that fails writes."""
    ended = subprocess.run(
        [*MANAGE, "up", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    (line,) = (ended.stdout + ended.stderr).strip().splitlines()
    assert line.startswith("postroom: ")
    return line.removeprefix("postroom: ")


def test_web_port__taken__refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        line = refusal(up_run.apart(tmp_path), "--bind", f"127.0.0.1:{port}")
    assert line.startswith(
        f"Postroom cannot listen on 127.0.0.1:{port}: something else listens there. Stop what "
    )
    assert up_run.working_for(tmp_path) == []


def test_chosen_otlp_port__taken__refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        line = refusal(up_run.apart(tmp_path, POSTROOM_OTLP_GRPC_BIND=address))
    assert line.startswith(f"POSTROOM_OTLP_GRPC_BIND={address} cannot be used: something else listens there.")


def test_data_directory__cannot_be_made__refused(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    line = refusal(up_run.apart(in_the_way / "data"))
    assert "data directory" in line
    assert str(in_the_way / "data") in line


def test_second_start_on_the_same_data__refused_at_once(tmp_path: Path) -> None:
    with up(up_run.apart(tmp_path)) as first:
        until(lambda: first.said(r"^redis +\|"), "the first to have begun", 20)
        line = refusal(up_run.apart(tmp_path))
        assert line.startswith(f"Postroom runs already on {tmp_path}. Stop that one first, or ")
        first.until_ready()


def test_unknown_setting__refused(tmp_path: Path) -> None:
    line = refusal(up_run.apart(tmp_path, POSTROOM_BNID="x"))
    assert line.startswith("POSTROOM_BNID is not a setting of Postroom. Did you mean POSTROOM_BIND?")


def test_files_of_a_newer_redis_than_the_bundled__refused(tmp_path: Path) -> None:
    (tmp_path / "redis" / "appendonlydir").mkdir(parents=True)
    empty = tmp_path / "bin"
    empty.mkdir()
    env = up_run.apart(tmp_path) | {"PATH": str(empty)}
    assert "was written by a newer Redis than the bundled one" in refusal(env)


def test_pages_not_built__refused(tmp_path: Path) -> None:
    """In a copy of the tree without .build, as after a clone."""
    copy = tmp_path / "clone"
    aside = shutil.ignore_patterns(".*", "node_modules", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=aside)
    ended = subprocess.run(
        [MANAGE[0], "manage.py", "up"],
        cwd=copy,
        env=up_run.apart(tmp_path / "data"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("postroom: The pages' files are not built.")
