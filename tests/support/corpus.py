"""Failures whose true causes are known (tests/corpus/failures), and how well groups fit them."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.deadletters import wire
from agents.deadletters.fingerprint import Told, form, nearest
from agents.deadletters.services import grouping
from agents.deadletters.services.grouping_by_place import MOST_COMPARED
from agents.deadletters.values import Origin

FAILURES: Final = Path(__file__).resolve().parents[1] / "corpus" / "failures"
OPEN, HELD_BACK = "open", "held_back"
HELD_BACK_SECOND, HELD_BACK_THIRD = "held_back_second", "held_back_third"
HELD_BACK_FOURTH, HELD_BACK_FIFTH = "held_back_fourth", "held_back_fifth"
HELD_BACK_SIXTH, HELD_BACK_SEVENTH = "held_back_sixth", "held_back_seventh"
# Those that groups must fit: a part is judged once before, and told in its README.
FITTED: Final = (
    OPEN,
    HELD_BACK,
    HELD_BACK_SECOND,
    HELD_BACK_THIRD,
    HELD_BACK_FOURTH,
    HELD_BACK_FIFTH,
    HELD_BACK_SIXTH,
    HELD_BACK_SEVENTH,
)

# Told in the README of the corpus: a customer's name in the middle of a sentence, and two endpoints of one service.
STILL_APART: Final = frozenset({"model-refuses-content", "picture-gone"})


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
    """Of a part by its name, or of a folder."""
    files = sorted((FAILURES / half).glob("*.json"))
    causes = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [Failed(each["cause"], letter) for each in causes for letter in each["letters"]]


def in_orders(half: str, seeds: Iterable[int]) -> Iterator[list[Failed]]:
    """As they were written, and once for each seed in another order."""
    found = failures(half)
    yield found
    for seed in seeds:
        other = list(found)
        random.Random(seed).shuffle(other)
        yield other


def fingerprinted(failed: Iterable[Failed]) -> Iterator[tuple[str, str]]:
    """(True cause, fingerprint) as it is formed when a letter comes into custody."""
    for each in failed:
        yield each.cause, form(grouping.died(wire.of_data(each.letter, Origin()))).fingerprint


def grouped(failed: Iterable[Failed]) -> Iterator[tuple[str, int]]:
    """(True cause, group) as services/grouping.py finds it, without a database."""
    group_of: dict[str, int] = {}
    told_at: defaultdict[str, list[tuple[Told, int]]] = defaultdict(list)
    for each in failed:
        arrival = wire.of_data(each.letter, Origin())
        said, told = form(grouping.died(arrival)).fingerprint, grouping.teller(arrival)()
        if said not in group_of:
            there = told_at[told.place][: -MOST_COMPARED - 1 : -1]
            like = nearest(told, there)
            group_of[said] = len(group_of) if like is None else there[like][1]
            told_at[told.place].append((told, group_of[said]))
        yield each.cause, group_of[said]


def fit(grouped: Iterable[tuple[str, Hashable]]) -> Fit:
    """Of pairs (true cause, group)."""
    groups_of, causes_of = defaultdict(set), defaultdict(set)
    for cause, group in grouped:
        groups_of[cause].add(group)
        causes_of[group].add(cause)
    whole = frozenset(cause for cause, groups in groups_of.items() if len(groups) == 1)
    mixed = tuple(frozenset(causes) for causes in causes_of.values() if len(causes) > 1)
    return Fit(whole, frozenset(groups_of) - whole, mixed)
