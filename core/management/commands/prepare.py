"""`manage.py prepare`: what has to be there before the first process starts."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import live_redis, logs, readiness
from core.access import services
from core.access.services import first_start
from core.up import prepare
from core.up.prepare import Prepared


class Command(BaseCommand):
    help = "Make or update the tables, the first admin and the ingest token. Safe to repeat."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--into", type=Path, help="Write what a user has to know to this file, as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        logs.name_process("prepare")
        _refuse_a_cluster()
        call_command("migrate", verbosity=0, interactive=False)
        password = services.ensure_first_admin(settings.POSTROOM.admin_password)
        into: Path | None = options["into"]
        if into is None:
            self._tell(Prepared(first_start.ADMIN, password, services.ensure_ingest_token()))
            return
        # Written before anything else can fail: a password that was made up is known to nobody otherwise, and one
        # that an earlier start wrote and never showed still waits here.
        password = password or _unshown(into)
        _write(into, prepare.dump(Prepared(first_start.ADMIN, password, "")))
        _write(into, prepare.dump(Prepared(first_start.ADMIN, password, services.ensure_ingest_token())))

    def _tell(self, prepared: Prepared) -> None:
        self.stdout.write(f"Admin: {prepared.admin}")
        if prepared.password:
            self.stdout.write(f"Password: {prepared.password} (shown this once)")
        self.stdout.write(f"Ingest token: {prepared.ingest_token}")


def _refuse_a_cluster() -> None:
    """One that cannot be asked now is no reason not to prepare: readiness goes on asking."""
    with suppress(live_redis.Unreachable):
        if live_redis.is_cluster(live_redis.client()):
            raise CommandError(readiness.CLUSTER)


def _unshown(path: Path) -> str | None:
    return prepare.load(path.read_text(encoding="utf-8")).password if path.exists() else None


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for the owner's eyes only: there is a password in it."""
    beside = path.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)
