"""postroom where ID: where a message is, why it does not move, and what helps."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from postroom.errors import PostroomError
from postroom.http import Client

DONE, NO, BAD_USAGE = 0, 1, 2
MOST_SHOWN = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", help="a message, task, trace, conversation, letter or business id"
    )
    parser.add_argument("--environment", default="", help="where ids are the same in several")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """0: it is not stuck; 1: it is, or nobody knows it."""
    wanted = {"id": options.id} | ({"environment": options.environment} if options.environment else {})
    try:
        found = ask(wanted)
    except PostroomError as problem:
        print(f"postroom where: {problem}", file=sys.stderr)
        return NO
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    return NO if found.get("verdict") else DONE


def ask(wanted: dict[str, str]) -> dict[str, Any]:
    """Raises PostroomError: Postroom is away, refuses, or knows nothing of it."""
    found: dict[str, Any] = Client().get("/api/v1/where", wanted).body
    return found


def lines(found: dict[str, Any]) -> Iterator[str]:
    """As people read it. Pure."""
    yield found["sentence"]
    for each in found.get("evidence", ())[:MOST_SHOWN]:
        age = each.get("age_s")
        yield f"  {each['kind']}: {each['says']}" + ("" if age is None else f" ({age:.0f} s ago)")
    for missing in found.get("missing", ()):
        yield f"  missing: {missing}"
    if out := found.get("ruled_out"):
        yield "Ruled out: " + " · ".join(f"{each['verdict']} ({each['because']})" for each in out)
    yield f"Next: {found['next_step']}"
    if run := found.get("run"):
        yield " → ".join(_hop(hop) for hop in run)
    for other in found.get("candidates", ())[:MOST_SHOWN]:
        yield f"It may also mean: {other['sentence']}"


def _hop(hop: dict[str, Any]) -> str:
    name = str(hop["agent"] or hop["queue"] or hop["message_id"])
    return {"done": f"{name} ✓", "here": f"[{hop['queue']} ◌ here]", "failed": f"{name} ✗"}.get(
        hop["mark"], name
    )
