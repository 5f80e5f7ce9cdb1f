"""A round: letters come in, are redriven, purged and restored, and meanwhile everything is killed at every step."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from core.crash import Point
from tests.operation_kills import accounts, cells
from tests.operation_kills import house as houses
from tests.operation_kills.accounts import Books
from tests.operation_kills.cells import WORDS, Cell, Setting, Victim
from tests.operation_kills.database import AWAY
from tests.operation_kills.figures import Figures
from tests.operation_kills.house import House, Tokens
from tests.operation_kills.letters import HTTP_SHARE, REDRIVEN, Feeder
from tests.operation_kills.operators import Api, Operators
from tests.operation_kills.sampler import Sampler
from tests.support.waiting import until

COMES_SECONDS, ENDS_SECONDS = 60.0, 600.0
DOWN_SECONDS = 1.0
# Between these a message may be sent and not noted. An outcome would say that it was: none is to come.
SENDING = frozenset({Point.PUBLISH, Point.RECORD})
# A large plan is sealed by a worker (planning.SMALL): so many letters must wait.
LARGE = 1_001


def play(
    folder: Path,
    setting: Setting,
    wanted: Sequence[Cell],
    at_random: int,
    letters: int,
    seed: int,
    until_at: float = float("inf"),
) -> Figures:
    """Each of these cells once, in an order that the seed decides, and so many kills at any moment in between; as far
    as there is time until `until_at`."""
    chance, figures, began = random.Random(seed), Figures(*setting, seed), time.monotonic()
    kills: list[Cell | None] = [*wanted, *[None] * at_random]
    chance.shuffle(kills)
    with houses.house(folder, setting) as house:
        tokens = houses.tokens(house.environ)
        # Chances of their own: threads that shared one would make each other's different.
        mine = [random.Random(chance.getrandbits(64)) for _ in range(2)]
        with (
            Sampler(house.database) as samples,
            Feeder(house, tokens.first, mine[0]) as feeder,
            Operators(house, tokens, mine[1]) as operators,
        ):
            killer = Killer(house, feeder, operators, chance, figures)
            for number, cell in enumerate(_with_those_missed(kills, figures), start=1):
                if time.monotonic() > until_at:
                    break
                feeder.allow(min(letters * number // len(kills), letters))
                killer.kill(cell)
                print(f"{time.monotonic() - began:7.1f} s {_said(cell)}, {feeder.made.number}", flush=True)
            feeder.allow(letters)
            _end(house, feeder, operators, tokens, figures)
        figures.statuses = operators.statuses
        figures.wrong += [*samples.seen.wrong[:20], *operators.problems[:5], *filter(None, [feeder.problem])]
        figures.samples, figures.counted = samples.seen.samples, samples.seen.counted
        figures.errors = dict(houses.errors(house))
        accounts.reckon(figures, feeder.made, house.database, Books.read(house.books))
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def _with_those_missed(kills: Sequence[Cell | None], figures: Figures) -> Iterator[Cell | None]:
    """Where nobody came to the step in time, once more at the end."""
    yield from kills
    missed, figures.missed = figures.missed, Counter()
    yield from missed.elements()


def _said(cell: Cell | None) -> str:
    return f"{cell.victim} at {cell.step}" if cell else "at random"


class Killer:
    """Kills one after the other; what it killed starts again before the next."""

    def __init__(
        self, house: House, feeder: Feeder, operators: Operators, chance: random.Random, figures: Figures
    ) -> None:
        self._house, self._feeder, self._operators = house, feeder, operators
        self._chance, self._figures = chance, figures

    def kill(self, cell: Cell | None) -> None:
        if cell is None:
            self._at_random()
        else:
            self._at(cell)

    def _at_random(self) -> None:
        victim = self._chance.choice(self._house.setting.victims)
        time.sleep(self._chance.uniform(0, 2))
        self._one(victim, 0)
        self._figures.at_random[str(victim)] += 1

    def _at(self, cell: Cell) -> None:
        doer = cells.doer(cell, self._figures.kills[cell] + self._chance.randrange(2))
        with self._house.consumer_paused() if cell.step in SENDING else nullcontext():
            if cell.step is Point.RECORD and doer is Victim.WATCHER:
                # There must be a dead worker, whose claim is to be taken over.
                self._in(Cell(Victim.WORKER, Point.PUBLISH), Victim.WORKER)
            self._in(cell, doer)
            if cell.step in SENDING:
                self._until_settled()

    def _in(self, cell: Cell, doer: Victim) -> None:
        if pid := self._stopped(cell, doer):
            self._one(cell.victim, pid)
            self._figures.kills[cell] += 1
        else:
            self._figures.missed[cell] += 1

    def _until_settled(self) -> None:
        """Whatever was in somebody's hands is noted: by the worker, or by the reaper when its lease has run out."""
        held: set[int] | None = None

        def settled() -> bool:
            nonlocal held
            try:
                now = self._house.database.claims()
            except AWAY:
                return False
            held = now if held is None else held & now
            return not held

        until(settled, "what was claimed to be taken over", ENDS_SECONDS)

    def _stopped(self, cell: Cell, doer: Victim) -> int:
        """A process that stands at the step; 0 when nobody came."""
        # Some steps have several points, one after the other.
        times = self._chance.randrange(1, 4) if cell.step in {Point.CAPTURE, Point.SETTLE} else 1
        line = f"{cell.step}:{times}:stop:{WORDS[doer]}:{self._chance.getrandbits(32):08x}"
        large = cell.step is Point.SEAL and doer is Victim.WORKER
        if large:
            self._operators.least = LARGE
        self._feeder.more(2 * LARGE if large else 200)
        by_http = cell.step is Point.CAPTURE and doer is Victim.WEB
        self._feeder.http_share = 0.5 if by_http else HTTP_SHARE
        self._house.order(line)
        try:
            return until(lambda: self._house.stopped(line), f"{doer} at {cell.step}", COMES_SECONDS) or 0
        except AssertionError as problem:
            self._house.withdraw()
            print(problem, flush=True)
            return 0
        finally:
            self._operators.least = 1

    def _one(self, victim: Victim, pid: int) -> None:
        """The one that stands goes on while the other is away, or when it is back."""
        house, first = self._house, self._chance.random() < 0.5
        old = house.kill(victim)
        if pid and first:
            houses.let_go(pid)
        if victim in {Victim.RABBITMQ, Victim.POSTGRES}:
            time.sleep(self._chance.uniform(0, DOWN_SECONDS))
        house.back(victim, old)
        if pid:
            houses.let_go(pid)


# ---- The end -------------------------------------------------------------------------------------------------------
def _end(house: House, feeder: Feeder, operators: Operators, tokens: Tokens, figures: Figures) -> None:
    """Everything that was handed over is processed or thrown away, and nothing goes on any more."""
    until(lambda: feeder.over, "all letters to be handed over", ENDS_SECONDS)
    made = feeder.made
    api = Api(house, tokens, threading.Event())
    settled: set[str] = set()

    def ended() -> bool:
        try:
            captured = made.redriven.keys() | made.purged.keys() <= house.database.deaths().keys()
            going_on = [
                each
                for each in house.database.operations()
                if each.state not in {"done", "done_with_unknown"}
            ]
            if captured and not going_on:
                _settle(house, api, settled)
            return (
                captured
                and not going_on
                and not house.database.held(REDRIVEN)
                and not house.database.unknown()
                and not house.database.untold()
            )
        except AWAY:
            return False

    try:
        until(ended, "every operation to end and every letter to be processed", ENDS_SECONDS)
    except AssertionError as problem:
        figures.wrong.append(str(problem))
    operators.stop()
    try:
        until(ended, "the last operations to end", ENDS_SECONDS)
    except AssertionError as problem:
        figures.wrong.append(str(problem))
    figures.unknown = len(settled)


def _settle(house: House, api: Api, settled: set[str]) -> None:
    """By hand, as an operator does who looks into the consumer's books: what was never handled is held again."""
    books, messages = Books.read(house.books), {row.id: row.message for row in house.database.letters()}
    for operation, letters in house.database.unknown().items():
        failed = [id for id in letters if not books.effects[messages[id]]]
        api.settle(operation, failed, "failed")
        settled |= {*failed}
