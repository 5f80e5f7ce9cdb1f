"""postroom where ID: where a message is, why it does not move, and what helps."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from postroom.commands import asking
from postroom.commands.asking import API, DONE, NO

MOST_SHOWN = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", help="a message, task, trace, conversation, letter or business id"
    )
    parser.add_argument("--environment", default="", help="where ids are the same in several")
    asking.for_programs(parser)


def run(options: argparse.Namespace) -> int:
    """0: it is not stuck; 1: it is, or nobody knows it."""
    return asking.guarded("where", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    wanted = {"id": options.id} | ({"environment": options.environment} if options.environment else {})
    found: dict[str, Any] = asking.client().get(f"{API}/where", wanted).body
    asking.answer(options, found, lambda: "\n".join(lines(found)))
    return NO if found.get("verdict") else DONE


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
