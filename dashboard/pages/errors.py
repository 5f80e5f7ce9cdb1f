"""Pages for what went wrong: the number, what happened, what to do next. None of them reads the database."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from core.access.refusals import is_for_a_program
from core.database_errors import AWAY
from dashboard.api import problems

RETRY_AFTER_SECONDS = "5"


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of error page. `again`: doing the same once more may help."""

    number: int
    title: str
    happened: str
    next_step: str
    again: bool = False


BAD_REQUEST = Failure(
    400,
    "That request makes no sense here",
    "Something in the address or the form is not what Postroom expects, so nothing was done.",
    "Go back and try again. If a link brought you here, it may be cut off or out of date.",
)
FORGED = Failure(
    403,
    "This form is out of date",
    "The form was sent without its safety mark, or signing in since has changed it. Nothing was done.",
    "Open the page again and send the form from there. Cookies must be allowed for this address.",
)
NOT_FOUND = Failure(
    404,
    "Nothing is here",
    "This address leads nowhere: it was mistyped, or what it showed has expired.",
    "Search by name or id on any page with the key /.",
)
NOT_ALLOWED_METHOD = Failure(
    405,
    "This address does not take that",
    "A form was sent to an address that only shows something, or the other way round. Nothing was done.",
    "Open the page from the rail and use the button there.",
)
BROKEN = Failure(
    500,
    "Postroom made a mistake",
    "This page could not be drawn. What was not yet saved is not done; messages and letters are not touched.",
    "Try again. If it stays, the log of the web process has the traceback.",
    again=True,
)
UNREACHABLE = Failure(
    503,
    "The database cannot be reached",
    "Nothing can be shown or changed until it is back. What agents send is refused with 503 and kept by them.",
    "Try again in a moment. The log of the web process says what the database answered.",
    again=True,
)


def page(request: HttpRequest, failure: Failure) -> HttpResponse:
    """The page of a failure; a program gets a problem document."""
    if is_for_a_program(request):
        return problems.of_status(failure.number, request)
    again = request.get_full_path() if failure.again and request.method in {"GET", "HEAD"} else ""
    context = {
        "number": failure.number,
        "title": failure.title,
        "happened": failure.happened,
        "next_step": failure.next_step,
        "again": again,
    }
    return render(request, "errors/error.html", context, status=failure.number)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, BAD_REQUEST)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    return page(request, FORGED)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when it is the database that is gone: that passes."""
    if not isinstance(sys.exc_info()[1], AWAY):
        return page(request, BROKEN)
    response = page(request, UNREACHABLE)
    response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


class ErrorPagesMiddleware:
    """Gives an answer without a body, which Django sends for a wrong method, its page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code != NOT_ALLOWED_METHOD.number or is_for_a_program(request):
            return response
        styled = page(request, NOT_ALLOWED_METHOD)
        styled["Allow"] = response["Allow"]
        return styled
