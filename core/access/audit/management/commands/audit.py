"""`audit verify`, `audit export`, `audit checkpoint`: the trail from the command line."""

from __future__ import annotations

import getpass
import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from core.access.api import Kind, Subject
from core.access.audit import accept, selectors
from core.access.audit.actions import Action
from core.access.audit.api import Target, record
from core.access.audit.verify import Report, verify


class Command(BaseCommand):
    help = "Verify the audit trail, export it, or begin its checkpoints anew."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        check = commands.add_parser(
            "verify", help="exit 1 and the first broken entry when the chain does not hold"
        )
        check.add_argument("--json", action="store_true")
        _export_arguments(commands.add_parser("export", help="entries as JSON lines, the oldest first"))
        anew = commands.add_parser(
            "checkpoint", help="begin the checkpoints anew: after restoring a backup, or on a new host"
        )
        anew.add_argument("--why", required=True, help="goes into the trail")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['what']}")(options)

    def _verify(self, options: dict[str, Any]) -> None:
        report = verify()
        for warning in report.warnings:
            self.stderr.write(f"Warning: {warning}.")
        if options["json"]:
            self.stdout.write(json.dumps(_as_data(report)))
        elif report.holds:
            self.stdout.write(str(report))
        if not report.holds:
            raise CommandError(str(report))

    def _export(self, options: dict[str, Any]) -> None:
        names = ("who", "action", "on", "since", "until", "q", "environment")
        wanted = selectors.Filter(**{name: options[name] for name in names if options[name]})
        count = 0
        for entry in selectors.oldest_first(selectors.entries(wanted)):
            self.stdout.write(json.dumps(selectors.as_data(entry), ensure_ascii=False))
            count += 1
        after = {name: str(options[name]) for name in names if options[name]} | {"entries": count}
        record(
            Action.AUDIT_EXPORTED, by=_operator(), on=Target("audit trail"), source="manage.py", after=after
        )

    def _checkpoint(self, options: dict[str, Any]) -> None:
        sequence = accept.accept(_operator(), options["why"])
        self.stdout.write(f"The checkpoints begin anew at entry {sequence:,}, which says why.")


def _export_arguments(parser: Any) -> None:
    parser.add_argument("--who", default="", help="name or id of who did it")
    parser.add_argument(
        "--action", default="", help="an action, or the beginning of some with its dot: access."
    )
    parser.add_argument("--on", default="", help="id, name or kind of what it was done to")
    parser.add_argument("--since", type=_moment, help="from this time on")
    parser.add_argument("--until", type=_moment, help="before this time")
    parser.add_argument("--q", default="", help="this text anywhere")
    parser.add_argument("--environment", default="", help="only what was done in this one")


def _moment(text: str) -> datetime:
    import argparse

    try:
        return clock.parse(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _as_data(report: Report) -> dict[str, Any]:
    return {
        "holds": report.holds,
        "entries": report.entries,
        "last": report.last_sequence,
        "broken": report.finding and report.finding.sequence,
        "finding": report.finding and str(report.finding),
        "warnings": list(report.warnings),
        "took_ms": report.took_ms,
    }


def _operator() -> Subject:
    """Who sits at the command line of this host, as far as the host knows."""
    name = getpass.getuser()
    return Subject(Kind.SYSTEM, f"host:{name}", name, via="command line")
