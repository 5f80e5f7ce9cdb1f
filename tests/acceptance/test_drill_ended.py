"""Whoever ends a drill, ends all that it started: its broker, its Postroom, its agents."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
# The first process of the drill's own Postroom that is of any use.
WEB = ["manage.py", "web"]
IGNORES_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_in_the_middle__nothing_is_left_running(tmp_path: Path, number: signal.Signals) -> None:
    drill = _begun(tmp_path)
    try:
        started = until(lambda: _with_postroom(drill), "the drill's Postroom to be started", 120.0)
        drill.send_signal(number)
        assert drill.wait(60) == 128 + number
        until(lambda: not [each for each in started if _runs(each)], "all to be ended", 20.0)
        assert list(tmp_path.glob("drill-*")) == []
    finally:
        drill.terminate()
        drill.wait(60)


def _begun(folder: Path) -> subprocess.Popen[bytes]:
    """As a shell begins it in the background: SIGINT is ignored from the start."""
    command = [sys.executable, "-m", "postroom", "drill", "stuck", "--runs", "1", "--broker", "redis"]
    environ = os.environ | {"PYTHONPATH": str(ROOT / "sdk"), "TMPDIR": str(folder)}
    return subprocess.Popen([sys.executable, "-c", IGNORES_CTRL_C, *command], cwd=ROOT, env=environ)


def _with_postroom(drill: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All that the drill started, once its Postroom is among them."""
    assert drill.poll() is None, "the drill ended by itself"
    found = psutil.Process(drill.pid).children(recursive=True)
    return found if any(_is_web(each) for each in found) else []


def _is_web(process: psutil.Process) -> bool:
    return [Path(word).name for word in _command(process)][-2:] == WEB


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
