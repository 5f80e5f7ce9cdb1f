"""Purged, taken back, erased: a state with a receipt and an end, after which the bytes are nowhere."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings as configured
from django.db import connection

from agents.deadletters import searching
from agents.deadletters.models import Letter, LetterChange, StoredContents
from agents.operations.models import Receipt
from agents.operations.services import erasing
from agents.operations.values import Action, Selection, State
from core import clock
from core.access.audit.models import Entry
from tests.support.operations import check, held, letter_states, operator, started

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
    pytest.mark.usefixtures("redis_in_use"),
]


def of(ids: list[UUID]) -> Selection:
    return Selection(ids=tuple(ids))


def later() -> timedelta:
    return configured.POSTROOM.retention_purged + timedelta(minutes=1)


def test_purged__nothing_is_gone_and_a_receipt_says_until_when() -> None:
    letters = held(3)
    purge = started(operator(), Action.PURGE, of(letters))
    assert (check(purge).state, purge.applied) == (State.DONE, 3)
    assert letter_states(letters) == {"purged"}
    assert StoredContents.objects.count() == 3
    assert erasing.erase_due() == 0
    assert Receipt.objects.filter(operation=purge).count() == 3


def test_taken_back_by_its_receipt__held_again_and_never_erased() -> None:
    ana, letters = operator(), held(3)
    purge = started(ana, Action.PURGE, of(letters))
    restore = started(ana, Action.RESTORE, Selection(receipt=str(purge.pk)))
    assert (check(restore).state, restore.applied) == (State.DONE, 3)
    assert letter_states(letters) == {"held"}
    with clock.held(clock.now() + later()):
        assert erasing.erase_due() == 0
    assert StoredContents.objects.count() == 3


def test_its_time_is_over__the_record_stays_the_contents_are_gone_and_the_trail_says_so() -> None:
    letters, kept = held(3), held(1)
    purge = started(operator(), Action.PURGE, of(letters))
    with clock.held(clock.now() + later()):
        assert erasing.erase_due() == 3
        assert erasing.erase_due() == 0
    assert letter_states(letters) == {"erased"}
    assert letter_states(kept) == {"held"}
    assert set(StoredContents.objects.values_list("death__letter_id", flat=True)) == set(kept)
    assert not Receipt.objects.exists()
    assert list(LetterChange.objects.filter(letter=letters[0]).order_by("pk").values_list("after", flat=True)) == [
        "held", "purged", "erased",
    ]  # fmt: skip
    assert Entry.objects.get(action="letters.erased").on_id == str(purge.pk)


def test_restored_in_the_moment_of_its_end__keeps_everything() -> None:
    [letter] = held(1)
    started(operator(), Action.PURGE, of([letter]))
    Letter.objects.filter(pk=letter).update(state="held")
    with clock.held(clock.now() + later()):
        assert erasing.erase_due() == 0
    assert StoredContents.objects.count() == 1


@pytest.mark.parametrize("size", [40, 90_000])
def test_erased__its_bytes_are_in_no_file_of_the_database(size: int) -> None:
    if connection.vendor != "sqlite":
        pytest.skip(
            "PostgreSQL's files are the server's own; there the rows are gone and the tables vacuumed"
        )
    letters = held(1, body=secrets.token_bytes(size))
    # As it stands in the file: compressed.
    secret = bytes(StoredContents.objects.get().body)
    assert found(secret[8:28])
    started(operator(), Action.PURGE, of(letters))
    with clock.held(clock.now() + later()):
        assert erasing.erase_due() == 1
    assert not found(secret[8:28])


def test_erased__its_words_are_in_no_file_of_the_search_index() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps no index of its own beside the table that is vacuumed")
    words = [secrets.token_hex(12) for _ in range(40)]
    letters = [held(1, body=f'{{"note": "{word} {word[::-1]}"}}'.encode())[0] for word in words]
    kept = held(1, body=b'{"note": "stays and is found"}')
    assert all(found(word.encode()) for word in words)
    ana = operator()
    started(ana, Action.PURGE, of(letters))
    with clock.held(clock.now() + later()):
        assert erasing.erase_due() == len(letters)
    assert not [word for word in words if found(word[:12].encode()) or found(word[::-1].encode())]
    wanted = searching.condition("stays", ana.subject)
    assert list(Letter.objects.filter(wanted).values_list("pk", flat=True)) == kept


def found(needle: bytes) -> bool:
    """In the database's file or in its log."""
    name = Path(str(connection.settings_dict["NAME"]))
    files = [name, *(name.with_name(name.name + end) for end in ("-wal", "-shm"))]
    return any(needle in file.read_bytes() for file in files if file.exists())
