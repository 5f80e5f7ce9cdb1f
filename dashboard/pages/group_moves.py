"""Letters on their way between groups, in words: what goes where, how far it is, and what can be taken back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.deadletters.leaving import load
from agents.deadletters.models import FailureGroup, GroupMove
from agents.deadletters.services.moving import waits_for
from agents.deadletters.values import MoveKind, MoveState


@dataclass(frozen=True, slots=True)
class Shown:
    """A move as the page of one of its groups says it."""

    row: GroupMove
    other: FailureGroup
    says: str
    how_far: str

    @property
    def looked(self) -> int:
        """Never more than all: letters come and go while they are looked at."""
        return min(self.row.looked, self.row.letters)


def shown(group: FailureGroup, moves: Iterable[GroupMove]) -> list[Shown]:
    return [_shown(group, move) for move in moves]


def _shown(group: FailureGroup, move: GroupMove) -> Shown:
    here = move.into_id == group.pk
    return Shown(move, move.source if here else move.into, _says(move, here=here), _how_far(move))


def _says(move: GroupMove, *, here: bool) -> str:
    """Before the other group's title."""
    if move.kind == MoveKind.MERGE:
        return "Merged: the letters come here from" if here else "Merged: the letters go from here to"
    if move.kind == MoveKind.UNDO:
        return (
            "A merge was taken back: letters come here from"
            if here
            else "A merge was taken back: letters go to"
        )
    return f"Split: {_which(move)} come here from" if here else f"Split: {_which(move)} go from here to"


def _which(move: GroupMove) -> str:
    rule = load(move.rule)
    if not rule.marks:
        return f"{len(rule.letters):,} named letters"
    return f"letters whose {rule.marks[0].field.replace('_', ' ')} is {rule.marks[0].value[:80]}"


def _how_far(move: GroupMove) -> str:
    if move.state != MoveState.MOVING:
        return f"{move.moved:,} letters"
    if waits_for(move.pk):
        return "Another move of letters has to come to its end first."
    if move.kind == MoveKind.MERGE:
        return f"{move.moved:,} of {move.letters:,} letters have gone."
    looked = min(move.looked, move.letters)
    return f"{looked:,} of {move.letters:,} letters were looked at, and {move.moved:,} have gone."
