"""What a query means for a stream: which series, which filters and handles narrow it, which rows match.

Pure functions. Everything that narrows may let too much through; the test of the rows decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from operator import eq, ge, gt, le, lt, ne
from typing import Any
from zlib import crc32

from agents.spans import tokens
from agents.spans.api import EVERYWHERE, Condition, Op, Query, Reach
from agents.spans.blocks import OTHER, Columns, duration_class, id_handle
from agents.spans.columns import WORDS, Packed, Test
from agents.spans.streams import Stream
from agents.spans.values import attributes_of, decode, encode
from core.access.api import Place as AccessPlace

_IDS = frozenset({"trace_id", "span_id", "parent_id"})
_COMPARES: dict[Op, Callable[[Any, Any], bool]] = {
    Op.IS: eq,
    Op.IS_NOT: ne,
    Op.MORE: gt,
    Op.AT_LEAST: ge,
    Op.LESS: lt,
    Op.AT_MOST: le,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A query, ready to be held against series, blocks and rows."""

    stream: Stream
    query: Query
    reach: Reach
    core: tuple[tuple[str, Test], ...]
    attributes: tuple[tuple[str, Test], ...]
    text: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    handles: tuple[bytes, ...]
    longest: int

    @property
    def needs_details(self) -> bool:
        return bool(self.attributes or self.text)

    @property
    def narrows_series(self) -> bool:
        return self.reach is not EVERYWHERE or any(field in self.stream.series for field, _ in self.core)

    @property
    def only_series(self) -> bool:
        """Counting series is counting rows: no condition looks beyond them."""
        return not self.needs_details and all(field in self.stream.series for field, _ in self.core)

    @property
    def fingerprint(self) -> int:
        """The same for the pages of one search; its times may move on meanwhile."""
        return crc32(repr((self.stream.number, self.query.conditions, self.query.text)).encode())


def make(stream: Stream, query: Query, reach: Reach) -> Plan:
    core = [each for each in query.conditions if not each.attribute]
    attributes = [each for each in query.conditions if each.attribute]
    return Plan(
        stream,
        query,
        lru_cache(maxsize=None)(reach) if reach is not EVERYWHERE else EVERYWHERE,
        tuple((each.field, _field_test(each)) for each in core),
        tuple((each.field, _test(each)) for each in attributes),
        tuple(encode(word)[1:-1].lower() for word in query.text),
        (*_attribute_tokens(attributes), *_field_tokens(stream, core)),
        tuple(_handles(stream, core)),
        max((_class(each) for each in core), default=0),
    )


# ---- tests of one value ------------------------------------------------------------------------------------------
def _field_test(condition: Condition) -> Test:
    if condition.field == "flags" and condition.op in {Op.IS, Op.IS_NOT}:
        flags, is_set = int(condition.value), condition.op is Op.IS
        return lambda value: ((value & flags) == flags) is is_set
    if condition.field in _IDS and condition.op in {Op.IS, Op.IS_NOT}:
        wanted, same = _id(condition.value), condition.op is Op.IS
        return lambda value: (value == wanted) is same
    return _test(condition)


def _test(condition: Condition) -> Test:
    if condition.op is Op.HAS:
        return lambda value: value not in ("", b"", None)
    if condition.op is Op.LIKE:
        matches = _glob(str(condition.value)).fullmatch
        return lambda value: matches(_as_text(value)) is not None
    wanted, compare = condition.value, _COMPARES[condition.op]
    if isinstance(wanted, str):
        return lambda value: compare(_as_text(value), wanted)
    return lambda value: isinstance(value, int | float) and compare(value, wanted)


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL | re.IGNORECASE)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return value.hex() if isinstance(value, bytes) else "" if value is None else encode(value).decode()


def _id(value: object) -> bytes:
    try:
        return bytes.fromhex(str(value))
    except ValueError:
        return b"no such id"


# ---- what narrows ------------------------------------------------------------------------------------------------
def _attribute_tokens(conditions: Iterable[Condition]) -> list[bytes]:
    """An exact text is sought whole; of everything else at least the key must be there. What is not there is as
    good as empty, so that an empty value narrows nothing."""
    found: list[bytes] = []
    for each in conditions:
        if each.op is Op.IS and each.value == "":
            continue
        if each.op is Op.IS and isinstance(each.value, str) and _only_text(each.value):
            found += tokens.tokens_for(each.field, each.value)
        elif each.op is not Op.IS_NOT:
            found.append(tokens.token_of_key(each.field))
    return found


def _only_text(value: str) -> bool:
    """What reads as a number, a truth or a structure may have been sent as one."""
    try:
        decode(value)
    except ValueError:
        return True
    return False


def _field_tokens(stream: Stream, conditions: Iterable[Condition]) -> list[bytes]:
    return [
        tokens.token_of_field(each.field, str(each.value))
        for each in conditions
        if each.field in stream.named and each.op is Op.IS and each.value
    ]


def _handles(stream: Stream, conditions: Iterable[Condition]) -> list[bytes]:
    tags = dict(stream.handles)
    found = []
    for each in conditions:
        if each.op is Op.IS and each.value and each.field in tags:
            found.append(id_handle(tags[each.field], str(each.value)))
        elif each.op is Op.IS and each.field == "trace_id":
            found.append(stream.trace_tag + _id(each.value))
    return found


def _class(condition: Condition) -> int:
    if condition.field == "duration" and condition.op in {Op.MORE, Op.AT_LEAST, Op.IS}:
        return duration_class(int(condition.value))
    return 0


def series_wanted(plan: Plan, series: Iterable[tuple[int, bytes]]) -> list[tuple[int, dict[str, Any]]]:
    """The series that may hold a match, by number, with their values."""
    named = ((number, dict(zip(plan.stream.series, decode(key), strict=True))) for number, key in series)
    return [(number, values) for number, values in named if _may_match(plan, values)]


def _may_match(plan: Plan, values: dict[str, Any]) -> bool:
    if OTHER in values.values():
        return True
    if not all(test(values[field]) for field, test in plan.core if field in values):
        return False
    return plan.reach is EVERYWHERE or plan.reach(
        _place(values["environment"], values["queue"], values["agent"])
    )


# ---- rows --------------------------------------------------------------------------------------------------------
def matches_row(plan: Plan, row: Any) -> bool:
    """Does one value match?"""
    return (
        plan.query.since <= getattr(row, plan.stream.time) < plan.query.until
        and all(test(getattr(row, field)) for field, test in plan.core)
        and (plan.reach is EVERYWHERE or plan.reach(_place(row.environment, row.queue, row.agent)))
        and _details_match(plan, _columns_of(plan, row))
    )


def _details_match(plan: Plan, columns: Columns) -> bool:
    return bool(matching_details(plan, columns, columns, (0,)))


def _columns_of(plan: Plan, row: Any) -> Columns:
    return {field: (value,) for field, value in zip(plan.stream.fields, row, strict=True)}


def matching(plan: Plan, core: Packed, until: int) -> list[int]:
    """Which rows of a block match, as far as the core tells."""
    found = _masked(plan, core)
    if not found:
        return []
    since, moments = plan.query.since, core[plan.stream.time]
    found = [place for place in found if since <= moments[place] < until]
    if plan.reach is EVERYWHERE or not found:
        return found
    who = zip(*[core.at(field, found) for field in ("environment", "queue", "agent")], strict=True)
    return [place for place, each in zip(found, who, strict=True) if plan.reach(_place(*each))]


def _masked(plan: Plan, core: Packed) -> Sequence[int]:
    """The rows for which every test of a field holds: words first, whose masks are laid over each other as
    numbers, then what differs from row to row, where it is still asked for."""
    codings = plan.stream.core
    kept = (1 << 8 * core.rows) - 1
    for field, test in plan.core:
        if codings[field] is WORDS:
            kept &= int.from_bytes(core.mask(field, test))
    found = list(compress(range(core.rows), kept.to_bytes(core.rows))) if kept else []
    for field, test in plan.core:
        if found and codings[field] is not WORDS:
            column = core[field]
            found = [place for place in found if test(column[place])]
    return found


def matching_details(plan: Plan, core: Columns, details: Columns, places: Sequence[int]) -> list[int]:
    """Those of the rows whose attributes and text match as well."""
    found = [place for place in places if _attributes_match(plan, details, place)]
    for word in plan.text:
        texts = [core.get(field) or details[field] for field in plan.stream.text]
        found = [place for place in found if any(word in _lowered(column[place]) for column in texts)]
    return found


def _attributes_match(plan: Plan, details: Columns, place: int) -> bool:
    if not plan.attributes:
        return True
    own = attributes_of(details["attributes"][place])
    whole = attributes_of(details["resource"][place]) | own
    return all(test(whole.get(key)) for key, test in plan.attributes)


def _lowered(value: str | bytes) -> bytes:
    return value.lower() if isinstance(value, bytes) else encode(value.lower())


def _place(environment: str, queue: str, agent: str) -> AccessPlace:
    return AccessPlace(environment or None, queue or None, agent or None)
