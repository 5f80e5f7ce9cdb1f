"""postroom ops list | show | watch | pause | resume | cancel | approve | reject | settle."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

from postroom.commands import asking
from postroom.commands.asking import API, DONE, NO
from postroom.drills.progress import Progress
from postroom.http import Client

OPERATIONS = f"{API}/operations"
COLUMNS = (
    "operation",
    "number",
    "action",
    "state",
    "selected",
    "processed",
    "failed",
    "unknown",
    "by",
    "reason",
)
ENDED = ("rejected", "cancelled", "done", "done_with_unknown", "failed")
# Nothing goes on before a person does something.
HELD_UP = ("awaiting_approval", "paused", "halted")
LOOK_SECONDS = 0.5
SETTLED = ("processed", "failed_same", "failed_new", "applied", "left_out", "untouched")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="operations, the newest first")
    listed.add_argument("--state", default="", help="only these")
    listed.add_argument("--limit", type=int, default=20, help="at most so many (20)")
    asking.for_programs(listed)
    for name, does in (
        ("show", "one operation, with its timeline"),
        ("watch", "stay until it ends, or until it waits for somebody"),
        ("pause", "send nothing more until it is resumed"),
        ("resume", "go on, from paused or halted"),
        ("cancel", "leave what waits untouched; what was sent stays sent"),
        ("approve", "be the second person"),
        ("reject", "say no as the second person"),
        ("settle", "say what became of messages whose outcome is unknown"),
    ):
        _one(actions.add_parser(name, help=does), name)


def _one(parser: argparse.ArgumentParser, action: str) -> None:
    parser.add_argument("id")
    if action not in {"show", "watch"}:
        parser.add_argument("--reason", default="", help="why")
    if action == "approve":
        parser.add_argument("--sha256", required=True, help="the hash that you were shown")
    if action == "settle":
        parser.add_argument("--verdict", required=True, choices=("processed", "failed"))
        parser.add_argument(
            "--letter", action="append", default=[], metavar="ID", help="left out: all of them"
        )
    asking.for_programs(parser)


def run(options: argparse.Namespace) -> int:
    """0 done, 1 the answer is no, 2 bad usage."""
    return asking.guarded("ops", lambda: _run(asking.client(), options))


def _run(client: Client, options: argparse.Namespace) -> int:
    if options.action == "list":
        return _list(client, options)
    if options.action == "watch":
        return watch(client, options.id, options)
    if options.action == "show":
        found = client.get(f"{OPERATIONS}/{options.id}").body
        asking.answer(options, found, lambda: _whole(found))
        return DONE
    return _step(client, options)


def _list(client: Client, options: argparse.Namespace) -> int:
    found = list(asking.rows(client, OPERATIONS, {"state": options.state}, options.limit))
    asking.answer(
        options, found, lambda: asking.table(COLUMNS, [_row(each) for each in found], "No operations.")
    )
    return DONE if found else NO


def _step(client: Client, options: argparse.Namespace) -> int:
    body: dict[str, Any] = {"reason": options.reason}
    if options.action == "approve":
        body["sha256"] = options.sha256
    if options.action == "settle":
        body |= {"verdict": options.verdict} | ({"letters": options.letter} if options.letter else {})
    found = client.post(f"{OPERATIONS}/{options.id}/{options.action}", body).body
    asking.answer(
        options, found, lambda: f"{found['settled']:,} settled" if "settled" in found else sentence(found)
    )
    return DONE


def watch(client: Client, id: str, options: argparse.Namespace) -> int:
    """0: it is done. 1: it ended otherwise, or waits for somebody."""
    found = client.get(f"{OPERATIONS}/{id}").body
    progress = Progress(f"{found['action']} #{found['number']}", found["tally"]["selected"])
    while found["state"] not in ENDED + HELD_UP:
        progress.at(_over(found), tally(found))
        time.sleep(LOOK_SECONDS)
        found = client.get(f"{OPERATIONS}/{id}").body
    progress.at(_over(found), tally(found))
    asking.answer(options, found, lambda: sentence(found))
    return DONE if found["state"] == "done" else NO


def sentence(operation: Mapping[str, Any]) -> str:
    head = f"{operation['action']} #{operation['number']} {operation['id']} is {operation['state']}"
    return f"{head}: {operation['why'] or tally(operation)}"


def tally(operation: Mapping[str, Any]) -> str:
    """What is not nought, so that it is read at a glance. Unknown is never called done."""
    said = [f"{count:,} {name.replace('_', ' ')}" for name, count in operation["tally"].items() if count]
    return ", ".join(said)


def _over(operation: Mapping[str, Any]) -> int:
    return sum(operation["tally"][name] for name in SETTLED)


def _row(operation: Mapping[str, Any]) -> tuple[object, ...]:
    count = operation["tally"]
    failed = count["failed_same"] + count["failed_new"]
    names = ("id", "number", "action", "state")
    return (
        *(operation[name] for name in names), count["selected"], count["processed"] + count["applied"], failed,
        count["unknown"], operation["by"], operation["reason"][:40],
    )  # fmt: skip


def _whole(operation: Mapping[str, Any]) -> str:
    lines = [
        sentence(operation),
        f"  by {operation['by']}: {operation['reason']}",
        f"  sha256 {operation['sha256']}",
    ]
    lines += [
        f"  {line['at']}  {line['after']:<12} {line['by']}  {line['said']}" for line in operation["timeline"]
    ]
    return "\n".join(lines)
