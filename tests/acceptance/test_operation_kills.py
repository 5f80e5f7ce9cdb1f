"""A few cells of the kill matrix of operations; `python -m tests.operation_kills` is the full measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.crash import Point
from tests.operation_kills.cells import Cell, Setting, Victim
from tests.operation_kills.play import play
from tests.support.span_kills import seed_of

pytestmark = [pytest.mark.kills, pytest.mark.timeout(290), pytest.mark.usefixtures("built_pages")]
LETTERS = 600


@pytest.mark.usefixtures("redis_server")
def test_redis__no_letter_is_lost_and_none_is_published_twice(tmp_path: Path) -> None:
    cells = [
        Cell(Victim.WORKER, Point.PUBLISH),
        Cell(Victim.REDIS, Point.PUBLISH),
        Cell(Victim.WATCHER, Point.SETTLE),
        Cell(Victim.WEB, Point.CAPTURE),
    ]
    figures = play(tmp_path, Setting("redis", "sqlite"), cells, 0, LETTERS, seed_of())
    print(figures.dump())
    assert figures.held, figures
    assert not figures.unknown, figures


@pytest.mark.usefixtures("rabbitmq_program", "postgres_url")
def test_rabbitmq__no_letter_is_lost_and_what_nobody_can_tell_is_unknown(tmp_path: Path) -> None:
    cells = [
        Cell(Victim.RABBITMQ, Point.PUBLISH),
        Cell(Victim.POSTGRES, Point.CLAIM),
        Cell(Victim.WORKER, Point.RESTORE),
    ]
    figures = play(tmp_path, Setting("rabbitmq", "postgres"), cells, 0, LETTERS, seed_of())
    print(figures.dump())
    assert figures.held, figures
