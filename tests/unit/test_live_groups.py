"""Who sees what, worked out once for those who see the same; and what a client is sent of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core import clock
from core.access.api import Grant, Kind, Permission, Place, Scope, Subject
from dashboard.live import scopes
from dashboard.live.api import Row, State
from dashboard.live.groups import LIVE, Freshness, Group, Numbered, Subscription, numbered, serve

EVERYWHERE = Scope()
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Things:
    """A topic of rows."""

    name: str = "things"
    permission: Permission = Permission.SEE

    def load(self) -> State:
        return State(1, {})


class Mine(Things):
    """A topic that is worked out for each subject."""

    def seen_by(self, subject: Subject, rows: Mapping[str, Row]) -> Mapping[str, Row]:
        return {id: row for id, row in rows.items() if row.data["of"] == subject.id}


@dataclass
class Reader:
    """A client that notes what it gets."""

    subject: Subject
    has_room: bool = True
    got: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, text: str) -> None:
        self.got.append(json.loads(text))


def person(id: str, *grants: tuple[Permission, Scope], bounds: Scope = EVERYWHERE) -> Subject:
    held = tuple(Grant(f"role {id}", frozenset({permission}), scope) for permission, scope in grants)
    return Subject(Kind.PERSON, id, id, held, bounds)


PRODUCTION, TEST = Scope(environment="production"), Scope(environment="test")
ANA = person("ana", (Permission.SEE, PRODUCTION))
BEN = person("ben", (Permission.SEE, PRODUCTION), (Permission.PURGE, Scope()))
CLEO = person("cleo", (Permission.SEE, PRODUCTION), (Permission.SEE, TEST))
ROWS = {
    "a": Row(Place(environment="production"), {"of": "ana"}),
    "b": Row(Place(environment="test"), {"of": "ben"}),
}


def _group(subject: Subject, state: Numbered, topic: Things = Things()) -> Group:
    group = Group(topic, subject)
    group.advance(state)
    return group


def _member(group: Group, **reader: Any) -> tuple[Subscription, Reader]:
    receiver = Reader(group.subject, **reader)
    subscription = Subscription(receiver, group.topic.name, group)
    group.members.add(subscription)
    return subscription, receiver


# ---- Who sees what ---------------------------------------------------------------------------------------------
def test_same_scopes_of_the_right__share_a_group_whatever_else_they_may() -> None:
    assert scopes.group_of(Things(), ANA) == scopes.group_of(Things(), BEN)


def test_other_scopes__another_group() -> None:
    assert scopes.group_of(Things(), ANA) != scopes.group_of(Things(), CLEO)


def test_token_that_is_bound__another_group_than_its_holder() -> None:
    bound = person("ana", (Permission.SEE, PRODUCTION), bounds=TEST)
    assert scopes.group_of(Things(), ANA) != scopes.group_of(Things(), bound)


def test_personal_topic__each_subject_alone() -> None:
    assert scopes.group_of(Mine(), ANA) != scopes.group_of(Mine(), BEN)


def test_rows_out_of_scope__not_seen() -> None:
    assert set(scopes.seen_by(Things(), ANA, ROWS)) == {"a"}
    assert set(scopes.seen_by(Things(), CLEO, ROWS)) == {"a", "b"}


def test_personal_topic__filters_by_itself() -> None:
    assert set(scopes.seen_by(Mine(), BEN, ROWS)) == {"b"}


# ---- What is sent ----------------------------------------------------------------------------------------------
async def test_first_frame__a_snapshot() -> None:
    subscription, reader = _member(_group(CLEO, Numbered(7, ROWS)))
    await serve(subscription, LIVE)
    (frame,) = reader.got
    assert (frame["kind"], frame["base"], frame["revision"]) == ("snapshot", None, 7)
    assert {op["id"] for op in frame["ops"]} == {"a", "b"}


async def test_change__a_delta_from_what_the_client_has() -> None:
    group = _group(CLEO, Numbered(7, ROWS))
    subscription, reader = _member(group)
    await serve(subscription, LIVE)
    delta = group.advance(Numbered(9, {"b": Row(Place(environment="test"), {"of": "eve"})}))
    await serve(subscription, LIVE, delta)
    frame = reader.got[-1]
    assert (frame["kind"], frame["base"], frame["revision"]) == ("delta", 7, 9)
    assert frame["ops"] == [{"op": "drop", "id": "a"}, {"op": "put", "id": "b", "row": {"of": "eve"}}]


def test_change_out_of_my_scope__nothing_for_me() -> None:
    group = _group(ANA, Numbered(7, ROWS))
    assert group.advance(Numbered(8, {"a": ROWS["a"]})) is None


def test_snapshot__serialised_once_for_all_members() -> None:
    group = _group(ANA, Numbered(7, ROWS))
    assert group.snapshot() is group.snapshot()


async def test_client_without_room__gets_nothing_and_later_a_snapshot() -> None:
    group = _group(CLEO, Numbered(7, ROWS))
    subscription, reader = _member(group)
    await serve(subscription, LIVE)
    reader.has_room = False
    await serve(subscription, LIVE, group.advance(Numbered(8, {})))
    await serve(subscription, LIVE, group.advance(Numbered(9, ROWS)))
    assert len(reader.got) == 1
    reader.has_room = True
    await serve(subscription, LIVE)
    assert [frame["kind"] for frame in reader.got] == ["snapshot", "snapshot"]
    assert reader.got[-1]["revision"] == 9


async def test_source_whose_numbers_begin_anew__a_snapshot_for_everyone() -> None:
    group = _group(CLEO, Numbered(7, ROWS))
    subscription, reader = _member(group)
    await serve(subscription, LIVE)
    await serve(subscription, LIVE, group.advance(Numbered(2, {})))
    assert [(frame["kind"], frame["revision"]) for frame in reader.got] == [("snapshot", 7), ("snapshot", 2)]


async def test_staleness__told_once_with_the_moment_and_taken_back() -> None:
    subscription, reader = _member(_group(CLEO, Numbered(7, ROWS)))
    stale = Freshness(NOON, "The source cannot be read.")
    for freshness in (LIVE, stale, stale, LIVE, LIVE):
        await serve(subscription, freshness)
    assert [frame["kind"] for frame in reader.got] == ["snapshot", "stale", "live"]
    assert reader.got[1]["since"] == "2026-11-20T12:00:00.000Z"


# ---- Revisions -------------------------------------------------------------------------------------------------
def test_revision_of_the_source__kept() -> None:
    assert numbered(State(12, ROWS), None).revision == 12


def test_source_without_revision__numbered_by_the_time_of_the_change() -> None:
    with clock.held(NOON):
        first = numbered(State(None, ROWS), None)
        same = numbered(State(None, dict(ROWS)), first)
        other = numbered(State(None, {}), first)
    assert first.revision == int(NOON.timestamp() * 1000)
    assert same.revision == first.revision
    assert other.revision == first.revision + 1
