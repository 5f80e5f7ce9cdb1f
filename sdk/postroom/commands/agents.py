"""postroom agents find: who can do a job, whom to ask first first."""

from __future__ import annotations

import argparse
import json
import sys

from postroom.errors import PostroomError
from postroom.registry.client import AgentRegistry
from postroom.registry.values import Found, Offer

DONE, NO, BAD_USAGE = 0, 1, 2
COLUMNS = ("agent", "version", "state", "share", "p95", "endpoint")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    find = actions.add_parser("find", help="who can do a job, whom to ask first first")
    find.add_argument("--capability", default="", help="the job")
    find.add_argument("--version", default="", help="a range, such as '>=2.0,<3' or ^2.1")
    find.add_argument("--max-latency-ms", type=float, default=None, help="no slower than this, as observed")
    find.add_argument("--environment", default="", help="the one that the token is bound to")
    find.add_argument("--status", default="", help="up, late, new, paused or down")
    find.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """0: somebody; 1: nobody, or it cannot be told."""
    try:
        found = AgentRegistry(fresh=0.0).find_agents(
            options.capability,
            version=options.version,
            max_latency_ms=options.max_latency_ms,
            environment=options.environment,
            status=options.status,
        )
    except PostroomError as problem:
        print(f"postroom agents: {problem}", file=sys.stderr)
        return NO
    if found.away:
        print(f"The answer is {found.age:.0f} s old: {found.away}", file=sys.stderr)
    print(as_json(found) if options.json else "\n".join(table(found)))
    return DONE if found else NO


def as_json(found: Found) -> str:
    said = {"results": [dict(each.raw) for each in found], "age_s": round(found.age, 1)}
    return json.dumps(said, indent=2)


def table(found: Found) -> list[str]:
    """Lines with columns under each other. Pure."""
    if not found:
        return ["Nobody fits."]
    rows = [COLUMNS, *(_row(each) for each in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(each: Offer) -> tuple[str, ...]:
    latency = f"{each.p95_ms:.0f} ms" if each.p95_ms is not None else "-"
    share = f"{each.share:.0%}"
    return (each.agent_id, each.version or "-", each.state, share, latency, each.endpoint or "-")
