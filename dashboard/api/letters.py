"""Letters for programs: hand one over, list them, read one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.deadletters import api, selectors
from agents.deadletters.api import MalformedError, Origin, SealError
from agents.deadletters.models import Letter
from agents.deadletters.selectors import Filter
from agents.deadletters.showing import Eyes, Veil
from agents.deadletters.values import Contents
from core.access import scoping
from core.access.api import Permission, Place, may
from dashboard.api import letters_shapes as shapes
from dashboard.api import paging, query
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView


class LetterView(ApiView):
    """A view of letters."""

    permission = Permission.SEE

    def found(self, id: UUID) -> Letter:
        letter = selectors.one(self.subject, id)
        if letter is None:
            detail, remedy = (
                f"There is no letter {id} that you may see.",
                "GET /api/v1/dead-letters lists them.",
            )
            raise ProblemError(Problem(404, "Not found", detail, remedy))
        return letter


class Letters(LetterView):
    """The list, and handing one over."""

    permission_by_method = {"POST": Permission.WRITE_LETTERS}

    @extend_schema(
        operation_id="letters_list",
        summary="Letters, those that died last first",
        parameters=[shapes.LetterFilters, *PAGING],
        responses=listed(shapes.LetterRowShape),
    )
    def get(self, request: Request) -> Response:
        given = query.read(request, shapes.LetterFilters)
        wanted = Filter(**given | {"group": str(given.get("group", ""))})
        rows = selectors.seen_by(self.subject).filter(selectors.letters(wanted, self.subject))
        page = paging.page(request, rows, selectors.NEWEST)
        eyes = Eyes(self.subject)
        for letter in page.rows:
            eyes.look(letter)
        return paging.response(request, page, shapes.row)

    @extend_schema(
        operation_id="letters_hand_over",
        summary="Hand over a message that an agent gave up on; a death that is known changes nothing",
        request=shapes.LetterGiven,
        responses={201: shapes.LetterKept, 200: shapes.LetterKept},
    )
    def post(self, request: Request) -> Response:
        try:
            arrival = api.of_data(request.data, Origin())
        except MalformedError as problem:
            raise invalid(problem.field, f"{problem.detail}.") from None
        usual = settings.POSTROOM.environment
        environment = scoping.home(self.subject, Permission.WRITE_LETTERS, arrival.environment, usual)
        self.allow(Permission.WRITE_LETTERS, Place(environment, arrival.queue, arrival.agent))
        try:
            (kept,) = api.keep([replace(arrival, environment=environment)])
        except api.OtherEnvironmentError as problem:
            raise ProblemError(
                Problem(409, "Known elsewhere", str(problem), kind="death-elsewhere")
            ) from None
        answer = {"id": str(kept.letter_id), "state": kept.state}
        return Response(answer, status=201 if kept.new_death else 200)


class OneLetter(LetterView):
    """One letter with its deaths and attempts."""

    @extend_schema(operation_id="letters_get", summary="One letter", responses=shapes.LetterShape)
    def get(self, request: Request, id: UUID) -> Response:
        letter = self.found(id)
        masked = not may(self.subject, Permission.READ_PAYLOADS, letter.place)
        deaths, changes = selectors.deaths_of(letter), selectors.changes_of(letter)
        contents = opened(letter)
        if masked:
            Veil().over([letter, *deaths])
            contents = replace(contents, attempts=selectors.masked_attempts(contents)) if contents else None
        shown = selectors.masked(contents) if contents and masked else contents
        return Response(shapes.whole(letter, deaths, changes, contents, shown, masked=masked))


class LetterBody(LetterView):
    """What a letter carries."""

    @extend_schema(
        operation_id="letters_body",
        summary="A letter's body, byte for byte; masked for who may not read payloads",
        responses=shapes.BodyShape,
    )
    def get(self, request: Request, id: UUID) -> Response:
        letter = self.found(id)
        masked = not may(self.subject, Permission.READ_PAYLOADS, letter.place)
        contents = opened(letter)
        if contents is None:
            detail = "The letter was erased: its record stays, its body is gone."
            raise ProblemError(Problem(410, "Gone", detail, kind="erased"))
        shown = selectors.masked(contents) if masked else contents
        if shown is None:
            # No text: nobody can tell what is to be hidden in it.
            self.allow(Permission.READ_PAYLOADS, letter.place)
        raw = shown.body if shown else contents.body
        answer: Any = Response(shapes.body(letter, raw) | {"masked": masked})
        answer["Cache-Control"] = "no-store"
        return answer  # type: ignore[no-any-return]


def opened(letter: Letter) -> Contents | None:
    """What it carries; a problem when the key is missing."""
    try:
        return selectors.contents_of(letter)
    except SealError as problem:
        raise ProblemError(Problem(503, "Sealed", str(problem), kind="sealed")) from None
