"""Searches that were kept while their table stood in the room of the letters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from agents.searches.models import SavedSearch
from core import clock

OLD = ("deadletters", "0006_places_of_failures")


@pytest.fixture
def back_again() -> Iterator[None]:
    """All the way, to what came since, too: other tests meet the same database."""
    yield
    _forward()


def _forward() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
@pytest.mark.usefixtures("back_again")
def test_they_stay_on_the_way_there_and_back() -> None:
    SavedSearch.objects.create(
        owner="person:1", owner_name="ana", name="cards", of="letters", query="q=card", made_at=clock.now()
    )
    there = MigrationExecutor(connection)
    there.migrate([("searches", None), OLD])
    old = there.loader.project_state(OLD).apps.get_model("deadletters", "SavedSearch")
    assert old.objects.get().name == "cards"
    old.objects.create(
        owner="person:1", owner_name="ana", name="mail", of="groups", query="q=mail", made_at=clock.now()
    )
    _forward()
    assert [each.name for each in SavedSearch.objects.order_by("name")] == ["cards", "mail"]
