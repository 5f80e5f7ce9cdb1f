"""Whoever changes the trail behind our back is found, and the first broken entry is named."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError

from core.access.audit import chain, checkpoints, triggers
from core.access.audit.accept import accept
from core.access.audit.models import Entry, Head
from core.access.audit.verify import Report, verify, verify_and_remember
from core.data_dir import DataDir
from tests.support.trail import ANA, intrude, write

COUNT = 9
ANY = range(1, COUNT + 1)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def trail(tmp_path: Path, settings: Any, django_capture_on_commit_callbacks: Any) -> list[Entry]:
    """Nine committed entries, each with its checkpoint, in a data directory of this test's own."""
    settings.DATA = DataDir(tmp_path)
    with django_capture_on_commit_callbacks(execute=True):
        entries = write(COUNT)
    return entries


def broken_at(number: int | None, *words: str) -> Report:
    report = verify()
    assert report.finding is not None, "the chain was said to hold"
    assert report.finding.sequence == number, str(report)
    assert all(word in str(report) for word in words), str(report)
    return report


def test_untouched_trail_holds() -> None:
    report = verify()
    assert report.holds
    assert (report.entries, report.last_sequence, report.warnings) == (COUNT, COUNT, ())


CHANGES: dict[str, Any] = {
    "id": "0197aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee",
    "segment": "2001-01",
    "at": "2001-01-01 00:00:00+00:00",
    "action": "access.signed_in",
    "by_kind": "system",
    "by_id": "8",
    "by_name": "bob",
    "by_via": "token:x",
    "on_kind": "token",
    "on_id": "4",
    "on_name": "viewer",
    "environment": "staging",
    "queue": None,
    "agent": "",
    "source": "192.0.2.8",
    "why": "",
    "before": None,
    "after": '{"n":2}',
    "previous": "f" * 64,
    "hash": "e" * 64,
}


def test_every_column_is_under_the_hash() -> None:
    assert set(CHANGES) | {"sequence"} == {field.column for field in Entry._meta.concrete_fields}


@pytest.mark.parametrize("column", CHANGES)
def test_any_entry_altered__named(column: str) -> None:
    for number in ANY:
        with transaction.atomic():
            value = CHANGES[column]
            if column == "id" and connection.vendor == "sqlite":
                value = value.replace("-", "")
            assert intrude(f"UPDATE audit_entry SET {column} = %s WHERE sequence = %s", value, number) == 1
            broken_at(number, "altered")
            transaction.set_rollback(True)
    assert verify().holds


def test_any_entry_deleted__named() -> None:
    for number in ANY[:-1]:
        with transaction.atomic():
            intrude("DELETE FROM audit_entry WHERE sequence = %s", number)
            broken_at(number, "missing", f"{number + 1} follows")
            transaction.set_rollback(True)


def test_entry_deleted_and_the_rest_renumbered__named() -> None:
    intrude("DELETE FROM audit_entry WHERE sequence = 4")
    for number in range(5, COUNT + 1):
        intrude("UPDATE audit_entry SET sequence = sequence - 1 WHERE sequence = %s", number)
    intrude("UPDATE audit_head SET sequence = sequence - 1")
    broken_at(4, "swapped", "entry 5")


@pytest.mark.parametrize("distance", [1, 4])
def test_any_two_entries_swapped__first_named(distance: int) -> None:
    for number in ANY[:-distance]:
        with transaction.atomic():
            other = number + distance
            for now, then in ((number, -1), (other, number), (-1, other)):
                intrude("UPDATE audit_entry SET sequence = %s WHERE sequence = %s", then, now)
            broken_at(number, "swapped", f"entry {other}")
            transaction.set_rollback(True)


def test_contents_swapped_under_the_hashes__first_named(trail: list[Entry]) -> None:
    one, other = trail[2], trail[5]
    intrude("UPDATE audit_entry SET id = %s WHERE sequence = 3", CHANGES["id"].replace("-", ""))
    _put_content(one, other.sequence)
    _put_content(other, one.sequence)
    broken_at(3, "swapped", "entry 6")


def _put_content(entry: Entry, place: int) -> None:
    """Everything but the number and the two hashes."""
    columns = [column for column in CHANGES if column not in {"previous", "hash"}]
    triggers.remove(connection)
    Entry.objects.filter(sequence=place).update(**{column: getattr(entry, column) for column in columns})


@pytest.mark.parametrize("left", [0, 1, COUNT - 1])
def test_tail_cut_off__named(left: int) -> None:
    intrude("DELETE FROM audit_entry WHERE sequence > %s", left)
    broken_at(left + 1, "missing")


@pytest.mark.parametrize("left", [0, 1, COUNT - 1])
def test_tail_cut_off_and_head_set_back__named_by_the_checkpoints(left: int) -> None:
    cut_tail(left)
    broken_at(left + 1, "the tail was cut off", f"entry {COUNT} was there")


def cut_tail(left: int) -> None:
    """As an intruder who knows the schema does it: the head points at the last entry that is left."""
    intrude("DELETE FROM audit_entry WHERE sequence > %s", left)
    last = Entry.objects.filter(sequence=left).first()
    hash_ = last.hash if last else chain.GENESIS
    intrude("UPDATE audit_head SET sequence = %s, hash = %s", left, hash_)


def test_tail_cut_off_and_written_on__named(django_capture_on_commit_callbacks: Any) -> None:
    cut_tail(5)
    for _ in range(COUNT):
        with django_capture_on_commit_callbacks(execute=True):
            write(1, why="as if nothing had happened")
    broken_at(6, "cut off and written anew")


def test_trail_emptied_with_its_head__named() -> None:
    intrude("DELETE FROM audit_entry")
    intrude("DELETE FROM audit_head")
    broken_at(1, "the tail was cut off")


def test_chain_rewritten_without_the_key__named() -> None:
    previous = chain.GENESIS
    for row in Entry.objects.order_by("sequence").values():
        row |= {"previous": previous, "by_name": "nobody"}
        previous = chain.of_entry("a key that is not ours", row)
        statement = "UPDATE audit_entry SET previous = %s, by_name = %s, hash = %s WHERE sequence = %s"
        intrude(statement, row["previous"], "nobody", previous, row["sequence"])
    intrude("UPDATE audit_head SET hash = %s", previous)
    broken_at(1, "the whole chain was rewritten without the key")


def test_entry_added_without_the_key__named() -> None:
    forged = Entry.objects.get(sequence=COUNT)
    forged.pk, forged.id, forged.previous = COUNT + 1, "0197aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee", forged.hash
    forged.save(force_insert=True)
    broken_at(COUNT + 1, "altered")


def test_last_entry_replaced_by_a_copy_of_an_older_one__named(trail: list[Entry]) -> None:
    intrude(
        "UPDATE audit_entry SET hash = %s, previous = %s WHERE sequence = 9", trail[7].hash, trail[7].previous
    )
    broken_at(COUNT)


def test_head_set_back__named() -> None:
    intrude("UPDATE audit_head SET sequence = 4")
    broken_at(5, "beyond the head")


def test_head_hash_altered__named() -> None:
    intrude("UPDATE audit_head SET hash = %s", "a" * 64)
    broken_at(COUNT, "head row was altered")


def test_checkpoints_removed__named() -> None:
    checkpoints.path().unlink()
    broken_at(None, "are missing", "audit checkpoint")


def test_beginning_of_the_checkpoints_cut_off__named() -> None:
    lines = checkpoints.path().read_text().splitlines(keepends=True)
    checkpoints.path().write_text("".join(lines[3:]))
    broken_at(None, "was cut off")


def test_checkpoint_forged__named() -> None:
    line = json.loads(checkpoints.path().read_text().splitlines()[-1])
    with checkpoints.path().open("a") as file:
        file.write(json.dumps(line | {"sequence": 3}) + "\n")
    broken_at(None, "not written with our key")


def test_half_a_checkpoint_line__next_one_stands_on_its_own(django_capture_on_commit_callbacks: Any) -> None:
    with checkpoints.path().open("a") as file:
        file.write('{"kind": "hea')
    with django_capture_on_commit_callbacks(execute=True):
        write(1)
    assert [mark.sequence for mark in checkpoints.read()][-1] == COUNT + 1
    assert verify().holds


def test_checkpoint_lags_behind__chain_holds() -> None:
    """A writer killed between its commit and its checkpoint."""
    write(3)
    assert checkpoints.read()[-1].sequence == COUNT
    assert verify().holds


def test_verification_covers_what_a_killed_writer_left() -> None:
    write(3)
    assert verify_and_remember().holds
    assert [(mark.kind, mark.sequence) for mark in checkpoints.read()] == [("verified", COUNT + 3)]
    cut_tail(COUNT)
    broken_at(COUNT + 1, "the tail was cut off")


def test_failed_verification_keeps_the_checkpoints_that_convict() -> None:
    before = checkpoints.path().read_text()
    cut_tail(5)
    assert not verify_and_remember().holds
    assert checkpoints.path().read_text() == before


def test_restored_backup__accepted_with_a_reason_and_in_the_trail() -> None:
    cut_tail(5)
    number = accept(ANA, "restored the backup of Monday")
    word = Entry.objects.get(sequence=number)
    assert (word.action, word.why) == ("audit.checkpoints_started", "restored the backup of Monday")
    assert "the tail was cut off" in (word.before or "")
    assert verify().holds


def test_command__exit_1_and_the_entry() -> None:
    intrude("UPDATE audit_entry SET why = 'x' WHERE sequence = 3")
    with pytest.raises(CommandError, match="entry 3 was altered") as failed:
        call_command("audit", "verify", stderr=StringIO())
    assert failed.value.returncode == 1


def test_command__says_that_triggers_are_gone() -> None:
    intrude("SELECT 1")
    errors, out = StringIO(), StringIO()
    call_command("audit", "verify", stderr=errors, stdout=out)
    assert "audit_entry_no_update is missing" in errors.getvalue()
    assert f"The chain holds: {COUNT} entries" in out.getvalue()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET why = 'x' WHERE sequence = 3",
        "DELETE FROM audit_entry WHERE sequence = 3",
        "DELETE FROM audit_entry",
    ],
)
def test_database_refuses(statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert Entry.objects.count() == COUNT


def test_database_refuses_truncate() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE; DELETE without a condition is refused above")
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE audit_entry")


def test_head_row_lost__chain_goes_on() -> None:
    Head.objects.all().delete()
    (entry,) = write(1)
    assert entry.sequence == COUNT + 1
    assert verify().holds
