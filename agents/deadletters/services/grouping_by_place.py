"""Of a fingerprint that nobody knows: does its failure say the same as another one at the same place?

Then both are one failure, and the fingerprint leads to that group from now on. What was said at a place is kept with
the fingerprints that lead from there; an index finds it, and of many only the newest are compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from agents.deadletters.fingerprint import Died, Formed, Told, carrying, nearest, says_more, tell
from agents.deadletters.models import FailureGroup, GroupAlias, GroupSplit
from agents.deadletters.models.groups import TITLE
from agents.deadletters.values import Contents

# Of one place, so many are compared with a death that nobody knows: the newest ones.
MOST_COMPARED = 50
# Of what a group tells of those that were joined to it.
MOST_JOINED, LONGEST = 10, 80
ANY = "<any>"
_MANY_GAPS = re.compile(rf"{ANY}(?: {ANY})+")


def told_of(died: Died, contents: Contents | None) -> Told:
    """What of a death can be like another one."""
    carried = carrying.values(contents.headers, contents.body) if contents else ()
    return tell(died, carried)


def lock(places: Collection[tuple[str, str]]) -> None:
    """(environment, place): until the transaction ends, nobody else makes a group there. All at once and in one order,
    so that nobody waits in a circle. On SQLite one transaction writes at a time."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for number in sorted({_number(each) for each in places}):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _number(place: tuple[str, str]) -> int:
    digest = hashlib.blake2b(msgspec.json.encode(place), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def find(environment: str, told: Told) -> GroupAlias | None:
    """The fingerprint that says the same at this place."""
    found = GroupAlias.objects.filter(environment=environment, place=told.place).select_related("group")
    rows = list(found.order_by("-pk")[:MOST_COMPARED])
    split = _split_off(rows)
    known = [(_told(row), split.get((row.group_id, row.fingerprint), row.group_id)) for row in rows]
    at = nearest(told, known)
    return None if at is None else rows[at]


def _split_off(rows: Collection[GroupAlias]) -> dict[tuple[UUID, str], UUID]:
    """Where the deaths of those go that were split off by hand."""
    split = GroupSplit.objects.filter(
        group__in={row.group_id for row in rows},
        field="fingerprint",
        value__in={row.fingerprint for row in rows},
    )
    return {(each.group_id, each.value): each.into_id for each in split.order_by("-pk")}


def group_of(alias: GroupAlias) -> FailureGroup:
    """Where deaths go that are like those of this fingerprint: it may have been split off by hand."""
    split = GroupSplit.objects.filter(group=alias.group_id, field="fingerprint", value=alias.fingerprint)
    found = split.select_related("into").first()
    return found.into if found else alias.group


def lead(
    environment: str, formed: Formed, told: Told, group: FailureGroup, like: GroupAlias | None = None
) -> GroupAlias:
    """The fingerprint leads to the group, unless somebody has it lead elsewhere. What says nothing more than what it
    is `like` is not compared with others."""
    new = like is None or says_more(told, _told(like))
    row = GroupAlias(
        environment=environment,
        fingerprint=formed.fingerprint,
        group=group,
        place=told.place if new else "",
        told=msgspec.to_builtins(told) if new else {},
    )
    GroupAlias.objects.bulk_create([row], ignore_conflicts=True)
    return GroupAlias.objects.select_related("group").get(
        environment=environment, fingerprint=formed.fingerprint
    )


def _told(row: GroupAlias) -> Told:
    return msgspec.convert(row.told | {"place": row.place}, Told)


# ---- In words --------------------------------------------------------------------------------------------------
def joined(group: FailureGroup, formed: Iterable[Formed]) -> dict[str, Any]:
    """What changes in a group that these were joined to: where words differ, any may stand, and why is told."""
    title, how = group.title, dict(group.formed)
    for each in formed:
        title, differ = _with_gaps(title, each.title) if "split" not in how else (title, [])
        raised = how.get("raised", [])
        if len(raised) == len(each.raised):
            both = [
                _with_gaps(mine["message"], theirs.message)
                for mine, theirs in zip(raised, each.raised, strict=True)
            ]
            how["raised"] = [mine | {"message": text} for mine, (text, _) in zip(raised, both, strict=True)]
            differ = [pair for _, pairs in both for pair in pairs]
        said = f"{each.fingerprint}: {_because(differ)}"
        how["joined"] = [*how.get("joined", []), said][-MOST_JOINED:]
    return {"title": title, "formed": how}


def _because(differ: list[tuple[str, str]]) -> str:
    """In words."""
    said = ", ".join(
        f"\u201c{new or 'nothing'}\u201d for \u201c{old or 'nothing'}\u201d" for old, new in differ[:3]
    )
    return f"the same place and exceptions, and in what they say {said or 'nothing that matters'}"


def _with_gaps(one: str, other: str) -> tuple[str, list[tuple[str, str]]]:
    """The text with a gap where the other one has other words, and what stood there in either."""
    mine, theirs = one.split(" "), other.split(" ")
    kept: list[str] = []
    differ: list[tuple[str, str]] = []
    for what, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if what == "equal":
            kept += mine[a:b]
            continue
        old, new = " ".join(mine[a:b])[:LONGEST], " ".join(theirs[c:d])[:LONGEST]
        kept.append(ANY)
        if old != ANY:
            differ.append((old, new))
    return _MANY_GAPS.sub(ANY, " ".join(kept))[:TITLE], differ
