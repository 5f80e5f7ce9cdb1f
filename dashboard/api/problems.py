"""Refusals as problem documents (RFC 9457): what is wrong, with which field, and what to do about it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import set_rollback

from agents.spans.language import QueryRefusedError
from core.access import refusals
from core.access.api import PermissionRefusedError
from core.database_errors import AWAY
from core.transitions import StaleStateError

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 5
_LOOK_IT_UP = "Every path is in /api/docs/."


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that is wrong. `field` as the sender wrote it: `by`, `items[2].at`, a query parameter, a header."""

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal. `kind` tells programs apart what the status alone does not."""

    status: int
    title: str
    detail: str
    remedy: str = ""
    kind: str = ""
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "type": f"urn:postroom:problem:{self.kind}" if self.kind else "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.remedy:
            data["remedy"] = self.remedy
        if self.faults:
            data["errors"] = [{"field": fault.field, "detail": fault.detail} for fault in self.faults]
        return data


class ProblemError(Exception):
    """Raised by a view that knows its problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def invalid(field_name: str, detail: str, remedy: str = "") -> ProblemError:
    """One field of the request is wrong."""
    return ProblemError(_invalid((Fault(field_name, detail),), remedy))


def response(problem: Problem) -> HttpResponse:
    answer = HttpResponse(json.dumps(problem.as_data()), status=problem.status, content_type=CONTENT_TYPE)
    for name, value in problem.headers.items():
        answer[name] = value
    return answer


def of_status(status: int, request: HttpRequest) -> HttpResponse:
    """For what fails before or outside a view of the API: an unknown path, a crash."""
    return response(_BY_STATUS[status](request.path) if status in _BY_STATUS else _plain(status))


def handle(exception: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """The REST framework's exception handler."""
    set_rollback()
    request = context["request"]
    if isinstance(exception, PermissionRefusedError):
        return refusals.forbidden(request, exception.decision)
    problem = of_exception(exception, request)
    if problem is None:
        log.error("the API failed on %s %s", request.method, request.path, exc_info=exception)
        got_request_exception.send(sender=handle, request=getattr(request, "_request", request))
        problem = _broken(request.path)
    return response(problem)


def of_exception(exception: Exception, request: Request) -> Problem | None:
    """The problem behind an exception; None when it is our own mistake."""
    makers = (make for kind, make in _MAKERS if isinstance(exception, kind))
    make = next(makers, None)
    return make(exception, request) if make else None


def _known(exception: ProblemError, request: Request) -> Problem:
    return exception.problem


def _missing(exception: Exception, request: Request) -> Problem:
    # Django's own sentences name models and patterns; they help nobody outside.
    own = (
        isinstance(exception, exceptions.NotFound) and exception.detail != exceptions.NotFound.default_detail
    )
    return Problem(404, "Not found", str(exception) if own else f"Nothing is at {request.path}.", _LOOK_IT_UP)


def _denied(exception: Exception, request: Request) -> Problem:
    return Problem(403, "Not allowed", str(exception) or "You may not do this.")


def _stale(exception: Exception, request: Request) -> Problem:
    return Problem(409, "Changed meanwhile", str(exception), "Read it again and decide anew.", "stale")


def _not_valid(exception: exceptions.ValidationError, request: Request) -> Problem:
    return _invalid(tuple(faults(exception.detail)), "")


def _unreadable(exception: exceptions.ParseError, request: Request) -> Problem:
    detail, remedy = str(exception.detail), "Send one JSON document in UTF-8."
    return Problem(400, "Body cannot be read", detail, remedy, "unreadable")


def _wrong_type(exception: exceptions.UnsupportedMediaType, request: Request) -> Problem:
    remedy = "Send Content-Type: application/json."
    return Problem(415, "Body of the wrong type", str(exception.detail), remedy)


def _wrong_method(exception: exceptions.MethodNotAllowed, request: Request) -> Problem:
    context = request.parser_context or {}
    allowed = ", ".join(context["view"].allowed_methods) if "view" in context else ""
    detail = f"{request.method} is not possible at {request.path}."
    return Problem(405, "Wrong method", detail, f"It takes {allowed}.", headers={"Allow": allowed})


def _unreadable_search(exception: QueryRefusedError, request: Request) -> Problem:
    return invalid("q", str(exception), "docs/guides/search.md explains the language.").problem


def _gone(exception: Exception, request: Request) -> Problem:
    return _unreachable(request.path)


def _other(exception: exceptions.APIException, request: Request) -> Problem:
    wait = getattr(exception, "wait", None)
    headers = {"Retry-After": str(round(wait) + 1)} if wait else {}
    title = _phrase(exception.status_code)
    return Problem(exception.status_code, title, str(exception.detail), headers=headers)


# The first that fits counts.
_MAKERS: tuple[
    tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any, Request], Problem]], ...
] = (
    (ProblemError, _known),
    ((Http404, exceptions.NotFound), _missing),
    (PermissionDenied, _denied),
    (StaleStateError, _stale),
    (QueryRefusedError, _unreadable_search),
    (AWAY, _gone),
    (exceptions.ValidationError, _not_valid),
    (exceptions.ParseError, _unreadable),
    (exceptions.UnsupportedMediaType, _wrong_type),
    (exceptions.MethodNotAllowed, _wrong_method),
    (exceptions.APIException, _other),
)


def faults(detail: Any, where: str = "") -> Iterator[Fault]:
    """The framework's nested errors as a flat list: `items[2].at`."""
    if isinstance(detail, Mapping):
        for name, below in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from faults(below, f"{where}.{own}".strip("."))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, below in enumerate(detail):
            nested = isinstance(below, Mapping)
            yield from faults(below, f"{where}[{index}]" if nested else where)
    else:
        yield Fault(where, str(detail))


def _invalid(found: tuple[Fault, ...], remedy: str) -> Problem:
    detail = " ".join(f"{fault.field}: {fault.detail}" if fault.field else fault.detail for fault in found)
    remedy = remedy or "Correct what `errors` names and send it again."
    return Problem(400, "Request not valid", detail, remedy, "invalid", found)


def _unreachable(path: str) -> Problem:
    detail = "The database cannot be reached; nothing was done."
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return Problem(
        503, "Database unreachable", detail, "Send it again in a moment.", "unreachable", headers=headers
    )


def _broken(path: str) -> Problem:
    detail = f"Postroom made a mistake while it answered {path}; what was not yet committed is not done."
    remedy = "Try again. If it stays, the log of the web process has the traceback."
    return Problem(500, "Postroom failed", detail, remedy)


def _nowhere(path: str) -> Problem:
    return Problem(404, "Not found", f"Nothing is at {path}.", _LOOK_IT_UP)


_BY_STATUS = {404: _nowhere, 500: _broken, 503: _unreachable}


def _plain(status: int) -> Problem:
    return Problem(status, _phrase(status), HTTPStatus(status).description or _phrase(status))


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
