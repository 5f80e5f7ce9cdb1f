"""Named points: a process dies or stops there when a test says so, at the time it says, and otherwise goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import up_run
from tests.support.waiting import until

_CODE = """
from core.crash import Point, here
for number in range(3):
    here(Point.PUBLISH)
    print(number, flush=True)
"""


def begun(at: str, *words: str) -> subprocess.Popen[str]:
    environ = os.environ | {"TEST_CRASH_AT": at}
    command = [sys.executable, "-c", _CODE, *words]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("at", ["", "claim:1", "publish:4"])
def test_not_asked_for__goes_on(at: str) -> None:
    with begun(at) as process:
        assert process.communicate(timeout=30)[0].split() == ["0", "1", "2"]
    assert process.returncode == 0


def test_the_second_time__dies_there() -> None:
    with begun("publish:2") as process:
        assert process.communicate(timeout=30)[0].split() == ["0"]
    assert process.returncode == -signal.SIGKILL


def test_to_stop__stands_there_once_and_goes_on_when_it_is_told_to() -> None:
    with begun("publish:2:stop") as process:
        until(lambda: up_run.state_of(process.pid) == "T", "the process to stop", 30)
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=30)[0].split() == ["0", "1", "2"]
    assert process.returncode == 0


def test_by_a_file__one_process_obeys_takes_it_away_and_says_that_it_did(tmp_path: Path) -> None:
    (tmp_path / "at").write_text("publish:2:kill:worker:1")
    with begun(str(tmp_path), "web") as other, begun(str(tmp_path), "worker") as process:
        assert process.communicate(timeout=30)[0].split() == ["0"]
        assert other.communicate(timeout=30)[0].split() == ["0", "1", "2"]
    assert (process.returncode, other.returncode) == (-signal.SIGKILL, 0)
    assert not (tmp_path / "at").exists()
    assert (tmp_path / "taken").read_text() == f"{process.pid} publish:2:kill:worker:1"


@pytest.mark.parametrize("line", ["", "claim:1:kill", "publish:4:kill"])
def test_a_file_that_does_not_mean_it__goes_on(line: str, tmp_path: Path) -> None:
    if line:
        (tmp_path / "at").write_text(line)
    with begun(str(tmp_path)) as process:
        assert process.communicate(timeout=30)[0].split() == ["0", "1", "2"]
    assert (tmp_path / "at").exists() is bool(line)
