"""`retention run`: remove now what has expired; beat does the same every day."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import retention


class Command(BaseCommand):
    help = "Remove what has expired, in every room. `retention run` is what beat does every day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["run"])

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = list(retention.run())
        for outcome in outcomes:
            self.stdout.write(f"{outcome.room}: {outcome.problem or f'{outcome.removed:,} removed'}")
        if failed := [outcome.room for outcome in outcomes if outcome.problem]:
            raise CommandError(f"Retention failed for {', '.join(failed)}; the log has the details.")
