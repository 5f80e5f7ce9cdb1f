"""Failure groups for programs: list them, read one, triage, merge, split, and note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters import groups
from agents.deadletters.groups import GroupFilter
from agents.deadletters.models import FailureGroup
from agents.deadletters.services import merging, triage
from agents.deadletters.services.triage import Decided, TriageError
from agents.deadletters.values import Triage
from agents.operations import selectors as operations
from core import clock
from core.access.api import Permission
from core.access.services import Actor
from core.transitions import StaleStateError
from dashboard.api import groups_shapes as shapes
from dashboard.api import paging, query
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView, source_of

CHARTED = timedelta(days=7)
HOUR = 3600


class GroupView(ApiView):
    """A view of groups."""

    permission = Permission.SEE

    def found(self, id: UUID) -> FailureGroup:
        group = groups.one(self.subject, id)
        if group is None:
            detail = f"There is no failure group {id} that you may see."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/failure-groups lists them."))
        return group

    def actor(self, request: Request, why: str = "") -> Actor:
        return Actor(self.subject, source_of(request), why)

    def shaped(self, found: Sequence[FailureGroup]) -> Callable[[FailureGroup], dict[str, Any]]:
        """How these read in a list."""
        numbers = groups.numbers(self.subject, [group.pk for group in found])
        after = operations.came_back_after(found, self.subject)
        return lambda group: shapes.row(group, numbers, after)

    def whole(self, group: FailureGroup) -> dict[str, Any]:
        now = clock.now()
        touched = groups.touched(self.subject, group)
        return self.shaped([group])(group) | {
            "formed": group.formed,
            "touched": {
                name: [{"value": value, "deaths": deaths} for value, deaths in found]
                for name, found in touched.items()
            },
            "notes": [shapes.note(each) for each in groups.notes_of(group)],
            "changes": [shapes.change(each) for each in groups.changes_of(group)],
            "rates": [shapes.rate(each) for each in groups.rates(group, HOUR, now - CHARTED, now)],
        }


class Groups(GroupView):
    """The list."""

    @extend_schema(
        operation_id="failure_groups_list",
        summary="Failure groups, those with the newest death first",
        parameters=[shapes.GroupFilters, *PAGING],
        responses=listed(shapes.GroupRowShape),
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, shapes.GroupFilters)
        order = groups.ORDERS[given.pop("order", "last")]
        rows = groups.visible_to(self.subject).filter(groups.groups(GroupFilter(**given)))
        page = paging.page(request, rows, order)
        return paging.response(request, page, self.shaped(page.rows))


class OneGroup(GroupView):
    """One group; triage is a change of it."""

    permission_by_method = {"PATCH": Permission.TRIAGE}

    @extend_schema(
        operation_id="failure_groups_get", summary="One failure group", responses=shapes.GroupShape
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(self.whole(self.found(id)))

    @extend_schema(
        operation_id="failure_groups_triage",
        summary="Acknowledge, assign, mute or resolve it, or make it new again",
        request=shapes.GroupDecided,
        responses=shapes.GroupShape,
    )
    def patch(self, request: Request, id: UUID) -> Response:
        group, said = self.found(id), query.body(request, shapes.GroupDecided)
        if said.get("from") and said["from"] != group.triage:
            raise StaleStateError(f"The group is {group.triage} and not {said['from']} any more.")
        decided = Decided(Triage(said["triage"]), said["assigned_to"], said["muted_until"])
        try:
            group = triage.decide(group, decided, self.actor(request, said["reason"]))
        except TriageError as problem:
            raise invalid(problem.field, str(problem)) from None
        return Response(self.whole(group))


class GroupMerge(GroupView):
    """Others into this one."""

    permission = Permission.TRIAGE

    @extend_schema(
        operation_id="failure_groups_merge",
        summary="Other groups become part of this one",
        request=shapes.GroupsMerged,
        responses=shapes.GroupShape,
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        into, said = self.found(id), query.body(request, shapes.GroupsMerged)
        others = [self.found(each) for each in dict.fromkeys(said["groups"])]
        try:
            group = merging.merge(into, others, self.actor(request, said["reason"]))
        except TriageError as problem:
            raise invalid(problem.field, str(problem)) from None
        return Response(self.whole(group))


class GroupSplitting(GroupView):
    """Some of this one's letters into a new one."""

    permission = Permission.TRIAGE

    @extend_schema(
        operation_id="failure_groups_split",
        summary="Some letters of this group become a new one",
        request=shapes.GroupSplitAsked,
        responses={201: shapes.GroupShape},
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        group, said = self.found(id), query.body(request, shapes.GroupSplitAsked)
        actor = self.actor(request, said.pop("reason"))
        try:
            new = merging.split(group, actor, **said)
        except TriageError as problem:
            raise invalid(problem.field, str(problem)) from None
        return Response(self.whole(new), status=201)


class GroupNotes(GroupView):
    """What others should know about it."""

    permission_by_method = {"POST": Permission.TRIAGE}

    @extend_schema(
        operation_id="failure_groups_notes",
        summary="A group's notes, the last first",
        responses=shapes.GroupNoteShape(many=True),
    )
    def get(self, request: Request, id: UUID) -> Response:
        notes = [shapes.note(each) for each in groups.notes_of(self.found(id))]
        return Response({"results": notes, "next": None})

    @extend_schema(
        operation_id="failure_groups_note",
        summary="Add a note",
        request=shapes.GroupNoteGiven,
        responses={201: shapes.GroupNoteShape},
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        group, said = self.found(id), query.body(request, shapes.GroupNoteGiven)
        try:
            note = triage.add_note(group, said["text"], said["link"], self.actor(request))
        except TriageError as problem:
            raise invalid(problem.field, str(problem)) from None
        return Response(shapes.note(note), status=201)
