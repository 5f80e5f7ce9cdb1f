"""States change by compare-and-set, with their history in the same transaction, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest
from django.db import connection, connections, models

from core.transitions import StaleStateError, advance

WRITERS = 8


class Parcel(models.Model):
    """A thing with states, and a lease, such as the rooms have."""

    state = models.CharField(max_length=20)
    lease = models.CharField(max_length=20, default="")
    objects: ClassVar[models.Manager[Parcel]] = models.Manager()

    class Meta:
        app_label = "tests"


class Step(models.Model):
    """One row of its history."""

    parcel = models.IntegerField()
    to = models.CharField(max_length=20)
    objects: ClassVar[models.Manager[Step]] = models.Manager()

    class Meta:
        app_label = "tests"


pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def tables(transactional_db: None) -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(Parcel)
        editor.create_model(Step)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Step)
        editor.delete_model(Parcel)


def note(parcel: Parcel, to: str) -> Step:
    return Step.objects.create(parcel=parcel.pk, to=to)


def test_from_an_allowed_state__accepted() -> None:
    parcel = Parcel.objects.create(state="held")
    advance(
        Parcel.objects.all(),
        pk=parcel.pk,
        from_states=["held", "unknown"],
        to="claimed",
        changes={"lease": "abc"},
        history=lambda: note(parcel, "claimed"),
    )
    parcel.refresh_from_db()
    assert (parcel.state, parcel.lease) == ("claimed", "abc")
    assert Step.objects.get().to == "claimed"


def test_from_another_state__refused() -> None:
    parcel = Parcel.objects.create(state="purged")
    states = (state for state in ("held", "unknown"))
    with pytest.raises(StaleStateError, match=rf"Parcel {parcel.pk} is no longer held or unknown\."):
        advance(
            Parcel.objects.all(),
            pk=parcel.pk,
            from_states=states,
            to="claimed",
            history=lambda: note(parcel, "?"),
        )
    parcel.refresh_from_db()
    assert parcel.state == "purged"
    assert not Step.objects.exists()


def test_with_a_lease_that_is_anothers__refused() -> None:
    parcel = Parcel.objects.create(state="claimed", lease="theirs")
    mine = Parcel.objects.filter(lease="mine")
    with pytest.raises(StaleStateError):
        advance(
            mine, pk=parcel.pk, from_states=["claimed"], to="dispatched", history=lambda: note(parcel, "?")
        )
    assert not Step.objects.exists()


def test_a_history_that_cannot_be_written_leaves_the_state_as_it_was() -> None:
    parcel = Parcel.objects.create(state="held")

    def fail() -> None:
        note(parcel, "claimed")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        advance(Parcel.objects.all(), pk=parcel.pk, from_states=["held"], to="claimed", history=fail)
    parcel.refresh_from_db()
    assert parcel.state == "held"
    assert not Step.objects.exists()


def test_of_many_that_want_the_same_row_one_gets_it() -> None:
    parcel = Parcel.objects.create(state="held")

    def want(_: int) -> bool:
        try:
            advance(
                Parcel.objects.all(),
                pk=parcel.pk,
                from_states=["held"],
                to="claimed",
                history=lambda: note(parcel, "claimed"),
            )
        except StaleStateError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(WRITERS) as threads:
        won = list(threads.map(want, range(WRITERS)))
    assert won.count(True) == 1
    assert Step.objects.count() == 1
