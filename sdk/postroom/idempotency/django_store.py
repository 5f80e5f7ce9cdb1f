"""Idempotency records in a database of a Django project. Django is imported when the store is used, not before.

store = DjangoStore()
with transaction.atomic():
    order.save()
    store.finish_within(None, fresh, b"", keep=86400)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from postroom.delivery.api import Done
from postroom.idempotency import statements
from postroom.idempotency.api import Fresh, Handled, InProgress, LeaseLostError, StoreUnavailableError


class DjangoStore:
    """One of the project's databases, by its alias; Django keeps a connection per thread."""

    def __init__(self, using: str = "default") -> None:
        self._using = using

    def make_tables(self) -> None:
        """Make the table if it is not there; better a migration with `statements.tables(store.dialect)`."""
        with self._transaction() as cursor:
            for statement in statements.tables(self.dialect):
                cursor.execute(statement)

    def begin(self, key: str, lease: float, owner: str = "") -> Fresh | InProgress | Handled:
        """See the protocol."""
        with self._transaction() as cursor:
            return statements.begin(cursor, self.dialect, key, lease, owner)

    def renew(self, fresh: Fresh, lease: float) -> None:
        """See the protocol."""
        with self._transaction() as cursor:
            statements.renew(cursor, self.dialect, fresh, lease)

    def finish(self, fresh: Fresh, result: bytes, keep: float) -> None:
        """See the protocol."""
        with self._transaction() as cursor:
            statements.finish(cursor, self.dialect, fresh, result, keep)

    def finish_within(self, connection: Any, fresh: Fresh, result: bytes, keep: float) -> None:
        """See the protocol. The transaction is the one that is open in this thread on the store's database."""
        with (connection or self._connection).cursor() as cursor:
            statements.finish(cursor, self.dialect, fresh, result, keep)

    def release(self, fresh: Fresh) -> None:
        """See the protocol."""
        with self._transaction() as cursor:
            statements.release(cursor, self.dialect, fresh)

    def record(self, done: Done) -> None:
        """See the protocol."""
        with self._transaction() as cursor:
            statements.record(cursor, self.dialect, done)

    def forget_expired(self) -> None:
        """For a periodic task: remove what has expired."""
        with self._transaction() as cursor:
            statements.forget(cursor, self.dialect)

    def close(self) -> None:
        """See the protocol."""
        self._connection.close()

    @property
    def dialect(self) -> statements.Dialect:
        """Django writes `%s` for every database."""
        if self._connection.vendor == "sqlite":
            return statements.Dialect(statements.SQLITE_NOW, "BLOB", "%s")
        return statements.POSTGRES

    @property
    def _connection(self) -> Any:
        from django.db import connections

        return connections[self._using]

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        from django.db import Error, transaction

        try:
            with transaction.atomic(using=self._using), self._connection.cursor() as cursor:
                yield cursor
        except LeaseLostError:
            raise
        except Error as problem:
            self._connection.close_if_unusable_or_obsolete()
            raise StoreUnavailableError(f"the idempotency store did not answer: {problem}") from problem
