"""`manage.py up`: everything on one machine, private Redis included."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandParser

from core import env, readiness
from core.up import commands
from core.up.failures import StartRefusedError
from core.up.run import Wish, run


class Command(BaseCommand):
    help = "Start every process on this machine and keep it running until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", type=_address, metavar="HOST:PORT", help="Instead of POSTROOM_BIND.")
        parser.add_argument("--demo", action="store_true", help="With the demo workload.")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = options["demo"] and commands.DEMO[0] in get_commands()
        if options["demo"] and not demo:
            self.stdout.write(
                "This version has no demo workload yet: the pages stay empty until an agent sends."
            )
        try:
            _refuse_unbuilt()
            run(Wish(settings.POSTROOM, settings.DATA, settings.ALLOWED_HOSTS, options["bind"], demo))
        except StartRefusedError as refusal:
            sys.exit(f"postroom: {refusal}")


def _refuse_unbuilt() -> None:
    if problem := readiness.unbuilt():
        raise StartRefusedError(problem)


def _address(raw: str) -> env.HostPort:
    try:
        return env.host_port(raw)
    except ValueError as problem:
        raise ArgumentTypeError(str(problem)) from None
