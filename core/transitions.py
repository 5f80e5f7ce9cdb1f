"""Compare-and-set: a state changes only from a state that allows it, and writes its history in the same breath."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db import models, transaction

M = TypeVar("M", bound=models.Model)


class StaleStateError(Exception):
    """Somebody else changed it first. Read it again and decide anew."""


def advance(
    rows: models.QuerySet[M],
    *,
    pk: object,
    from_states: Iterable[str],
    to: str,
    history: Callable[[], object],
    changes: dict[str, Any] | None = None,
) -> None:
    """Move one row from one of `from_states` to `to`, or raise StaleStateError and change nothing.

    `history` writes the transition's own row inside the same transaction. A worker that holds a lease passes
    rows filtered by its token: once the lease is another's, nothing changes.
    """
    allowed = tuple(from_states)
    with transaction.atomic(using=rows.db):
        changed = rows.filter(pk=pk, state__in=allowed).update(state=to, **(changes or {}))
        if changed != 1:
            raise StaleStateError(f"{rows.model.__name__} {pk} is no longer {' or '.join(allowed)}.")
        history()
