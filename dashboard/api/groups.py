"""Failure groups for programs: list them, read one, triage, merge, split, take a merge back, and note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters import groups
from agents.deadletters.groups import GroupFilter
from agents.deadletters.models import FailureGroup, GroupMove
from agents.deadletters.services import merging, triage
from agents.deadletters.services.triage import Decided, TriageError
from agents.deadletters.values import MoveState, Triage
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

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, TriageError):
            exc = invalid(exc.field, str(exc))
        return super().handle_exception(exc)

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
            "moves": [shapes.move(each) for each in groups.under_way(group)],
        }

    def begun(self, group: FailureGroup, moves: Sequence[GroupMove], done: int) -> Response:
        """The group, and how far its letters are: `done`, or 202 with where to ask while some are on their way."""
        body = self.whole(group) | {"moves": [shapes.move(each) for each in moves]}
        asked = f"/{moves[0].pk}" if len(moves) == 1 else f"?group={group.pk}&state=moving"
        return _begun(body, moves, done, asked)


def _begun(body: dict[str, Any], moves: Sequence[GroupMove], done: int, asked: str) -> Response:
    if all(each.state == MoveState.DONE for each in moves):
        return Response(body, status=done)
    return Response(body, status=202, headers={"Location": f"/api/v1/group-moves{asked}"})


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
        group = triage.decide(group, decided, self.actor(request, said["reason"]))
        return Response(self.whole(group))


class GroupMerge(GroupView):
    """Others into this one."""

    permission = Permission.TRIAGE

    @extend_schema(
        operation_id="failure_groups_merge",
        summary="Other groups become part of this one; many letters follow in portions (202)",
        request=shapes.GroupsMerged,
        responses={200: shapes.GroupMovedShape, 202: shapes.GroupMovedShape},
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        into, said = self.found(id), query.body(request, shapes.GroupsMerged)
        others = [self.found(each) for each in dict.fromkeys(said["groups"])]
        moves = merging.merge(into, others, self.actor(request, said["reason"]))
        return self.begun(moves[0].into, moves, 200)


class GroupSplitting(GroupView):
    """Some of this one's letters into a new one."""

    permission = Permission.TRIAGE

    @extend_schema(
        operation_id="failure_groups_split",
        summary="Some letters of this group become a new one; many follow in portions (202)",
        request=shapes.GroupSplitAsked,
        responses={201: shapes.GroupMovedShape, 202: shapes.GroupMovedShape},
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        group, said = self.found(id), query.body(request, shapes.GroupSplitAsked)
        actor = self.actor(request, said.pop("reason"))
        move = merging.split(group, actor, **said)
        return self.begun(move.into, [move], 201)


class MoveView(GroupView):
    """A view of letters on their way between groups."""

    def move(self, id: UUID) -> GroupMove:
        found = groups.moves_seen_by(self.subject).filter(pk=id).first()
        if found is None:
            detail = f"There is no move {id} between failure groups that you may see."
            raise ProblemError(Problem(404, "Not found", detail, "GET /api/v1/group-moves lists them."))
        return found


class GroupMoves(MoveView):
    """The list."""

    @extend_schema(
        operation_id="group_moves_list",
        summary="Letters on their way between failure groups, and those that have come, the last first",
        parameters=[shapes.GroupMoveFilters, *PAGING],
        responses=listed(shapes.GroupMoveShape),
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, shapes.GroupMoveFilters)
        rows = groups.moves_seen_by(self.subject)
        if group := given.pop("group", None):
            rows = rows.filter(Q(source=group) | Q(into=group))
        return paging.response(request, paging.page(request, rows.filter(**given), ("-id",)), shapes.move)


class OneGroupMove(MoveView):
    """One of them."""

    @extend_schema(
        operation_id="group_moves_get",
        summary="How far the letters of a merge or split are",
        responses=shapes.GroupMoveShape,
    )
    def get(self, request: Request, id: UUID) -> Response:
        return Response(shapes.move(self.move(id)))


class GroupMoveUndo(MoveView):
    """A merge that was wrong."""

    permission = Permission.TRIAGE

    @extend_schema(
        operation_id="group_moves_undo",
        summary="Take a merge back, also one that is under way; many letters follow in portions (202)",
        request=shapes.GroupMoveUndone,
        responses={200: shapes.GroupMoveShape, 202: shapes.GroupMoveShape},
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        merge, said = self.move(id), query.body(request, shapes.GroupMoveUndone)
        back = merging.undo(merge, self.actor(request, said["reason"]))
        return _begun(shapes.move(back), [back], 200, f"/{back.pk}")


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
        note = triage.add_note(group, said["text"], said["link"], self.actor(request))
        return Response(shapes.note(note), status=201)
