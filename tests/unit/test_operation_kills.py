"""The kill matrix itself: every cell has its kills, and whatever is wrong is seen."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest

from core.crash import Point
from tests.operation_kills import cells
from tests.operation_kills.__main__ import main, spread
from tests.operation_kills.accounts import Books, reckon
from tests.operation_kills.cells import Cell, Setting, Victim
from tests.operation_kills.database import STATES, Database, Letter
from tests.operation_kills.database import Figures as Operation
from tests.operation_kills.figures import Figures
from tests.operation_kills.letters import Made
from tests.operation_kills.sampler import miscounted, wrong

SETTINGS = [Setting(*pair) for pair in product(("redis", "rabbitmq"), ("sqlite", "postgres"))]
MADE = Made({"d1": "m1"}, {"d2": "m2"})


class Stored(Database):
    """What a house might say at the end."""

    def __init__(
        self, letters: list[Letter], operations: list[Operation], items: dict[str, int], told: dict[str, str]
    ) -> None:
        self._letters, self._operations, self._items, self._told = letters, operations, items, told

    def letters(self) -> list[Letter]:
        return self._letters

    def deaths(self) -> dict[str, str]:
        return {f"d{each.id[1:]}": each.id for each in self._letters}

    def states(self) -> tuple[list[Operation], dict[str, dict[str, int]]]:
        return self._operations, {"p1": self._items}

    def messages(self) -> dict[str, str]:
        return self._told


def operation(state: str = "done", selected: int = 1, **tally: int) -> Operation:
    return Operation("o1", "p1", "redrive", state, "", selected, dict.fromkeys(STATES, 0) | tally)


def letters(first: str = "processed", second: str = "purged") -> list[Letter]:
    return [Letter("l1", "m1", first, 1), Letter("l2", "m2", second, 0)]


def reckoned(
    stored: list[Letter] | None = None,
    operations: list[Operation] | None = None,
    effects: dict[str, int] | None = None,
    first: int = 1,
    told: dict[str, str] | None = None,
) -> Figures:
    figures = Figures("redis", "sqlite", 1)
    ended = [operation(processed=1)] if operations is None else operations
    heard = {"m1": "succeeded", "m2": "purged"} if told is None else told
    database = Stored(letters() if stored is None else stored, ended, {"processed": 1}, heard)
    books = Books(Counter({"m1": 1} if effects is None else effects), Counter({("l1", 1): first}))
    reckon(figures, MADE, database, books)
    return figures


def test_all_is_well__it_held() -> None:
    assert reckoned().held


@pytest.mark.parametrize(
    ("seen", "lost"),
    [
        (reckoned(stored=letters()[:1]), 1),
        (reckoned(effects={}), 1),
        (reckoned(stored=letters("dispatched")), 0),
        (reckoned(stored=letters(second="processed")), 0),
        (reckoned(told={"m1": "sent", "m2": "purged"}), 0),
        (reckoned(told={"m1": "succeeded"}), 0),
        (reckoned(first=2), 0),
        (reckoned(effects={"m1": 2}), 0),
        (reckoned(operations=[operation("running", processed=1)]), 0),
        (reckoned(operations=[operation("done", unknown=1)]), 0),
        (reckoned(operations=[operation("halted", processed=1)]), 0),
        (reckoned(operations=[operation(selected=2, processed=1)]), 0),
    ],
)
def test_something_is_wrong__it_did_not_hold(seen: Figures, lost: int) -> None:
    assert not seen.held
    assert seen.lost == lost


def test_a_tally_that_does_not_add_up__is_said() -> None:
    assert not wrong([operation(selected=2, waiting=1, claimed=1)])
    assert wrong([operation(selected=2, waiting=1)])
    assert not miscounted([operation(waiting=1)], {"p1": {"waiting": 1}})
    assert miscounted([operation(waiting=1)], {"p1": {"claimed": 1}})


def test_every_cell_has_its_kills__wherever_it_can_occur() -> None:
    given = dict(spread(SETTINGS, 3, random.Random(1)))
    total = Counter(cell for some in given.values() for cell in some)
    assert set(total) == {Cell(*pair) for pair in product(Victim, cells.DOERS)} - cells.CANNOT.keys()
    assert set(total.values()) == {3}
    assert all(set(some) <= {*cells.cells(setting)} for setting, some in given.items())


def test_whoever_is_killed_stands_at_the_step_where_he_comes_there() -> None:
    assert cells.doer(Cell(Victim.WEB, Point.SEAL), 0) is Victim.WEB
    assert cells.doer(Cell(Victim.WORKER, Point.SETTLE), 0) is Victim.WATCHER
    assert {cells.doer(Cell(Victim.REDIS, Point.CAPTURE), number) for number in range(2)} == {
        Victim.WATCHER,
        Victim.WEB,
    }


def test_the_list_of_cells(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cells"]) == 0
    assert "rabbitmq, postgres: 48 cells" in capsys.readouterr().out
