"""Looks at every operation again and again: at no moment may a tally not add up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

from tests.operation_kills.database import AWAY, Database, Figures

EVERY, WHOLE_EVERY = 0.1, 3.0


@dataclass
class Seen:
    """How many samples there were, and what was wrong in them."""

    samples: int = 0
    counted: int = 0
    wrong: list[str] = field(default_factory=list)


class Sampler:
    """As a context: a thread that samples until its end."""

    def __init__(self, database: Database) -> None:
        self.seen = Seen()
        self._database, self._ending = database, threading.Event()
        self._thread = threading.Thread(target=self._sample_all, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(60)

    def _sample_all(self) -> None:
        whole_at = 0.0
        while not self._ending.wait(EVERY):
            try:
                whole = time.monotonic() >= whole_at
                self._sample(whole=whole)
                whole_at = time.monotonic() + WHOLE_EVERY if whole else whole_at
            except AWAY:
                continue

    def _sample(self, *, whole: bool) -> None:
        if not whole:
            self.seen.samples += 1
            self.seen.wrong += wrong(self._database.operations())
            return
        operations, items = self._database.states()
        self.seen.counted += 1
        self.seen.wrong += wrong(operations) + miscounted(operations, items)


def wrong(operations: list[Figures]) -> list[str]:
    """Those whose ten figures are not what was selected."""
    return [
        f"{each.action} {each.id} {each.state}: {each.selected} selected, {each.tally}"
        for each in operations
        if sum(each.tally.values()) != each.selected
    ]


def miscounted(operations: list[Figures], items: dict[str, dict[str, int]]) -> list[str]:
    """Those whose figures are not how many items there are in each state."""
    found = []
    for each in operations:
        figures = {state: number for state, number in each.tally.items() if number}
        if figures != items.get(each.plan, {}):
            found.append(
                f"{each.action} {each.id} {each.state}: {figures}, its items are {items.get(each.plan)}"
            )
    return found
