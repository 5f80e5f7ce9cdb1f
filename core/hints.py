"""Hints: whoever changed something says so, whoever shows it listens.

A leaf, so that every room can say "letters changed" without knowing that there is a console. A hint carries a
name and no data, may get lost, and costs its sender nothing: the truth is read from the source.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS, transaction

_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None]) -> None:
    """Call this with every hint's name. A listener must neither wait nor fail."""
    if listener not in _listeners:
        _listeners.append(listener)


def hint(name: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Say that what `name` stands for has changed. Inside a transaction it is said after the commit."""
    transaction.on_commit(lambda: _tell(name), using=using, robust=True)


def _tell(name: str) -> None:
    for listener in _listeners:
        listener(name)
