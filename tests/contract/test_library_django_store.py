"""The library's idempotency store in a Django project's database holds the same contract as the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, connections, transaction

from postroom.idempotency.api import Handled, InProgress, Store
from postroom.idempotency.django_store import DjangoStore
from postroom.idempotency.statements import TABLE
from tests.support.idempotency_contract import StoreContract, fresh


@pytest.mark.django_db(transaction=True)
class TestDjango(StoreContract):
    @pytest.fixture
    def store(self, transactional_db: None) -> Iterator[DjangoStore]:
        store = DjangoStore()
        store.make_tables()
        yield store
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {TABLE}")

    def test_many_at_once__one_gets_it(self, store: Store) -> None:
        try:
            super().test_many_at_once__one_gets_it(store)
        finally:
            connections.close_all()

    def test_within_a_transaction__effect_and_record_are_both_there_or_neither(
        self, store: DjangoStore
    ) -> None:
        mine = fresh(store.begin("k", 30))
        with transaction.atomic():
            store.finish_within(None, mine, b"r", 60)
            transaction.set_rollback(True)
        assert isinstance(store.begin("k", 30), InProgress)
        with transaction.atomic():
            store.finish_within(None, mine, b"r", 60)
        assert store.begin("k", 30) == Handled(b"r")
