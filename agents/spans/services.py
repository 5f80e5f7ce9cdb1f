"""The store that the settings name, and what is done with it on a schedule."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from agents.spans.api import SpanStore
from agents.spans.block_store import BlockStore
from agents.spans.postgres import PostgresShelf
from agents.spans.shelf import Shelf
from agents.spans.sqlite import SqliteShelf
from core import clock
from core.databases import TELEMETRY

# What Django adds for its own cursors.
_DJANGO_ONLY = ("cursor_factory", "context")


@cache
def store() -> SpanStore:
    """The one store of this process, on the telemetry database of the settings."""
    return BlockStore(_shelf(), settings.POSTROOM.retention_spans)


def _shelf() -> Shelf:
    connection = connections[TELEMETRY]
    if connection.vendor == "postgresql":
        return PostgresShelf(_connect)
    return SqliteShelf(Path(str(connection.settings_dict["NAME"])).parent / "spans")


def _connect() -> psycopg.Connection[tuple[Any, ...]]:
    """A connection like Django's own to the telemetry database, without its ORM's adapters."""
    given = connections[TELEMETRY].get_connection_params()
    return psycopg.connect(**{name: value for name, value in given.items() if name not in _DJANGO_ONLY})


def drop_expired() -> int:
    """Drop the days that lie behind retention as a whole, and what is astray and arrived before. Returns how
    many spans and logs went."""
    kept_from = clock.now() - settings.POSTROOM.retention_spans
    expired = [part for part in store().days() if part.day and part.day < kept_from.date()]
    gone = [part.spans + part.logs for part in expired if part.day and store().drop_day(part.day)]
    return sum(gone) + store().drop_astray(kept_from)
