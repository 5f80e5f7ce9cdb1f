"""How much one worker takes: an even part near the end, so that none has a whole portion of it alone."""

from __future__ import annotations

import pytest

from agents.operations.models import Operation
from agents.operations.services.hands import LEAST, MANY, WORKERS, share

MOST = 2_000


@pytest.mark.parametrize(
    ("waiting", "taken"),
    [
        (MANY * 100, MOST),
        (MOST * WORKERS, MOST),
        (MOST * WORKERS - 1, MOST),
        (MOST, MOST // WORKERS),
        (1, LEAST),
    ],
)
def test_a_large_operation__an_even_part_of_what_is_left(waiting: int, taken: int) -> None:
    assert share(Operation(selected=MANY * 100, waiting=waiting), MOST) == taken


def test_a_small_operation__one_worker_takes_all() -> None:
    assert share(Operation(selected=MANY, waiting=MANY), MOST) == MOST


def test_a_broker_that_takes_few_at_once__never_more_than_that() -> None:
    assert share(Operation(selected=MANY * 100, waiting=1), 100) == 100
