"""The reader follows the store, counts each span once, and can be stopped anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from agents.spans.api import Batch, SpanStore
from agents.spans.block_store import BlockStore
from agents.spans.sqlite import SqliteShelf
from agents.spans.values import Span
from agents.topology import rollups, selectors
from agents.topology.graph import Graph, Node, NodeKind
from agents.topology.models import EdgeCell
from agents.topology.places import OvertakenError
from agents.topology.reader import Reader
from agents.topology.values import MINUTE
from core import clock
from core.access.api import Grant, Kind, Permission, Scope, Subject
from core.databases import DEFAULT, TELEMETRY
from tests.support.traces import START, processes, sends, span

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]

NOW = START // MINUTE


def viewer(scope: Scope = Scope()) -> Subject:  # noqa: B008 - a frozen value
    return Subject(Kind.PERSON, "1", "ana", (Grant("viewer", frozenset({Permission.SEE}), scope),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SpanStore]:
    made = BlockStore(SqliteShelf(tmp_path / "spans"), timedelta(days=7))
    with clock.held(datetime.fromtimestamp(START / 1e9, UTC)):
        yield made
    made.close()


def read_all(reader: Reader) -> int:
    spans = 0
    while (step := reader.step()).spans:
        spans += step.spans
    return spans


def graph(subject: Subject | None = None) -> Graph:
    return selectors.graph(subject or viewer(), NOW - 10, NOW + 10)


def agent(name: str) -> Node:
    return Node("production", NodeKind.AGENT, name)


def rates(drawn: Graph) -> dict[str, int]:
    return {
        f"{line.source.name} {line.kind} {line.target.name}": tally.rate
        for line, tally in drawn.lines.items()
    }


HOP = {"web send in": 3, "web message extract": 2, "in take extract": 2}


def story() -> list[Span]:
    sent = [sends("web", number, "in") for number in (1, 2, 3)]
    return [*sent, *(processes("extract", 10 + number, "in", parent=number, at=100) for number in (1, 2))]


def test_what_was_written_is_drawn(store: SpanStore) -> None:
    store.write(Batch(tuple(story())))
    assert read_all(Reader(store, 1)) == 5
    assert rates(graph()) == HOP
    assert graph().nodes[agent("extract")].calls == 2
    assert [tally.missing for line, tally in graph().lines.items() if line.kind == "send"] == [1]
    assert selectors.revision() == 1


def test_a_reader_that_is_made_anew_counts_nothing_twice_and_still_pairs(store: SpanStore) -> None:
    spans = story()
    for one in (spans[:2], spans[2:4], spans[4:]):
        store.write(Batch(tuple(one)))
        read_all(Reader(store, 1))
    assert rates(graph()) == HOP


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_pair_is_counted_once_in_any_order__whoever_reads_in_between(
    store: SpanStore, order: tuple[int, ...]
) -> None:
    spans = [sends("web", 1, "in"), processes("extract", 2, "in", parent=1, at=100), span("web", 50)]
    for number in order:
        store.write(Batch((spans[number],)))
        # Made when the span is stored and not yet read: it must not take the pair for one that is counted.
        read_all(Reader(store, 1))
    drawn = {f"{line.source.name} {line.kind}": tally for line, tally in graph().lines.items()}
    assert drawn["web message"].calls == 1
    assert (drawn["web send"].calls, drawn["web send"].missing) == (1, 0)


def test_a_message_taken_long_after_is_paired_by_looking_up_its_sender(store: SpanStore) -> None:
    store.write(Batch((sends("web", 1, "in"),)))
    reader = Reader(store, 1)
    read_all(reader)
    reader._window._senders.clear()
    store.write(Batch((processes("extract", 2, "in", links=[(1, 1)], trace=9, at=5_000),)))
    read_all(reader)
    assert rates(graph()) == {"web send in": 1, "web message extract": 1, "in take extract": 1}
    assert [tally.missing for line, tally in graph().lines.items() if line.kind == "send"] == [0]


def test_a_failure_in_the_middle_of_a_write_leaves_nothing_half_done(
    store: SpanStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(Batch(tuple(story())))
    with monkeypatch.context() as broken:
        broken.setattr(rollups, "_upsert_cells", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            read_all(Reader(store, 1))
    assert not EdgeCell.objects.exists()
    read_all(Reader(store, 1))
    assert rates(graph()) == HOP


def test_a_reader_whose_lease_passed_on_writes_nothing(store: SpanStore) -> None:
    old = Reader(store, 1)
    store.write(Batch(tuple(story())))
    read_all(Reader(store, 2))
    store.write(Batch((sends("web", 50, "in"),)))
    with pytest.raises(OvertakenError):
        read_all(old)
    assert rates(graph()) == HOP


def test_a_subject_sees_the_edges_of_its_own_agents_only(store: SpanStore) -> None:
    store.write(Batch((*story(), span("payroll", 90))))
    read_all(Reader(store, 1))
    assert set(graph(viewer(Scope(agent="payroll"))).nodes) == {agent("payroll")}
    assert graph(viewer(Scope(environment="staging"))).nodes == {}


def test_find_spans_gives_those_that_are_there(store: SpanStore) -> None:
    one, other = sends("web", 1, "in"), sends("web", 2, "in", trace=2)
    store.write(Batch((one, other)))
    keys = [each.trace_id + each.span_id for each in (one, other)]
    assert store.find_spans([*keys, bytes(24)]) == dict(zip(keys, (one, other), strict=True))
    assert store.find_spans([]) == {}


def test_find_spans_until_a_cursor_leaves_out_what_came_after(store: SpanStore) -> None:
    one, other = sends("web", 1, "in"), sends("web", 2, "in")
    keys = [each.trace_id + each.span_id for each in (one, other)]
    store.write(Batch((one,)))
    end = store.now_cursor()
    store.write(Batch((other,)))
    assert store.find_spans(keys, until=end) == {keys[0]: one}
    assert len(store.find_spans(keys)) == 2


def test_reading_until_a_cursor_leaves_out_what_came_after(store: SpanStore) -> None:
    store.write(Batch((sends("web", 1, "in"),)))
    end = store.now_cursor()
    store.write(Batch((sends("web", 2, "in"),)))
    read = store.read_since("", until=end)
    assert ([each.span_id[-1] for each in read.rows], read.more) == ([1], False)
