"""`manage.py admin reset-password [NAME]`: a way back in for whoever runs the machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.access import services
from core.access.models import User
from core.access.services import first_start


class Command(BaseCommand):
    help = "Give the admin, or somebody else, a new password."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        reset = actions.add_parser(
            "reset-password", help="Make up a new password and print it, alone, on stdout."
        )
        reset.add_argument("name", nargs="?", default=first_start.ADMIN, metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if not User.objects.filter(username=name).exists():
            raise CommandError(f"There is nobody of the name {name}.")
        actor = services.of_command("admin reset-password")
        password = first_start.reset_password(name, actor)
        self.stderr.write(f"{name} has a new password, and all of {name}'s sessions have ended.")
        self.stdout.write(password)
