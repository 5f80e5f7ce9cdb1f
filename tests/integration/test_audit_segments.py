"""Months of the trail: sealed when they are over, dropped whole, and the chain still holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from core import clock, retention
from core.access.audit import chain, checkpoints, segments
from core.access.audit.models import Drop, Entry, Head, Seal
from core.access.audit.verify import verify
from core.data_dir import DataDir
from tests.support.trail import intrude, write

EACH = 4
JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 15, 12, tzinfo=UTC) for month in (1, 2, 3))
# With 400 days of retention January of 2026 has expired and February has not.
LATER = datetime(2027, 3, 20, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def three_months(tmp_path: Path, settings: Any, django_capture_on_commit_callbacks: Any) -> None:
    settings.DATA = DataDir(tmp_path)
    for moment in (JANUARY, FEBRUARY, MARCH):
        with clock.held(moment), django_capture_on_commit_callbacks(execute=True):
            write(EACH)


def sweep(moment: datetime = LATER) -> int:
    with clock.held(moment):
        return segments.sweep()


def broken() -> str:
    return str(verify().finding)


def test_first_entry_of_a_month_seals_the_one_before() -> None:
    seals = list(Seal.objects.order_by("segment"))
    assert [(seal.segment, seal.first_sequence, seal.last_sequence) for seal in seals] == [
        ("2026-01", 1, 4),
        ("2026-02", 5, 8),
    ]
    assert seals[0].previous == chain.GENESIS
    assert Entry.objects.get(sequence=5).previous == seals[1].previous == seals[0].hash
    assert verify().holds


def test_month_is_sealed_although_nobody_writes() -> None:
    with clock.held(MARCH + timedelta(days=30)):
        segments.seal_if_over()
        segments.seal_if_over()
    assert Seal.objects.count() == 3
    assert verify().holds
    with clock.held(MARCH + timedelta(days=31)):
        write(1)
    assert verify().holds


def test_clock_that_goes_back__no_older_month_is_opened() -> None:
    with clock.held(JANUARY):
        (entry,) = write(1)
    assert entry.segment == "2026-03"
    assert verify().holds


def test_expired_month__dropped_whole_and_the_chain_holds() -> None:
    assert sweep() == EACH
    assert Entry.objects.order_by("sequence").first().sequence == EACH + 1  # type: ignore[union-attr]
    word = Entry.objects.latest("sequence")
    assert (word.action, word.on_id) == ("audit.segment_dropped", "2026-01")
    report = verify()
    assert report.holds
    # February and March, and the entry that says that January went.
    assert report.entries == 2 * EACH + 1


def test_retention_run__asks_the_trail() -> None:
    with clock.held(LATER):
        assert retention.Outcome("audit", EACH) in list(retention.run())


def test_everything_dropped__chain_goes_on() -> None:
    sweep()
    sweep(LATER + timedelta(days=800))
    with clock.held(LATER + timedelta(days=801)):
        write(2)
    assert verify().holds


def test_nothing_expired__nothing_dropped() -> None:
    assert sweep(MARCH + timedelta(days=1)) == 0
    assert not Drop.objects.exists()


def test_killed_between_leave_and_removal__next_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(segments, "_remove", lambda seal: 0)
        sweep()
    assert Entry.objects.filter(segment="2026-01").count() == EACH
    assert verify().holds
    assert sweep() == EACH
    assert Drop.objects.count() == 1
    assert verify().holds


def test_half_of_a_month_removed_with_leave__chain_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(segments, "_remove", lambda seal: 0)
        sweep()
    Entry.objects.filter(sequence__lte=2).delete()
    assert verify().holds


def test_month_removed_without_leave__refused() -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM audit_entry WHERE segment = '2026-01'")


def test_month_removed_with_forged_leave__named() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_drop (seal_id, at, hash) VALUES ('2026-01', '2026-02-01 00:00:00+00:00', %s)",
            ["f" * 64],
        )
        cursor.execute("DELETE FROM audit_entry WHERE segment = '2026-01'")
    assert broken().startswith("entry 1 was removed with the month 2026-01 by somebody without the key")


def test_leave_of_another_month__named() -> None:
    sweep()
    leave = Drop.objects.get()
    with connection.cursor() as cursor:
        statement = "INSERT INTO audit_drop (seal_id, at, hash) SELECT '2026-02', at, hash FROM audit_drop"
        cursor.execute(statement)
        cursor.execute("DELETE FROM audit_entry WHERE segment = '2026-02'")
    assert leave.pk == "2026-01"
    assert broken().startswith("entry 5 was removed")


@pytest.mark.parametrize(
    ("column", "value"), [("count", 3), ("last_hash", "f" * 64), ("first_hash", "f" * 64), ("at", JANUARY)]
)
def test_seal_altered__named(column: str, value: Any) -> None:
    intrude(f"UPDATE audit_seal SET {column} = %s WHERE segment = '2026-02'", value)
    assert "the seal of 2026-02 was altered" in broken()


def test_seal_removed__named() -> None:
    intrude("DELETE FROM audit_seal WHERE segment = '2026-01'")
    assert "entry 1 belongs to a month that has no seal" in broken()


def test_last_seal_removed__named() -> None:
    intrude("DELETE FROM audit_seal WHERE segment = '2026-02'")
    assert broken().startswith("entry 9 does not chain to what stands before it")


def test_last_entry_of_a_sealed_month_removed__named() -> None:
    intrude("DELETE FROM audit_entry WHERE sequence = 8")
    assert broken().startswith("entry 8 is missing")


@pytest.mark.parametrize("table", ["audit_seal", "audit_drop"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET hash = 'x'"])
def test_seals_and_leaves_stay(table: str, statement: str) -> None:
    sweep()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


def test_checkpoint_of_a_dropped_entry_is_no_complaint() -> None:
    assert [mark.sequence for mark in checkpoints.read()][:2] == [0, 1]
    sweep()
    assert verify().holds


def test_head_moves_with_the_seal() -> None:
    sweep(MARCH + timedelta(days=30))
    assert Head.objects.get().hash == Seal.objects.get(segment="2026-03").hash
