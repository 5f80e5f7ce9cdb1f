"""What a round saw, and whether it held."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.operation_kills.cells import Cell, Setting


@dataclass
class Figures:
    """`lost`: letters or messages that are nowhere. `twice`: published twice. `effects_twice`: effects that happened
    more than once. `unknown`: letters whose outcome nobody knew until somebody settled it by hand."""

    broker: str
    engine: str
    seed: int
    kills: Counter[Cell] = field(default_factory=Counter)
    at_random: Counter[str] = field(default_factory=Counter)
    # Cells where nobody came to the step in time.
    missed: Counter[Cell] = field(default_factory=Counter)
    letters: int = 0
    effects: int = 0
    lost: int = 0
    twice: int = 0
    effects_twice: int = 0
    unknown: int = 0
    died_again: int = 0
    purged: int = 0
    samples: int = 0
    counted: int = 0
    operations: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    # What the house's processes said went wrong; much of it is what is killed that is away.
    errors: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def setting(self) -> Setting:
        return Setting(self.broker, self.engine)

    @property
    def number(self) -> int:
        return self.kills.total() + self.at_random.total()

    @property
    def held(self) -> bool:
        return self.letters > 0 and not (
            self.lost or self.twice or self.effects_twice or self.wrong or self.missed.total()
        )

    def dump(self) -> str:
        """One line of JSON, as tests/kills.py adds it up."""
        cells: dict[str, Any] = {"kills": _named(self.kills), "missed": _named(self.missed)}
        return json.dumps(vars(self) | cells)


def _named(cells: Counter[Cell]) -> dict[str, int]:
    return {f"{cell.victim} at {cell.step}": number for cell, number in sorted(cells.items()) if number}
