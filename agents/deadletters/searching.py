"""A search for letters: the language of spans (docs/guides/search.md) with letters' fields, and full text by the index.

`state:held queue:pay* -agent:mail deaths:>2 header.tenant=acme body.order.id=4711 "card declined" since:1d`
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from agents.deadletters import words
from agents.deadletters.membership import in_group
from agents.spans.language import QueryRefusedError, Term, terms
from agents.spans.words import LONG_UNITS, amount, number
from core import clock
from core.access.api import Permission, Subject
from core.access.scoping import visible

__all__ = ["NUMBERS", "TEXTS", "QueryRefusedError", "condition", "readable"]

TEXTS: Mapping[str, str] = {
    "state": "state",
    "queue": "queue",
    "broker": "broker",
    "agent": "agent",
    "environment": "environment",
    "error": "failure_type",
    "class": "failure_class",
    "reason": "failure_reason",
    "message": "message_id",
    "trace": "trace_id",
    "conversation": "conversation_id",
    "task": "task",
    "sender": "sender",
    "workflow": "workflow",
    "version": "version",
    "instance": "instance",
    "source": "source",
}
NUMBERS: Mapping[str, str] = {
    "deaths": "deaths",
    "redrives": "redrives",
    "attempts": "attempts",
    "size": "body_size",
}
_NEEDS_QUOTES = re.compile(r"[\s\"*<>\\=]")
_COMPARED = re.compile(r"(>=|<=|>|<)?(.*)", re.DOTALL)
_LOOKUPS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
SECOND = 1_000_000_000
# More matches than this are looked for one by one.
MANY = 5_000
TABLE, INDEX = "deadletters_lettertext", "deadletters_letterwords"
SAID = "array_to_tsvector(string_to_array(said, ' '))"
WHOLE = "array_to_tsvector(string_to_array(said, ' ') || string_to_array(carried, ' '))"


@dataclass(slots=True)
class _Wanted:
    """What was read: a condition on rows, words of which the last may be cut short, whole words, and phrases."""

    rows: list[Q] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    # Words made of names and values: only of what is carried.
    pairs: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)


def condition(text: str, subject: Subject | None = None) -> Q:
    """Letters that match. Bodies and headers are searched only where the subject may read them; nobody's, without one.
    Raises QueryRefusedError."""
    wanted = _Wanted()
    for term in terms(text):
        _read(term, wanted)
    rows = reduce(and_, wanted.rows, Q())
    return rows & _found(wanted, subject) if wanted.begun or wanted.pairs else rows


def readable(text: str) -> str:
    """The search as it is, or taken for plain text where it cannot be read: for whoever types as they think."""
    try:
        for term in terms(text):
            _read(term, _Wanted())
    except QueryRefusedError:
        found = words.split(text)
        return '"' + " ".join(found) + '"' if found else ""
    return text


def term(name: str, value: str) -> str:
    """The term that finds exactly this value of a field."""
    if value and not _NEEDS_QUOTES.search(value):
        return f"{name}:{value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}:"{escaped}"'


# ---- Reading ---------------------------------------------------------------------------------------------------
def _read(term: Term, wanted: _Wanted) -> None:
    if not term.name:
        _read_text(term, wanted)
    elif term.sign == ":":
        wanted.rows.append(_field(term))
    else:
        _read_pair(term, wanted)


def _read_text(term: Term, wanted: _Wanted) -> None:
    found = words.split(term.value)
    if term.negated:
        raise term.refused("Free text cannot be turned around. Use a field, such as -agent:extract.")
    if not found:
        raise term.refused("There is nothing to look for here.")
    wanted.begun += found
    if len(found) > 1:
        wanted.phrases.append(" ".join(found))


def _read_pair(term: Term, wanted: _Wanted) -> None:
    where, _, name = term.name.partition(".")
    if where not in {"header", "body"} or not name:
        raise term.refused(f"Write header.{term.name}=… or body.{term.name}=….")
    if term.negated or term.sign != "=" or (term.value == "" and not term.quoted):
        raise term.refused(
            "Of headers and bodies, equal values are found: header.tenant=acme, body.order.id=7."
        )
    wanted.pairs.append(words.pair(where, name, term.value))


def _field(term: Term) -> Q:
    if term.name in {"since", "until"}:
        lookup = "gte" if term.name == "since" else "lt"
        return Q(**{f"last_died_at__{lookup}": _moment(term)})
    if term.value == "":
        raise term.refused(f"{term.name} needs a value, or * for any.")
    if term.name == "group":
        found = in_group(term.value)
    elif term.name in NUMBERS:
        found = _number(term)
    elif term.name in TEXTS:
        found = _text(TEXTS[term.name], term)
    else:
        raise term.refused(_unknown(term.name))
    return ~found if term.negated else found


def _number(term: Term) -> Q:
    match = _COMPARED.fullmatch(term.value)
    sign, raw = match.groups() if match else ("", term.value)
    try:
        return Q(**{f"{NUMBERS[term.name]}__{_LOOKUPS.get(sign or '', 'exact')}": number(raw)})
    except ValueError as problem:
        raise term.refused(f"{raw!r} is refused for {term.name}: {problem}.") from None


def _text(column: str, term: Term) -> Q:
    if "*" not in term.value or term.quoted:
        return Q(**{column: term.value})
    if term.value == "*":
        return ~Q(**{column: ""})
    first, *rest = term.value.split("*")
    if rest == [""]:
        return Q(**{f"{column}__startswith": first})
    pattern = ".*".join(re.escape(part) for part in (first, *rest))
    return Q(**{f"{column}__regex": rf"^{pattern}$"})


def _moment(term: Term) -> datetime:
    if term.negated:
        raise term.refused(f"{term.name} cannot be turned around.")
    try:
        seconds = clock.now().timestamp() - amount(term.value, LONG_UNITS) / SECOND
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        moment = datetime.fromisoformat(term.value)
    except ValueError:
        example = "1h, 7d, 2026-11-20 or 2026-11-20T14:03:12Z"
        raise term.refused(f"{term.value!r} is no time. Write {example}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, [*TEXTS, *NUMBERS, "group", "since", "until"], n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Of a body write body.{name}=…."
    return f"{name} is no field of letters. {hint}"


# ---- Finding ---------------------------------------------------------------------------------------------------
def _found(wanted: _Wanted, subject: Subject | None) -> Q:
    said = _matching(wanted, whole=False) if not wanted.pairs else Q(pk__in=())
    if subject is None:
        return said
    reads = visible(
        subject, Permission.READ_PAYLOADS, environment="environment", queue="queue", agent="agent"
    )
    whole = _matching(wanted, whole=True)
    return whole if reads == Q() else said | (whole & reads)


def _matching(wanted: _Wanted, *, whole: bool) -> Q:
    """By the index; where that finds very many, by looking at one letter after the other in the list's own order, which
    then has a page full soon."""
    lite = connection.vendor == "sqlite"
    match = _fts5(wanted, whole) if lite else _tsquery(wanted)
    place = WHOLE if whole else SAID
    # Only words go in, and only as parameters.
    found = f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s"  # noqa: S608
    where = f"id IN ({found})" if lite else f"{place} @@ %s::tsquery"
    if _are_many(found if lite else f"SELECT 1 FROM {TABLE} WHERE {where}", match):  # noqa: S608
        return _one_by_one(wanted, whole)
    given: list[Any] = [match]
    for phrase in wanted.phrases:
        where += " AND (said LIKE %s OR carried LIKE %s)" if whole else " AND said LIKE %s"
        given += [f"%{phrase}%"] * (2 if whole else 1)
    return Q(pk__in=RawSQL(f"SELECT letter_id FROM {TABLE} WHERE {where}", given))  # noqa: S608, S611


def _are_many(found: str, match: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({found} LIMIT {MANY + 1}) AS matches", [match])  # noqa: S608
        return int(cursor.fetchone()[0]) > MANY


def _one_by_one(wanted: _Wanted, whole: bool) -> Q:
    """The same answer from the words themselves. A value and no EXISTS: that, PostgreSQL would answer for all letters
    first, and then put them in the list's order."""
    place = "' ' || t.said || ' ' || t.carried || ' '" if whole else "' ' || t.said || ' '"
    likes = [f"% {word}%" for word in wanted.begun] + [f"% {word} %" for word in wanted.pairs]
    where, given = " AND ".join([f"({place}) LIKE %s"] * len(likes)), list(likes)
    for phrase in wanted.phrases:
        where += " AND (t.said LIKE %s OR t.carried LIKE %s)" if whole else " AND t.said LIKE %s"
        given += [f"%{phrase}%"] * (2 if whole else 1)
    sql = f"COALESCE((SELECT {where} FROM {TABLE} t WHERE t.letter_id = deadletters_letter.id), FALSE)"  # noqa: S608
    return Q(RawSQL(sql, given, output_field=BooleanField()))  # noqa: S611


def _fts5(wanted: _Wanted, whole: bool) -> str:
    terms = " AND ".join(_each(wanted, '"{}" *', '"{}"'))
    return terms if whole else f"{{said}} : ({terms})"


def _tsquery(wanted: _Wanted) -> str:
    return " & ".join(_each(wanted, "'{}':*", "'{}'"))


def _each(wanted: _Wanted, begun: str, exact: str) -> Sequence[str]:
    return [*(begun.format(word) for word in wanted.begun), *(exact.format(word) for word in wanted.pairs)]
