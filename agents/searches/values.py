"""What a search may look for, and the rights that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.access.permissions import Permission


class SearchOf(StrEnum):
    """What a saved search looks for: one list of the console."""

    LETTERS = "letters"
    GROUPS = "groups"
    MESSAGES = "messages"
    TRACES = "traces"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a search of one kind takes: `view` is what its page needs, `share` puts it into everybody's list, and
    `manage`, held everywhere, changes what somebody else shares."""

    view: Permission
    share: Permission
    manage: Permission


_OF_LETTERS = Rights(Permission.SEE, Permission.TRIAGE, Permission.MANAGE_LETTERS)
_OF_WHAT_AGENTS_DO = Rights(Permission.SEE, Permission.TRIAGE, Permission.MANAGE_AGENTS)
RIGHTS: dict[SearchOf, Rights] = {
    SearchOf.LETTERS: _OF_LETTERS,
    SearchOf.GROUPS: _OF_LETTERS,
    SearchOf.MESSAGES: _OF_WHAT_AGENTS_DO,
    SearchOf.TRACES: _OF_WHAT_AGENTS_DO,
    SearchOf.LOGS: _OF_WHAT_AGENTS_DO,
}
