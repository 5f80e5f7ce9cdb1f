"""A worker that is killed, or held, at a named point (core.crash), on the databases that the test itself uses."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.db import connections

from core import crash
from core.crash import Point

Work = Callable[[], object]


def killed_at(point: Point, work: Work, times: int = 1) -> None:
    """Another process does the work, and dies when it comes there: with it go its connections, and nothing else."""
    _assert_killed(_begun(f"{point}:{times}", work), f"the work never came to {point}")


def killed_by_itself(work: Work) -> None:
    """Another process does the work, which kills it."""
    _assert_killed(_begun("", work), "the work came to its end")


def _assert_killed(child: int, otherwise: str) -> None:
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), otherwise
    assert os.WTERMSIG(status) == signal.SIGKILL


@contextmanager
def stopped_at(point: Point, work: Work, times: int = 1) -> Iterator[None]:
    """Another process does the work, and holds still there for as long as this lasts; then it goes on to its end."""
    child = _begun(f"{point}:{times}:stop", work)
    _, status = os.waitpid(child, os.WUNTRACED)
    assert os.WIFSTOPPED(status), f"the work never came to {point}"
    try:
        yield
    finally:
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status)
    assert os.WEXITSTATUS(status) == 0


def _begun(order: str, work: Work) -> int:
    connections.close_all()
    child = os.fork()
    if child == 0:
        _obey(order, work)
    return child


def _obey(order: str, work: Work) -> NoReturn:
    """Never back into the test, whatever happens."""
    try:
        os.environ[crash.VARIABLE] = order
        importlib.reload(crash)
        work()
        os._exit(0)
    finally:
        os._exit(3)
