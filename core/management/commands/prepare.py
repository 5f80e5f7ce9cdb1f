"""`manage.py prepare`: what has to be there before the first process starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from core import logs
from core.up import prepare
from core.up.prepare import Prepared


class Command(BaseCommand):
    help = "Make or update the tables, the first admin and the ingest token. Safe to repeat."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--into", type=Path, help="Write what a user has to know to this file, as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        logs.name_process("prepare")
        call_command("migrate", verbosity=0, interactive=False)
        prepared = _ensure()
        if options["into"]:
            _write(options["into"], prepare.dump(prepared))
            return
        self.stdout.write(f"Admin: {prepared.admin}")
        if prepared.password:
            self.stdout.write(f"Password: {prepared.password} (shown this once)")
        self.stdout.write(f"Ingest token: {prepared.ingest_token}")


def _ensure() -> Prepared:
    from core.access import services
    from core.access.services import first_start

    password = services.ensure_first_admin(settings.POSTROOM.admin_password)
    return Prepared(first_start.ADMIN, password, services.ensure_ingest_token())


def _write(path: Path, text: str) -> None:
    """For the owner's eyes only: there is a password in it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
