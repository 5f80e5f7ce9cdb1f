"""What travels about failure groups: the shapes of requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from agents.deadletters.groups import ORDERS, Numbers
from agents.deadletters.models import FailureGroup, GroupChange, GroupMove, GroupNote
from agents.deadletters.services.moving import waits_for
from agents.deadletters.values import MoveKind, MoveState, Triage
from agents.operations.models import Operation
from core import clock
from dashboard.api import query

TRIAGE = [str(state) for state in Triage]
NOTHING = Numbers()


class GroupFilters(query.Filters):
    """Which groups; those whose last death is newest come first."""

    triage = serializers.ChoiceField(TRIAGE, required=False)
    environment = serializers.CharField(required=False)
    queue = serializers.CharField(required=False)
    agent = serializers.CharField(required=False)
    error = serializers.CharField(required=False, help_text="A part of the error's type.")
    q = serializers.CharField(required=False, max_length=300, help_text="A part of the title.")
    held = serializers.BooleanField(required=False, help_text="Only groups with letters that are held.")
    came_back = serializers.BooleanField(
        required=False, help_text="Only groups that came back after a redrive."
    )
    since = query.UtcTime(required=False, help_text="With a death at this time or later.")
    until = query.UtcTime(required=False, help_text="With a death before this time.")
    order = serializers.ChoiceField(list(ORDERS), required=False)


class GroupDecided(serializers.Serializer[Any]):
    """A step of triage. `from` makes sure that nobody took another one in between."""

    triage = serializers.ChoiceField(TRIAGE)
    assigned_to = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")
    muted_until = query.UtcTime(required=False, allow_null=True, default=None)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")
    vars()["from"] = serializers.ChoiceField(TRIAGE, required=False)


class GroupsMerged(serializers.Serializer[Any]):
    """Groups whose letters belong to this one from now on."""

    groups = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=200)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class GroupSplitAsked(serializers.Serializer[Any]):
    """Which letters leave: those with this value of a field, or these."""

    field = serializers.CharField(required=False, allow_blank=True, default="")
    value = serializers.CharField(required=False, allow_blank=True, max_length=2_000, default="")
    letters = serializers.ListField(child=serializers.UUIDField(), required=False, default=list)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class GroupNoteGiven(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=2_000)
    link = serializers.CharField(required=False, allow_blank=True, max_length=2_000, default="")


class GroupNoteShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = query.UtcTime()
    by = serializers.CharField()
    text = serializers.CharField()
    link = serializers.CharField()


class AfterOperationShape(serializers.Serializer[Any]):
    """The operation whose redrive it was."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    action = serializers.CharField()


class CameBackShape(serializers.Serializer[Any]):
    """The last time that a letter of the group died the same way after a redrive.

    `operation` is null where the asker may not see it."""

    times = serializers.IntegerField()
    at = query.UtcTime()
    letter = serializers.UUIDField(allow_null=True)
    redrive = serializers.IntegerField(help_text="Which redrive of the letter it was.")
    operation = AfterOperationShape(allow_null=True)


class GroupNamedShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()


class GroupMoveShape(serializers.Serializer[Any]):
    """Letters on their way from one group to another. Later deaths go to the right group from the beginning.

    Of a merge all letters go; else `looked` of `letters` were looked at so far, and `moved` of them went."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField([str(each) for each in MoveKind])
    state = serializers.ChoiceField([str(each) for each in MoveState])
    vars()["source"] = GroupNamedShape()
    into = GroupNamedShape()
    by = serializers.CharField()
    asked_at = query.UtcTime()
    reason = serializers.CharField()
    letters = serializers.IntegerField(help_text="In the group that they leave, when the move began.")
    looked = serializers.IntegerField()
    moved = serializers.IntegerField()
    waits_for = serializers.UUIDField(
        allow_null=True, help_text="The move that shares a group with this one and is done before it."
    )
    undoes = serializers.UUIDField(allow_null=True, help_text="The merge that it takes back.")
    ended_at = query.UtcTime(allow_null=True)


class GroupMoveFilters(query.Filters):
    """Which moves."""

    group = serializers.UUIDField(required=False, help_text="From this group or into it.")
    state = serializers.ChoiceField([str(each) for each in MoveState], required=False)
    kind = serializers.ChoiceField([str(each) for each in MoveKind], required=False)


class GroupMoveUndone(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class GroupRowShape(serializers.Serializer[Any]):
    """A group in a list. `count` and `held` are of letters that the asker may see; `deaths` counts every death."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    fingerprint = serializers.CharField()
    environment = serializers.CharField()
    queue = serializers.CharField()
    agent = serializers.CharField()
    count = serializers.IntegerField()
    held = serializers.IntegerField()
    deaths = serializers.IntegerField()
    first_died_at = query.UtcTime()
    last_died_at = query.UtcTime()
    triage = serializers.ChoiceField(TRIAGE)
    since = query.UtcTime(help_text="When it was put there.")
    assigned_to = serializers.CharField()
    muted_until = query.UtcTime(allow_null=True)
    came_back = CameBackShape(allow_null=True)
    going_to = serializers.UUIDField(
        allow_null=True, help_text="It was merged into that group, and its letters are on their way."
    )


class GroupChangeShape(serializers.Serializer[Any]):
    before = serializers.CharField()
    after = serializers.ChoiceField(TRIAGE)
    at = query.UtcTime()
    by = serializers.CharField()
    reason = serializers.CharField()


class RateShape(serializers.Serializer[Any]):
    at = query.UtcTime()
    version = serializers.CharField()
    deaths = serializers.IntegerField()


class GroupShape(GroupRowShape):
    """A group whole: how it was formed, what it touches, what was decided, letters that are on their way from or to it,
    and deaths by hour of the last week."""

    formed = serializers.DictField()
    touched = serializers.DictField(help_text="Deaths by version, agent, queue and workflow.")
    notes = GroupNoteShape(many=True)
    changes = GroupChangeShape(many=True)
    rates = RateShape(many=True)
    moves = GroupMoveShape(many=True)


class GroupMovedShape(GroupShape):
    """The group after a merge or split, and in `moves` what that began."""


def row(
    group: FailureGroup, numbers: Mapping[Any, Numbers], after: Mapping[UUID, Operation]
) -> dict[str, Any]:
    """In a list."""
    names = ("title", "fingerprint", "environment", "queue", "agent", "deaths", "assigned_to")
    moments = ("first_died_at", "last_died_at", "since")
    found = numbers.get(group.pk, NOTHING)
    return {
        "id": str(group.pk),
        **{name: getattr(group, name) for name in names},
        **{name: clock.rfc3339(getattr(group, name)) for name in moments},
        "count": found.count,
        "held": found.held,
        "triage": str(group.triage),
        "muted_until": clock.rfc3339(group.muted_until) if group.muted_until else None,
        "came_back": came_back(group, after.get(group.pk)),
        "going_to": str(group.going_to_id) if group.going_to_id else None,
    }


def move(each: GroupMove) -> dict[str, Any]:
    waits = waits_for(each.pk) if each.state == MoveState.MOVING else None
    return {
        "id": str(each.pk),
        **{name: getattr(each, name) for name in ("kind", "state", "by", "reason", "letters", "moved")},
        # Letters come and go while they are looked at.
        "looked": min(each.looked, each.letters),
        "source": {"id": str(each.source_id), "title": each.source.title},
        "into": {"id": str(each.into_id), "title": each.into.title},
        "asked_at": clock.rfc3339(each.asked_at),
        "waits_for": str(waits.pk) if waits else None,
        "undoes": str(each.undoes_id) if each.undoes_id else None,
        "ended_at": clock.rfc3339(each.ended_at) if each.ended_at else None,
    }


def came_back(group: FailureGroup, after: Operation | None) -> dict[str, Any] | None:
    if not group.came_back or not group.came_back_at:
        return None
    return {
        "times": group.came_back,
        "at": clock.rfc3339(group.came_back_at),
        "letter": str(group.came_back_letter) if group.came_back_letter else None,
        "redrive": group.came_back_redrive,
        "operation": after_operation(after) if after else None,
    }


def after_operation(operation: Operation) -> dict[str, Any]:
    return {"id": str(operation.pk), "number": operation.number, "action": operation.action}


def note(each: GroupNote) -> dict[str, Any]:
    names = ("by", "text", "link")
    return {
        "id": str(each.pk),
        "at": clock.rfc3339(each.at),
        **{name: getattr(each, name) for name in names},
    }


def change(each: GroupChange) -> dict[str, Any]:
    names = ("before", "after", "by", "reason")
    return {name: getattr(each, name) for name in names} | {"at": clock.rfc3339(each.at)}


def rate(each: tuple[datetime, str, int]) -> dict[str, Any]:
    at, version, deaths = each
    return {"at": clock.rfc3339(at), "version": version, "deaths": deaths}
