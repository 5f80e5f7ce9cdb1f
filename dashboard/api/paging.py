"""Lists, page by page: a cursor remembers the last row's key, never an offset, so that nothing is shown twice or
left out when rows come and go.

A cursor is signed and belongs to one list with one set of filters; used elsewhere it is refused, not misread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api.problems import invalid

DEFAULT_LIMIT, MOST = 50, 500
SALT = "postroom.cursor"

T = TypeVar("T")
M = TypeVar("M", bound=Model)
AnyRequest = HttpRequest | Request


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the next page (None: there is none)."""

    rows: Sequence[T]
    next: str | None


def page(request: AnyRequest, rows: QuerySet[M], order: Sequence[str]) -> Page[M]:
    """The page that `limit` and `cursor` ask for. `order` names fields, `-` before one for descending; the last
    one must be unique, or rows with equal keys would be left out."""
    limit, after = limit_of(request), _after(request, len(order))
    if after is not None:
        rows = rows.filter(beyond(order, after))
    # One more than asked for tells whether there is a next page.
    found = list(rows.order_by(*order)[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], _cursor(request, last, order) if last else None)


def page_of(request: AnyRequest, rows: Sequence[T], key: Callable[[T], tuple[Any, ...]]) -> Page[T]:
    """The page of rows that no database sorts. `key` sorts them and tells each from all others."""
    limit = limit_of(request)
    after = _after(request, len(key(rows[0]))) if rows else None
    if after is not None:
        rows = [row for row in rows if [*key(row)] > after]
    last = rows[limit - 1] if len(rows) > limit else None
    cursor = signing.dumps([_list_of(request), [*key(last)]], salt=SALT, compress=True) if last else None
    return Page(rows[:limit], cursor)


def response(request: Request, found: Page[T], shape: Callable[[T], Any]) -> Response:
    """A page as the API answers it; the Link header spares programs from putting the address together."""
    answer = Response({"results": [shape(row) for row in found.rows], "next": found.next})
    if found.next:
        query = request.query_params.copy()
        query["cursor"] = found.next
        answer["Link"] = f'<{request.build_absolute_uri(request.path)}?{query.urlencode()}>; rel="next"'
    return answer


def limit_of(request: AnyRequest) -> int:
    raw = request.GET.get("limit") or str(DEFAULT_LIMIT)
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= MOST:
        raise invalid("limit", f"{raw!r} is refused: a whole number from 1 to {MOST} is allowed.")
    return int(raw)


def beyond(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows after the one with these values: larger in the first field, or equal there and larger in the next…"""
    condition, equal = Q(pk__in=()), Q()
    for name, value in zip(order, values, strict=True):
        field, comparison = (name[1:], "lt") if name.startswith("-") else (name, "gt")
        condition |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return condition


def _cursor(request: AnyRequest, last: Model, order: Sequence[str]) -> str:
    values = [_plain(getattr(last, name.removeprefix("-"))) for name in order]
    return signing.dumps([_list_of(request), values], salt=SALT, compress=True)


def _after(request: AnyRequest, count: int) -> list[Any] | None:
    raw = request.GET.get("cursor")
    if not raw:
        return None
    try:
        list_, values = signing.loads(raw, salt=SALT)
    except (signing.BadSignature, ValueError):
        raise invalid(
            "cursor", "This is no cursor of ours.", "Take `next` from an answer, unchanged."
        ) from None
    if list_ != _list_of(request) or len(values) != count:
        raise invalid(
            "cursor", "The cursor belongs to another list or to other filters.", "Begin without a cursor."
        )
    return list(values)


def _list_of(request: AnyRequest) -> str:
    """One list with one set of filters, in a few characters."""
    given = {name: str(value) for name, value in request.GET.items() if value != ""}
    pairs = sorted((name, value) for name, value in given.items() if name not in {"cursor", "limit"})
    return hashlib.sha256(f"{request.path}?{urlencode(pairs)}".encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int | float | str) or value is None else str(value)
