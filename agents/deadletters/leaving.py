"""Which letters leave a group when it is merged, split or given back: pure, and kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Letters with one of these fingerprints, if there are any, and with this value of a field, if one is named."""

    fingerprints: frozenset[str] = frozenset()
    field: str = ""
    value: str = ""

    def is_on(self, letter: Mapping[str, Any]) -> bool:
        if self.fingerprints and letter["fingerprint"] not in self.fingerprints:
            return False
        return not self.field or str(letter[self.field]) == self.value


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """All letters; or those that bear a mark, and those that are named."""

    all: bool = False
    marks: tuple[Mark, ...] = ()
    letters: frozenset[UUID] = frozenset()

    @property
    def columns(self) -> set[str]:
        """What of a letter has to be known."""
        named = {mark.field for mark in self.marks if mark.field}
        return named | ({"fingerprint"} if any(mark.fingerprints for mark in self.marks) else set())

    def means(self, letter: Mapping[str, Any]) -> bool:
        """`letter` has its `pk` and the columns."""
        return self.all or letter["pk"] in self.letters or any(mark.is_on(letter) for mark in self.marks)


def dump(rule: Rule) -> dict[str, Any]:
    return dict(msgspec.to_builtins(rule))


def load(given: Mapping[str, Any]) -> Rule:
    return msgspec.convert(given, Rule)
