"""Failures whose true causes are known (tests/corpus/failures), and how well groups fit them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FAILURES: Final = Path(__file__).resolve().parents[1] / "corpus" / "failures"
OPEN, HELD_BACK = "open", "held_back"
HELD_BACK_SECOND, HELD_BACK_THIRD = "held_back_second", "held_back_third"
HELD_BACK_FOURTH = "held_back_fourth"


@dataclass(frozen=True, slots=True)
class Failed:
    """One letter, and what it really died of."""

    cause: str
    letter: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fit:
    """How groups fit causes: those in one group each, those that fell apart, and those that share a group."""

    whole: frozenset[str]
    split: frozenset[str]
    mixed: tuple[frozenset[str], ...]


def failures(half: str) -> list[Failed]:
    files = sorted((FAILURES / half).glob("*.json"))
    causes = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [Failed(each["cause"], letter) for each in causes for letter in each["letters"]]


def fit(grouped: Iterable[tuple[str, Hashable]]) -> Fit:
    """Of pairs (true cause, group)."""
    groups_of, causes_of = defaultdict(set), defaultdict(set)
    for cause, group in grouped:
        groups_of[cause].add(group)
        causes_of[group].add(cause)
    whole = frozenset(cause for cause, groups in groups_of.items() if len(groups) == 1)
    mixed = tuple(frozenset(causes) for causes in causes_of.values() if len(causes) > 1)
    return Fit(whole, frozenset(groups_of) - whole, mixed)
