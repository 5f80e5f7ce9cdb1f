"""`manage.py token create NAME --role ROLE [--scope SCOPE] [--expires 90d]` and `manage.py token revoke NAME`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import env
from core.access import scope_text, services
from core.access.models import Role

T = TypeVar("T")


class Command(BaseCommand):
    help = "Make a token for a machine, or revoke it."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="Make a token and print it, alone, on stdout.")
        create.add_argument("name", metavar="NAME", help="The service account that the token is for.")
        create.add_argument("--role", required=True, help="What the token may do.")
        create.add_argument("--scope", help="Where: environment=PATTERN,queue=PATTERN,agent=PATTERN.")
        create.add_argument("--expires", metavar="TIME", help="How long it is good for: 12h, 90d.")
        revoke = actions.add_parser("revoke", help="Revoke every live token of that name.")
        revoke.add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "create":
            self._create(options)
        else:
            self._revoke(options["name"])

    def _create(self, options: dict[str, Any]) -> None:
        scope = _parsed("--scope", scope_text.parse, options["scope"])
        expires: timedelta | None = _parsed("--expires", env.duration, options["expires"])
        try:
            new = services.create_named_token(
                options["name"],
                _role(options["role"]),
                scope,
                services.of_command("token create"),
                expires_in=expires,
            )
        except services.AccessError as problem:
            raise CommandError(str(problem)) from None
        self.stderr.write(f"{new.row.name} may act as {options['role']}, bound to {new.row.scope}.")
        self.stdout.write(new.secret)

    def _revoke(self, name: str) -> None:
        count = services.revoke_named(name, services.of_command("token revoke"))
        if not count:
            raise CommandError(f"There is no live token of the name {name}.")
        self.stderr.write(f"Revoked {count} of {name}. They are refused everywhere within a second.")


def _role(name: str) -> Role:
    role = Role.objects.filter(name=name).first()
    if role is None:
        known = ", ".join(Role.objects.values_list("name", flat=True))
        raise CommandError(f"There is no role {name}. There are: {known}.")
    return role


def _parsed(option: str, parse: Callable[[str], T], raw: str | None) -> T | None:
    if raw is None:
        return None
    try:
        return parse(raw)
    except ValueError as problem:
        raise CommandError(f"{option} {raw}: {problem}") from None
