"""The matrix: who is killed, at which step, and which process stands at that step meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from core.crash import Point


class Victim(StrEnum):
    """What is killed: −9, and then it starts again."""

    WORKER = "worker"
    WATCHER = "watcher"
    WEB = "web"
    REDIS = "redis"
    RABBITMQ = "rabbitmq"
    POSTGRES = "postgres"


class Cell(NamedTuple):
    """One of the matrix."""

    victim: Victim
    step: Point


class Setting(NamedTuple):
    """Where a round plays."""

    broker: str
    engine: str

    @property
    def name(self) -> str:
        return f"{self.broker}, {self.engine}"

    @property
    def victims(self) -> tuple[Victim, ...]:
        """All that there is to kill. The private Redis is there in each: it is Celery's, and holds what is live."""
        missing = {
            Victim.RABBITMQ: self.broker != "rabbitmq",
            Victim.POSTGRES: self.engine != "postgres",
        }
        return tuple(each for each in Victim if not missing.get(each))


# Who comes to a step, as a word of its command line; where there are several, that one which is to be killed, if it is
# among them: `manage.py watch`, `web`, `worker`.
WORDS = {Victim.WORKER: "worker", Victim.WATCHER: "watch", Victim.WEB: "web"}
DOERS: dict[Point, tuple[Victim, ...]] = {
    # Letters that wait on the broker, and those that are handed over by HTTP.
    Point.CAPTURE: (Victim.WATCHER, Victim.WEB),
    # Large plans, and small ones.
    Point.SEAL: (Victim.WORKER, Victim.WEB),
    Point.CLAIM: (Victim.WORKER,),
    Point.PUBLISH: (Victim.WORKER,),
    # Of what it sent itself, and of what a dead worker sent.
    Point.RECORD: (Victim.WORKER, Victim.WATCHER),
    # From events and from deaths.
    Point.SETTLE: (Victim.WATCHER,),
    Point.PURGE: (Victim.WORKER,),
    Point.RESTORE: (Victim.WORKER,),
}

# None: each victim can die while a process stands at each step. Whatever is added here has its reason beside it.
CANNOT: dict[Cell, str] = {}


def cells(setting: Setting) -> list[Cell]:
    """Those that can occur there."""
    return [cell for pair in product(setting.victims, DOERS) if (cell := Cell(*pair)) not in CANNOT]


def doer(cell: Cell, number: int) -> Victim:
    """Who is to stand at the step. `number`: how often this cell came before, so that all have their turn."""
    doers = DOERS[cell.step]
    return cell.victim if cell.victim in doers else doers[number % len(doers)]


def table(kills: Counter[Cell]) -> Iterator[str]:
    """Kills done in each cell, a line a victim."""
    yield "".join(["kills at".ljust(10), *(f"{step:>9}" for step in DOERS)])
    for victim in Victim:
        yield "".join([victim.ljust(10), *(f"{_said(kills, Cell(victim, step)):>9}" for step in DOERS)])
    yield from (f"{cell.victim} at {cell.step} cannot occur: {why}" for cell, why in CANNOT.items())


def _said(kills: Counter[Cell], cell: Cell) -> str:
    return "-" if cell in CANNOT else str(kills[cell])
