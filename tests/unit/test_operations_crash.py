"""Named points: a process dies or stops there when a test says so, at the time it says, and otherwise goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support import up_run
from tests.support.waiting import until

_CODE = """
from agents.operations.crash import Point, here
for number in range(3):
    here(Point.PUBLISH)
    print(number, flush=True)
"""


def begun(at: str) -> subprocess.Popen[str]:
    environ = os.environ | {"TEST_CRASH_AT": at}
    return subprocess.Popen([sys.executable, "-c", _CODE], env=environ, stdout=subprocess.PIPE, text=True)


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
