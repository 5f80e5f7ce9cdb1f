"""What an edit would make of a plan's first members, line by line: masked as their letters are, unless whoever looks
has them open. What is masked is masked before it is edited, so that no patch brings it to light by moving it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agents.deadletters import selectors as deadletters
from agents.deadletters.models import Letter
from agents.deadletters.seal import SealError
from agents.deadletters.showing import Veil
from agents.deadletters.values import Contents
from agents.operations import selectors
from agents.operations.editing import EditRefusedError, difference, edited
from agents.operations.message import Message
from agents.operations.models import Plan
from core.access.api import Subject

MOST = 3
UNREADABLE = "It is sealed with a key that is missing, or was erased."
NO_TEXT = "The edit fits. It is no text, so nobody can tell what of it is to be masked."
TESTS_HIDDEN = "The edit fits. It tests or changes within what is masked, so the difference is not shown."


@dataclass(frozen=True, slots=True)
class Sample:
    """A member as the edit would change it: lines of the difference, or why there are none."""

    letter: Letter
    masked: bool
    lines: list[str] = field(default_factory=list)
    problem: str = ""
    note: str = ""
    # As it died; only where it is not masked.
    message: Message | None = None


def samples(
    subject: Subject, plan: Plan, wanted: Mapping[str, Any] | None, is_open: Callable[[Letter], bool]
) -> list[Sample]:
    """Of the first members that the subject may see."""
    items = list(selectors.members(plan)[:MOST])
    letters = selectors.letters_of(items, subject)
    found = [letters[item.letter] for item in items if item.letter in letters]
    return [sample(letter, wanted, is_open=is_open(letter)) for letter in found]


def sample(letter: Letter, wanted: Mapping[str, Any] | None, *, is_open: bool) -> Sample:
    contents = _contents(letter)
    plain = _message(letter, contents) if contents else None
    if not is_open:
        Veil().over([letter])
    if plain is None or contents is None:
        return Sample(letter, not is_open, note=UNREADABLE)
    shown = Sample(letter, not is_open, message=plain if is_open else None)
    if not wanted:
        return shown
    try:
        after = edited(plain, wanted)
    except EditRefusedError as refused:
        return replace(shown, problem=str(refused))
    if is_open:
        return replace(shown, lines=difference(plain, after))
    return _masked(shown, contents, wanted)


def _masked(shown: Sample, contents: Contents, wanted: Mapping[str, Any]) -> Sample:
    hidden = deadletters.masked(contents)
    if hidden is None:
        return replace(shown, note=NO_TEXT)
    message = _message(shown.letter, hidden)
    try:
        return replace(shown, lines=difference(message, edited(message, wanted)))
    except EditRefusedError:
        return replace(shown, note=TESTS_HIDDEN)


def _contents(letter: Letter) -> Contents | None:
    try:
        return deadletters.contents_of(letter)
    except SealError:
        return None


def _message(letter: Letter, contents: Contents) -> Message:
    return Message(
        contents.body, contents.headers, contents.properties, letter.content_type, letter.content_encoding
    )
