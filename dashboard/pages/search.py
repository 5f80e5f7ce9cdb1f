"""What the search box and the palette can find. Rooms register a finder in code; each answers only what may be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.access.api import Subject
from dashboard.pages import navigation

AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found: what it is called, where it is, and how it reads beside its name."""

    title: str
    url: str
    hint: str = ""
    icon: str = "next"


# The text that was typed, who typed it, and how many are wanted at most.
Find = Callable[[str, Subject, int], list[Found]]


@dataclass(frozen=True, slots=True)
class Finder:
    """One kind of thing. `kind` is its name in the plural, as the page says it: accounts, audit entries."""

    kind: str
    find: Find


@dataclass(frozen=True, slots=True)
class Answer:
    """What one finder found."""

    kind: str
    found: list[Found]


_finders: list[Finder] = []


def register(kind: str, find: Find) -> None:
    """Add a kind of thing that can be found."""
    _finders.append(Finder(kind, find))


def kinds() -> list[str]:
    """What can be found, in words, in the order in which it is asked."""
    return [finder.kind for finder in _finders]


def ask(text: str, subject: Subject, at_most: int = AT_MOST) -> list[Answer]:
    """Everything by that name that the subject may see, kind by kind; kinds with nothing are left out."""
    wanted = text.strip()
    if not wanted:
        return []
    answers = [Answer(finder.kind, finder.find(wanted, subject, at_most)) for finder in _finders]
    return [answer for answer in answers if answer.found]


def find_pages(text: str, subject: Subject, at_most: int) -> list[Found]:
    """Pages of the console whose title or question holds the text."""
    wanted = text.lower()
    return [
        Found(entry.page.title, entry.url, entry.page.answers, entry.icon)
        for entry in navigation.entries(subject)
        if entry.decision and wanted in f"{entry.page.title} {entry.page.answers}".lower()
    ][:at_most]
