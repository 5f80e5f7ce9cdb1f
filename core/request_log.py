"""One line for each request, with its id and its subject, and the metrics that go with it."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core import clock, ids, metrics

log = structlog.get_logger("postroom.requests")

HEADER = "X-Request-Id"
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Asked every few seconds by programs: worth a line only while looking for something.
ROUTINE = frozenset({"healthz", "readyz", "metrics"})


class RequestLogMiddleware:
    """The outermost: it sees every answer, those of other middleware too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun, request_id = clock.monotonic(), id_of(request.headers.get(HEADER, ""))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response.headers[HEADER] = request_id
            _note(request, response.status_code, clock.monotonic() - begun)
        return response


def id_of(given: str) -> str:
    """The caller's id when it is one that can stand in a log, else a new one."""
    return given if GIVEN_ID.fullmatch(given) else str(ids.new())


def _note(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    route = (match.view_name or match.route) if match else "none"
    metrics.REQUESTS.labels(request.method, route, str(status)).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(seconds)
    write = log.debug if route in ROUTINE else log.info
    write(
        f"{request.method} {request.path} {status}",
        ms=round(seconds * 1000, 1),
        subject=getattr(getattr(request, "subject", None), "name", ""),
        source=request.META.get("REMOTE_ADDR", ""),
    )
