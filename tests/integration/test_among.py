"""Rows that are named by their ids are found by them, whatever else is asked of them."""

from __future__ import annotations

import pytest
from django.db import connection

from agents.deadletters.models import Letter
from agents.deadletters.values import State
from core import ids
from core.among import among, still_is
from tests.support.operations import held

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_only_what_still_has_the_value_is_found() -> None:
    kept, gone = held(2)
    Letter.objects.filter(pk=gone).update(state=State.CLAIMED)
    rows = Letter.objects.filter(among("pk", [kept, gone, ids.new()]), still_is("state", State.HELD))
    assert list(rows.values_list("pk", flat=True)) == [kept]
    assert rows.update(state=State.CLAIMED) == 1
    assert not rows.exists()


def test_no_index_of_the_state_is_gone_through() -> None:
    """Also where the database believes that no row is in it."""
    some = Letter.objects.filter(among("pk", [ids.new()]), still_is("state", State.CLAIMED))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = some.order_by().explain()
    sought = [line for line in plan.splitlines() if "Index Cond" in line or "SEARCH" in line]
    assert sought, plan
    assert not any("state" in line for line in sought), plan
