"""`Idempotency-Key`: a POST that starts something is done once, however often a client sends it.

The answer is stored in the transaction of what the request does, so a crash leaves both or neither: without an
answer nothing was done, and the claim of the dead process runs out. The work must therefore be short and only
write to the `default` database; what takes long is started by it, after the commit.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.access.api import Subject
from core.databases import DEFAULT
from dashboard.api.door import subject_of
from dashboard.api.models import RepeatableRequest
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.views import ApiView

HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT = timedelta(hours=24)
# Longer than any such request takes; after it, the process that claimed it is taken for dead.
CLAIM = timedelta(seconds=60)

V = TypeVar("V", bound=ApiView)
Handler = Callable[..., HttpResponseBase]


def idempotent(handler: Handler) -> Handler:
    """For the `post` of an ApiView."""

    @wraps(handler)
    def once(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with_key = request.headers.get(HEADER)
        if with_key is None:
            return handler(view, request, *args, **kwargs)
        claim = _claim(subject_of(request), _route(request), _checked(with_key), _digest(request))
        if isinstance(claim, RepeatableRequest):
            return _again(claim)
        try:
            return _do(claim, lambda: handler(view, request, *args, **kwargs))
        except BaseException:
            # Refused or failed: nothing was done, and the key is free for another attempt.
            RepeatableRequest.objects.using(DEFAULT).filter(claim=claim).delete()
            raise

    return once


def drop_expired() -> int:
    return RepeatableRequest.objects.using(DEFAULT).filter(expires_at__lt=clock.now()).delete()[0]


def _do(claim: uuid.UUID, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    with transaction.atomic(using=DEFAULT):
        answer = work()
        assert isinstance(answer, Response), "an idempotent view answers with a Response"
        body = JSONRenderer().render(answer.data).decode()
        done = RepeatableRequest.objects.using(DEFAULT).filter(claim=claim)
        stored = {"status": answer.status_code, "body": body, "location": answer.get("Location", "")}
        if done.update(claim=None, claimed_until=None, **stored) != 1:
            # Somebody took us for dead: leave it to them, and undo ours.
            raise ProblemError(_in_progress())
    return answer


def _claim(subject: Subject, route: str, key: str, digest: str) -> uuid.UUID | RepeatableRequest:
    """The claim under which to do the work, or the request that was done already."""
    now, claim = clock.now(), uuid.uuid4()
    name = {"subject": f"{subject.kind}:{subject.id}", "route": route, "key": key}
    ours = {"digest": digest, "claim": claim, "claimed_until": now + CLAIM, "expires_at": now + KEPT}
    rows = RepeatableRequest.objects.using(DEFAULT)
    rows.bulk_create([RepeatableRequest(**name, **ours)], ignore_conflicts=True)
    found = rows.get(**name)
    if found.claim == claim:
        return claim
    if found.expires_at >= now:
        _refuse(found, digest, now)
        if found.claim is None:
            return found
    # Expired, or its process died: whoever changes the row it has read goes on.
    dead = Q(pk=found.pk, claim=found.claim, expires_at=found.expires_at)
    if rows.filter(dead).update(**ours, status=None, body="", location="") != 1:
        raise ProblemError(_in_progress())
    return claim


def _refuse(found: RepeatableRequest, digest: str, now: Any) -> None:
    if found.digest != digest:
        raise ProblemError(_another_body())
    if found.claimed_until and found.claimed_until > now:
        raise ProblemError(_in_progress())


def _again(found: RepeatableRequest) -> HttpResponse:
    answer = HttpResponse(found.body, status=found.status or 200, content_type="application/json")
    answer["Idempotency-Replayed"] = "true"
    if found.location:
        answer["Location"] = found.location
    return answer


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise invalid(HEADER, "The key must be 1 to 255 visible ASCII characters.", "A fresh UUID will do.")
    return key


def _route(request: Request) -> str:
    match = request._request.resolver_match
    return f"{request.method} {match.route if match else request.path}"[:200]


def _digest(request: Request) -> str:
    whole = request._request
    return hashlib.sha256(whole.get_full_path().encode() + b"\n" + whole.body).hexdigest()


def _another_body() -> Problem:
    return Problem(
        422,
        "Key used for another request",
        "This Idempotency-Key was sent before with another body or address.",
        "Use a new key for a new request, and the same body for a repeated one.",
        "idempotency-mismatch",
    )


def _in_progress() -> Problem:
    return Problem(
        409,
        "Still in progress",
        "The first request with this Idempotency-Key is not finished.",
        "Send it again in a moment; the answer will be that of the first.",
        "idempotency-in-progress",
        headers={"Retry-After": "1"},
    )
