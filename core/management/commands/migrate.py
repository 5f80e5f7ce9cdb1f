"""`migrate` for both databases at once, each in its own schema on PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections

from core.databases import DEFAULT, SCHEMAS, TELEMETRY


class Command(migrate.Command):
    """Without --database: every alias. Django's own migrates one, and half of the tables would be missing."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)
        for action in parser._actions:
            if action.dest == "database":
                action.help = "One of the two databases; without it: both."

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        return {"databases": _aliases(options)}

    def handle(self, *args: Any, **options: Any) -> None:
        for alias in _aliases(options):
            _make_schema(alias)
            super().handle(*args, **(options | {"database": alias}))


def _aliases(options: dict[str, Any]) -> list[str]:
    return [options["database"]] if options["database"] else [DEFAULT, TELEMETRY]


def _make_schema(alias: str) -> None:
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMAS[alias]}"')
