"""Workflows are a sum over runs: order, batches, kills and late spans change nothing of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.spans.api import Batch
from agents.spans.block_store import BlockStore
from agents.spans.sqlite import SqliteShelf
from agents.spans.values import Span
from agents.topology.models import RunRow, WorkflowCell, WorkflowRow
from agents.topology.places import OvertakenError
from agents.topology.workflows import retention
from agents.topology.workflows import writer as writers
from agents.topology.workflows.reader import Reader
from core import clock
from core.databases import DEFAULT, TELEMETRY
from tests.support import workflow_rows
from tests.support.topology_rows import shop
from tests.support.traces import START, processes, sends, span

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]


def story() -> list[Span]:
    """Runs of several workflows; one is taken over by another trace, one has a parent that never comes."""
    return [
        *shop(minutes=2),
        sends("audit", 90_001, "copies", trace=90_001, at=100),
        span("audit", 90_002, trace=90_001, parent=90_003, at=90),
        processes("keeper", 90_004, "copies", trace=90_002, links=[(90_001, 90_001)], at=900),
        span("late", 90_005, trace=90_003, parent=7, at=70_000),
    ]


@pytest.fixture
def held() -> Iterator[None]:
    with clock.held(datetime.fromtimestamp(START / 1e9 + 300, UTC)):
        yield


def test_any_order_and_any_batches_give_the_same_workflows() -> None:
    workflow_rows.write(story())
    expected = workflow_rows.everything()
    assert len(expected) > 60
    for seed in range(6):
        chance, spans = random.Random(seed), story()
        chance.shuffle(spans)
        cuts = sorted(chance.sample(range(len(spans)), 5))
        workflow_rows.clear()
        pieces = zip([0, *cuts], [*cuts, len(spans)], strict=True)
        workflow_rows.write(*(spans[a:b] for a, b in pieces))
        assert workflow_rows.everything() == expected


def test_a_writer_that_is_made_anew_goes_on_from_the_rows() -> None:
    workflow_rows.write(story())
    expected = workflow_rows.everything()
    workflow_rows.clear()
    for each in reversed(story()):
        workflow_rows.write([each])
    assert workflow_rows.everything() == expected


def test_the_root_that_comes_last_takes_its_run_along() -> None:
    first, *others = [each for each in shop(minutes=1) if each.trace_id == shop(minutes=1)[0].trace_id]
    workflow_rows.write(others)
    assert WorkflowRow.objects.get().agent == "web"
    workflow_rows.write([first])
    runs = RunRow.objects.get()
    assert (WorkflowRow.objects.get(pk=runs.workflow_id).operation, runs.headless) == ("web *", False)
    assert set(WorkflowCell.objects.values_list("workflow_id", flat=True)) == {runs.workflow_id}


def test_a_failure_in_the_middle_leaves_nothing_half_done(
    held: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlockStore(SqliteShelf(tmp_path / "spans"), timedelta(days=7))
    store.write(Batch(tuple(story())))
    with monkeypatch.context() as broken:
        # After the cells, in the same transaction.
        broken.setattr(writers, "_delete", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Reader(store, 1).step()
    assert not RunRow.objects.exists()
    assert not WorkflowCell.objects.exists()
    while Reader(store, 1).step().spans:
        pass
    counted = workflow_rows.everything()
    workflow_rows.clear()
    workflow_rows.write(story())
    assert workflow_rows.everything() == counted
    store.close()


def test_a_reader_that_is_made_anew_between_any_two_steps_counts_each_span_once(
    held: None, tmp_path: Path
) -> None:
    store, spans = BlockStore(SqliteShelf(tmp_path / "spans"), timedelta(days=7)), story()
    for at in range(0, len(spans), 9):
        store.write(Batch(tuple(spans[at : at + 9])))
        assert Reader(store, 1).step().spans == len(spans[at : at + 9])
    assert Reader(store, 1).step().spans == 0
    counted = workflow_rows.everything()
    workflow_rows.clear()
    workflow_rows.write(story())
    assert workflow_rows.everything() == counted
    store.close()


def test_a_reader_whose_lease_passed_on_writes_nothing(held: None, tmp_path: Path) -> None:
    store = BlockStore(SqliteShelf(tmp_path / "spans"), timedelta(days=7))
    old = Reader(store, 1)
    store.write(Batch(tuple(story())))
    Reader(store, 2).step()
    counted = workflow_rows.everything()
    with pytest.raises(OvertakenError):
        old.step()
    assert workflow_rows.everything() == counted
    store.close()


def test_what_is_older_than_spans_are_kept_is_forgotten(held: None) -> None:
    workflow_rows.write(story())
    assert retention.drop_expired() == 0
    with clock.held(clock.now() + timedelta(days=9)):
        assert retention.drop_expired() > 60
    assert not RunRow.objects.exists()
    assert not WorkflowCell.objects.exists()
    assert not WorkflowRow.objects.exists()
