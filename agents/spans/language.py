"""The search language: `agent:extract status:error duration:>2s queue:pay* "free text" since:1h http.route=/x`.

A term is NAME:VALUE for what Postroom knows (words.py), KEY=VALUE for any attribute, or a text to be found; `-` or
`!` before a term turns it around where that has a meaning. Pure: text and a moment in, a Query out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agents.spans.api import Condition, Op, Query
from agents.spans.words import LOG_WORDS, LONG_UNITS, SPAN_WORDS, Kind, Word, amount, number, read

# One term: an optional minus, then a name with `:` or a key with `=`, then a value, quoted or up to a blank.
_TERM = re.compile(
    r"""(?P<not>[-!]?)(?:(?P<name>[^\s":=<>!]+)(?P<sign>:|!=|>=|<=|=|>|<))?(?P<value>"(?:[^"\\]|\\.)*"?|[^\s"]*)"""
)
_COMPARED = re.compile(r"(>=|<=|>|<)?(.*)", re.DOTALL)
_TIMES = ("since", "until")
_SIGNS = {">": Op.MORE, ">=": Op.AT_LEAST, "<": Op.LESS, "<=": Op.AT_MOST}
_ORDERED = {Kind.NUMBER, Kind.DURATION}
SECOND = 1_000_000_000


class QueryRefusedError(Exception):
    """The search cannot be read. `start` and `end` are the place in the text."""

    def __init__(self, sentence: str, start: int, end: int) -> None:
        super().__init__(f"{sentence} (at character {start + 1})")
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Term:
    """A term as it stands in the text."""

    negated: bool
    name: str
    sign: str
    value: str
    quoted: bool
    start: int
    end: int

    def refused(self, sentence: str) -> QueryRefusedError:
        return QueryRefusedError(sentence, self.start, self.end)


def parse_spans(text: str, now: datetime) -> Query:
    return _parse(text, now, SPAN_WORDS)


def parse_logs(text: str, now: datetime) -> Query:
    return _parse(text, now, LOG_WORDS)


def _parse(text: str, now: datetime, words: Sequence[Word]) -> Query:
    """Raises QueryRefusedError for the first term that cannot be read."""
    known = {word.name: word for word in words}
    query = Query()
    for term in terms(text):
        query = _with(query, term, known, now)
    if query.since >= query.until:
        raise QueryRefusedError("The time is empty: since lies at or after until.", 0, len(text))
    return query


def terms(text: str) -> Iterator[Term]:
    """The terms of a text with their places."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TERM.match(text, place)
        end = match.end() if match else place
        if not match or end == place:
            raise QueryRefusedError("A quotation mark stands alone.", place, place + 1)
        yield _term(match)
        place = end


def _term(match: re.Match[str]) -> Term:
    value, quoted = match["value"], match["value"].startswith('"')
    if quoted:
        if len(value) == 1 or not re.fullmatch(r'"(?:[^"\\]|\\.)*"', value, re.DOTALL):
            raise QueryRefusedError("The quotation is not closed.", match.start("value"), match.end())
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return Term(bool(match["not"]), match["name"] or "", match["sign"] or "", value, quoted, *match.span())


def _with(query: Query, term: Term, known: Mapping[str, Word], now: datetime) -> Query:
    if not term.name:
        return _with_text(query, term)
    if term.sign == ":" and term.name == "since":
        return replace(query, since=_moment(term, now))
    if term.sign == ":" and term.name == "until":
        return replace(query, until=_moment(term, now))
    condition = _field_condition(term, known) if term.sign == ":" else _attribute_condition(term)
    return replace(query, conditions=(*query.conditions, condition))


def _with_text(query: Query, term: Term) -> Query:
    if term.negated and term.value:
        raise term.refused("Free text cannot be turned around. Use a field, such as -agent:extract.")
    if not term.value:
        raise term.refused("There is nothing to look for here.")
    return replace(query, text=(*query.text, term.value))


def _field_condition(term: Term, known: Mapping[str, Word]) -> Condition:
    word = known.get(term.name)
    if word is None:
        raise term.refused(_unknown(term, known))
    sign, raw = _COMPARED.fullmatch(term.value).groups() if not term.quoted else ("", term.value)  # type: ignore[union-attr]
    if raw == "":
        raise term.refused(f"{term.name} needs a value, or * for any.")
    if sign:
        return Condition(word.field, _negated(term, _SIGNS[sign]), _value(term, word, raw))
    if raw == "*" and not term.quoted:
        return Condition(word.field, _has(term))
    if "*" in raw and not term.quoted and word.kind in {Kind.TEXT, Kind.ID}:
        return Condition(word.field, _negated(term, Op.LIKE), raw)
    return Condition(word.field, Op.IS_NOT if term.negated else Op.IS, _value(term, word, raw))


def _value(term: Term, word: Word, raw: str) -> str | int | float:
    try:
        return read(word, raw)
    except ValueError as problem:
        raise term.refused(f"{raw!r} is refused for {term.name}: {problem}.") from None


def _attribute_condition(term: Term) -> Condition:
    raw, is_not = term.value, term.negated != (term.sign == "!=")
    if raw == "":
        raise term.refused(f"{term.name} needs a value, or * for any.")
    if term.sign in _SIGNS:
        try:
            return Condition(term.name, _negated(term, _SIGNS[term.sign]), number(raw), attribute=True)
        except ValueError as problem:
            raise term.refused(f"{raw!r} is refused for {term.name}: {problem}.") from None
    if raw == "*" and not term.quoted:
        return Condition(term.name, _has(replace(term, negated=is_not)), attribute=True)
    if "*" in raw and not term.quoted:
        return Condition(term.name, _negated(replace(term, negated=is_not), Op.LIKE), raw, attribute=True)
    return Condition(term.name, Op.IS_NOT if is_not else Op.IS, raw, attribute=True)


def _has(term: Term) -> Op:
    return _negated(term, Op.HAS)


_OPPOSITES = {Op.MORE: Op.AT_MOST, Op.AT_LEAST: Op.LESS, Op.LESS: Op.AT_LEAST, Op.AT_MOST: Op.MORE}


def _negated(term: Term, op: Op) -> Op:
    if not term.negated:
        return op
    if op not in _OPPOSITES:
        raise term.refused(f"A pattern cannot be turned around; name a value, such as -{term.name}:x.")
    return _OPPOSITES[op]


def _unknown(term: Term, known: Mapping[str, Word]) -> str:
    near = difflib.get_close_matches(term.name, [*known, *_TIMES], n=1)
    hint = (
        f"Did you mean {near[0]}?" if near else f"For an attribute write {term.name}={term.value or 'value'}."
    )
    return f"{term.name} is no field. {hint}"


def _moment(term: Term, now: datetime) -> int:
    """`1h` is so long ago; else a day or a moment in RFC 3339, in UTC when it names no zone."""
    if term.negated:
        raise term.refused(f"{term.name} cannot be turned around.")
    try:
        return int(now.timestamp() * SECOND) - amount(term.value, LONG_UNITS)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(term.value)
    except ValueError:
        example = "1h, 7d, 2026-11-20 or 2026-11-20T14:03:12Z"
        raise term.refused(f"{term.value!r} is no time. Write {example}.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * SECOND)
