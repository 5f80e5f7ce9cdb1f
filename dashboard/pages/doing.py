"""What can be done to letters from a list, a group or one letter: each begins as a plan."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from agents.deadletters.values import State
from agents.operations.values import PERMISSIONS, TAKEN_FROM, Action
from core.access.api import SOMEWHERE, Decision, Place, Subject, may
from dashboard.pages.plan_words import VERBS

KEYS = {Action.REDRIVE: "r"}
TONES = {Action.REDRIVE: "primary", Action.PURGE: "danger"}


@dataclass(frozen=True, slots=True)
class Offer:
    """An action as a button. A denied one stands there and says why."""

    action: Action
    decision: Decision

    @property
    def title(self) -> str:
        return VERBS[self.action]

    @property
    def key(self) -> str:
        return KEYS.get(self.action, "")

    @property
    def tone(self) -> str:
        return TONES.get(self.action, "")


def offered(subject: Subject, state: str, place: Place = SOMEWHERE) -> list[Offer]:
    """The actions that take letters in this state; none where the state is not one that anything is taken from."""
    return [
        Offer(action, may(subject, PERMISSIONS[action], place))
        for action, taken in TAKEN_FROM.items()
        if taken is State(state or State.HELD) and state
    ]


def line(action: Action, filters: Mapping[str, str]) -> str:
    """The same as a `postroom` line."""
    given = [f"--{name} {shlex.quote(value)}" for name, value in filters.items() if name != "state"]
    return " ".join(["postroom letters", str(action), *(given or ["--all"]), "--reason …"])


def line_of(action: Action, *ids: object) -> str:
    return " ".join(["postroom letters", str(action), *map(str, ids), "--reason …"])
