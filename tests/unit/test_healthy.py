"""What a container's health check says."""

from __future__ import annotations

import pytest

from core import healthy
from core.env import HostPort
from core.processes import SILENT_AFTER, Kind, Record, State

NOW = 1_000_000.0
ADDRESS = HostPort("127.0.0.1", 8000)


def beat(seconds_ago: float) -> Record:
    return Record(Kind.WORKER, "host", State.UP, NOW - 100, NOW - seconds_ago)


def test_a_process_that_beats__accepted() -> None:
    assert healthy.beating(beat(1), NOW) == ""


@pytest.mark.parametrize("record", [None, beat(SILENT_AFTER.total_seconds() + 1)])
def test_a_process_that_does_not_beat__refused(record: Record | None) -> None:
    assert "does not beat" in healthy.beating(record, NOW)


def test_a_door_that_answers__accepted() -> None:
    assert healthy.answered(200, ADDRESS) == ""


@pytest.mark.parametrize("code", [None, 301, 503])
def test_a_door_that_does_not__refused(code: int | None) -> None:
    assert str(ADDRESS) in healthy.answered(code, ADDRESS)


@pytest.mark.parametrize("arguments", [[], ["redis"], ["dance"], ["web", "intake"]])
def test_bad_usage__refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert healthy.main(arguments) == 2
    assert "web,intake,worker,beat,watcher" in capsys.readouterr().err


def test_without_redis_nobody_can_tell(capsys: pytest.CaptureFixture[str]) -> None:
    assert healthy.main(["worker"]) == 1
    assert "nobody can tell" in capsys.readouterr().out
