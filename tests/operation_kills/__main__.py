"""`python -m tests.operation_kills [--kills N] [--random N] [--letters N] [--minutes M] [--cells] [--seed S]
[--brokers redis,rabbitmq] [--engines sqlite,postgres]`: every cell of the matrix so many times, and so many kills at
random, over all brokers and databases; then the table, the figures and a verdict."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from core.up import build
from tests.operation_kills import cells
from tests.operation_kills.cells import Cell, Setting
from tests.operation_kills.figures import Figures
from tests.operation_kills.play import play

KILLS, AT_RANDOM, LETTERS = 3, 100, 100_000
# Within a given time: a house starts and comes to rest in about a minute, so each has so many, and fewer letters.
ROUND_MINUTES, ROUND_LETTERS = 2.0, 3_000
# What goes on after the last kill needs its time as well: a lease runs out in half a minute.
END_SECONDS = 60.0


def main(arguments: list[str]) -> int:
    given = _given(arguments)
    settings = _settings(given)
    if given.cells:
        print("\n".join(_listed(settings)))
        return 0
    # Whoever ends it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    build.main()
    chance = random.Random(given.seed)
    ends = time.monotonic() + given.minutes * 60 if given.minutes else float("inf")
    letters = ROUND_LETTERS if given.minutes else given.letters // len(settings)
    done: list[Figures] = []
    for number, (setting, wanted) in enumerate(spread(settings, given.kills, chance)):
        left = len(settings) - number
        until_at = time.monotonic() + (ends - time.monotonic()) / left - END_SECONDS
        done.append(_round(setting, wanted, given.random // len(settings), letters, chance, until_at))
    return _verdict(done, settings, given.kills if not given.minutes else 0)


def _given(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.operation_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help="in each cell that can occur")
    parser.add_argument("--random", type=int, default=AT_RANDOM, help="at any moment, together")
    parser.add_argument("--letters", type=int, default=LETTERS, help="together")
    parser.add_argument("--minutes", type=float, default=0, help="as many kills as there is time for")
    parser.add_argument("--cells", action="store_true", help="only list them")
    parser.add_argument("--brokers", default="redis,rabbitmq")
    parser.add_argument("--engines", default="sqlite,postgres")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    return parser.parse_args(arguments)


def _settings(given: argparse.Namespace) -> list[Setting]:
    """All of them; within a given time as many as it is enough for, and so that two have both brokers and databases."""
    settings = [Setting(*pair) for pair in product(given.brokers.split(","), given.engines.split(","))]
    if not given.minutes:
        return settings
    random.Random(given.seed).shuffle(settings)
    first = settings[0]
    settings.sort(key=lambda each: (each.broker == first.broker) != (each.engine == first.engine))
    return settings[: max(1, int(given.minutes / ROUND_MINUTES))]


def spread(
    settings: Sequence[Setting], kills: int, chance: random.Random
) -> Iterator[tuple[Setting, list[Cell]]]:
    """Each cell so many times, over the settings in which it can occur, as evenly as it goes."""
    places: dict[Cell, list[Setting]] = {}
    for setting in settings:
        for cell in cells.cells(setting):
            places.setdefault(cell, []).append(setting)
    given: dict[Setting, list[Cell]] = {setting: [] for setting in settings}
    for cell, where in places.items():
        first = chance.randrange(len(where))
        for number in range(kills):
            given[where[(first + number) % len(where)]].append(cell)
    yield from given.items()


def _listed(settings: Sequence[Setting]) -> Iterator[str]:
    for setting in settings:
        yield f"{setting.name}: {len(cells.cells(setting))} cells"
    yield from cells.table(Counter(cell for setting in settings for cell in cells.cells(setting)))


def _round(
    setting: Setting, wanted: list[Cell], at_random: int, letters: int, chance: random.Random, until_at: float
) -> Figures:
    seed = chance.randrange(1 << 32)
    print(f"{setting.name}, seed {seed}: {len(wanted)} cells, {at_random} at random", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="postroom-kills-"))
    figures = play(folder, setting, wanted, at_random, letters, seed, until_at)
    print(figures.dump(), flush=True)
    if figures.held:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"kept for a look: {folder}", flush=True)
    return figures


def _verdict(done: Sequence[Figures], settings: Sequence[Setting], kills: int) -> int:
    total: Counter[Cell] = Counter()
    for each in done:
        total.update(each.kills)
    print("\n".join(cells.table(total)))
    at_random = sum(each.at_random.total() for each in done)
    print(f"kills {total.total() + at_random}: {total.total()} in cells, {at_random} at random")
    for name in (
        "letters",
        "effects",
        "lost",
        "twice",
        "effects_twice",
        "unknown",
        "died_again",
        "purged",
        "samples",
    ):
        print(
            f"{name.replace('_', ' ')}: "
            + ", ".join(f"{each.setting.name} {getattr(each, name)}" for each in done)
        )
    wrong = [f"{each.setting.name}: {said}" for each in done for said in each.wrong]
    print("\n".join(wrong))
    missing = [
        f"{cell.victim} at {cell.step}"
        for cell in {cell for setting in settings for cell in cells.cells(setting)}
        if total[cell] < kills
    ]
    if missing:
        print(f"too few kills: {', '.join(sorted(missing))}")
    held = all(each.held for each in done) and not missing
    print("verdict: held" if held else "verdict: BAD")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
