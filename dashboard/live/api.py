"""The front door of live: what a topic is, and how one is registered.

A topic is a set of rows that browsers follow. Its source owns the rows; live only reads them, whole, and
works out what changed. `hint` says that a topic may have changed. A hint can get lost, so every followed topic
is read again from time to time as well: a late row is possible, a wrong one that stays is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from core.access.api import Permission, Place, Subject
from core.hints import hint
from dashboard.live import limits

__all__ = [
    "PersonalTopic",
    "Row",
    "State",
    "Topic",
    "TopicTakenError",
    "find",
    "hint",
    "register",
    "registered",
    "unregister",
]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a topic shows. Who may see it follows from `place`, and from the places in `also`: the right in
    one of them is enough. `data` must be plain JSON values, less than 256 kB of them.

    Rows are shared between sockets and threads: nobody changes one after `load` has returned it.
    """

    place: Place
    data: Mapping[str, Any]
    also: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Everything a topic shows at one moment.

    `revision` comes from the source where it has one: read in the same transaction as the rows, higher after
    every change, never lower. Then all web processes speak of the same revision. Without one (None) each web
    process numbers the changes that it sees, and a number means something only on the socket that it came
    through.

    No rows means that there is nothing. A source that cannot tell raises instead.
    """

    revision: int | None
    rows: Mapping[str, Row]


class Topic(Protocol):
    """A source of rows, called by one web process from one thread at a time.

    `load` reads the whole state now, in less than a second, and changes nothing. When it raises, browsers keep
    what they have and are told since when it is stale; the next load comes a moment later. It is called only
    while somebody follows the topic, and at most four times a second.
    """

    @property
    def name(self) -> str:
        """What browsers subscribe to: small letters and dots."""

    @property
    def permission(self) -> Permission:
        """Who may follow it; of the rows, each subject gets those in whose place it has this right."""

    def load(self) -> State:
        """Everything, unfiltered."""


@runtime_checkable
class PersonalTopic(Topic, Protocol):
    """A topic that is worked out for each subject, such as what waits for me. It filters by scope itself."""

    def seen_by(self, subject: Subject, rows: Mapping[str, Row]) -> Mapping[str, Row]:
        """What this subject sees of the rows: a pure function, called on every change for every subject."""


class TopicTakenError(Exception):
    """Another topic has this name already. Give the new one its own."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A topic, the hints after which it is read again, and the seconds after which it is read without one."""

    topic: Topic
    hints: frozenset[str]
    every: float


_registered: dict[str, Registration] = {}


def register(topic: Topic, *, also_after: tuple[str, ...] = (), every: float = limits.RELOAD_EVERY) -> None:
    """Offer a topic to browsers.

    It is read after hints of its own name and of the names in `also_after`, and `every` so many seconds without
    one: fewer for a source in which things change by the mere passing of time.
    """
    if topic.name in _registered:
        raise TopicTakenError(f"There is a topic {topic.name!r} already.")
    _registered[topic.name] = Registration(topic, frozenset({topic.name, *also_after}), every)


def unregister(name: str) -> None:
    """Take a topic back; sockets that follow it keep what they have."""
    _registered.pop(name, None)


def find(name: str) -> Registration | None:
    """The topic of this name, or None when there is no such topic."""
    return _registered.get(name)


def registered() -> tuple[Topic, ...]:
    """Every topic, for tests and documents that walk them."""
    return tuple(registration.topic for registration in _registered.values())
