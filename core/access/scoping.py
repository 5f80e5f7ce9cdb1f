"""Scopes as a condition on rows: the same answer as Scope.covers, given by the database."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_

from django.db.models import F, Q, Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact

from core.access.api import Permission, Scope, Subject

NOTHING = Q(pk__in=())
PATTERN = frozenset("*?[")


def home(subject: Subject, permission: Permission, stated: str, default: str) -> str:
    """The environment that what a program sends belongs to: the stated one, or the only one in which the subject has
    the right, or the default."""
    if stated:
        return stated
    scopes = [subject.bounds, *subject.scopes(permission)]
    named = {scope.environment for scope in scopes if not PATTERN & set(scope.environment)}
    return named.pop() if len(named) == 1 else default


def visible(
    subject: Subject, permission: Permission, *, environment: str = "", queue: str = "", agent: str = ""
) -> Q:
    """Rows that the subject may touch. Each argument names the row's field; left out: rows have no such dimension.

    A field that is null says that this row has none, which only a grant for everything covers.
    """
    fields = {"environment": environment, "queue": queue, "agent": agent}
    granted = _any([_covered(scope, fields) for scope in subject.scopes(permission)])
    return granted & _covered(subject.bounds, fields)


def _any(conditions: list[Q]) -> Q:
    # An empty condition holds everywhere; joined with another by "or", Django would forget it.
    return Q() if not all(conditions) else reduce(or_, conditions, NOTHING)


def _covered(scope: Scope, fields: dict[str, str]) -> Q:
    condition = Q()
    for dimension, field in fields.items():
        pattern = getattr(scope, dimension)
        if pattern != "*":
            condition &= _matching(field, pattern) if field else NOTHING
    return condition


def _matching(field: str, pattern: str) -> Q:
    """Names and beginnings are compared as they are: SQLite calls Python for each row that a pattern is tried on."""
    begins, special = pattern.removesuffix("*"), PATTERN & set(pattern)
    if not special:
        return Q(**{field: pattern})
    if begins != pattern and not PATTERN & set(begins):
        return Q(Exact(Left(F(field), len(begins)), Value(begins)))
    return Q(**{f"{field}__regex": as_regex(pattern)})


def as_regex(pattern: str) -> str:
    """A shell pattern as a regular expression that Python, SQLite's (Python again) and PostgreSQL read alike."""
    parts = re.split(r"(\*|\?|\[!?\]?[^\]]*\])", pattern)
    return "^" + "".join(_part(part) for part in parts) + r"\Z"


def _part(part: str) -> str:
    if part in {"*", "?"}:
        return r"(.|\n)" + part.replace("?", "")
    if part.startswith("[") and part.endswith("]"):
        inside = part[1:-1].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
        return "[" + ("^" + inside[1:] if inside.startswith("!") else inside) + "]"
    return re.escape(part)
