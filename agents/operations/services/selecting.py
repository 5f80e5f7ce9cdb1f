"""From what was asked for to the letters that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from agents.deadletters import selectors as custody
from agents.deadletters.models import Letter
from agents.operations.errors import SelectionRefusedError
from agents.operations.models import Receipt
from agents.operations.values import PERMISSIONS, TAKEN_FROM, Action, Selection
from agents.spans.language import QueryRefusedError
from core import clock
from core.access.api import Subject

MOST_IDS = 10_000
WAYS = "`ids`, `group`, `filter`, `receipt` or `queue`"
_TIMES = ("since", "until")
_NAMES = tuple(each.name for each in fields(custody.Filter))


def letters(action: Action, selection: Selection, subject: Subject) -> QuerySet[Letter]:
    """Those that match now, that can be taken, and where the subject may. Raises SelectionRefusedError."""
    checked(action, selection)
    return custody.seen_by(subject, PERMISSIONS[action]).filter(
        matching(selection, subject), state=TAKEN_FROM[action]
    )


def checked(action: Action, selection: Selection) -> None:
    """Is it clear, and does it go with the action?"""
    ways = selection.ways
    if len(ways) != 1:
        raise SelectionRefusedError("select", f"name the letters in exactly one way: {WAYS}")
    if len(selection.ids) > MOST_IDS:
        raise SelectionRefusedError(
            "select.ids", f"at most {MOST_IDS:,} ids; use a filter or a group for more"
        )
    if selection.receipt and action is not Action.RESTORE:
        raise SelectionRefusedError("select.receipt", "only a restore takes the receipt of a purge")
    if action not in TAKEN_FROM or ways == ["queue"]:
        raise SelectionRefusedError(
            "select", f"a {action} of waiting messages names its queue, and letters have none"
        )
    state = selection.filter.get("state", "")
    if state and state != TAKEN_FROM[action]:
        raise SelectionRefusedError(
            "select.filter.state", f"a {action} takes letters that are {TAKEN_FROM[action]}"
        )
    matching(selection)


def matching(selection: Selection, subject: Subject | None = None) -> Q:
    """As a condition on letters."""
    if selection.ids:
        return Q(pk__in=selection.ids)
    if selection.receipt:
        purged = Receipt.objects.filter(operation=_uuid(selection.receipt, "select.receipt"))
        return Q(pk__in=purged.values("letter"))
    given: dict[str, Any] = dict(selection.filter) | ({"group": selection.group} if selection.group else {})
    given.pop("state", None)
    try:
        return custody.letters(custody.Filter(**_filter(given)), subject)
    except QueryRefusedError as problem:
        raise SelectionRefusedError("select.filter.q", str(problem)) from None


def _filter(given: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        if name not in _NAMES:
            raise SelectionRefusedError(
                f"select.filter.{name}", f"there is no such filter; there are {', '.join(_NAMES)}"
            )
        if not isinstance(value, str):
            raise SelectionRefusedError(f"select.filter.{name}", "it must be text")
    return {name: _moment(name, value) if name in _TIMES else value for name, value in given.items() if value}


def _moment(name: str, value: str) -> datetime:
    try:
        return clock.parse(value)
    except ValueError as problem:
        raise SelectionRefusedError(f"select.filter.{name}", str(problem)) from None


def _uuid(value: str, field: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise SelectionRefusedError(field, "it must be the id of an operation") from None
