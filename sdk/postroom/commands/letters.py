"""postroom letters list | show | redrive | purge | restore."""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any

from postroom.commands import asking, ops
from postroom.commands.asking import API, BAD_USAGE, DONE, NO
from postroom.http import Client

LETTERS = f"{API}/dead-letters"
FILTERS = ("state", "queue", "broker", "agent", "group", "environment", "error", "since", "until", "q")
COLUMNS = ("letter", "state", "queue", "agent", "deaths", "last died", "why")
SEAL_SECONDS, LOOK_SECONDS = 300.0, 0.5
GUARDS = ("version_runs", "tool_succeeded", "redriven_before", "expired", "canvas")


# ---- The arguments ---------------------------------------------------------------------------------------------
def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="letters, those that died last first")
    _filters(listed)
    listed.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    asking.for_programs(listed)
    shown = actions.add_parser("show", help="one letter, with its attempts")
    shown.add_argument("id")
    shown.add_argument("--body", action="store_true", help="its body instead, byte for byte")
    asking.for_programs(shown)
    for name, does in (
        ("redrive", "send letters back to a queue"),
        ("purge", "throw letters away, with a way back until they expire"),
        ("restore", "take purged letters back"),
    ):
        _operation(actions.add_parser(name, help=does), name)


def _filters(parser: argparse.ArgumentParser) -> None:
    for name in FILTERS:
        parser.add_argument(f"--{name}", default="", help=f"as GET {LETTERS} takes it")


def _operation(parser: argparse.ArgumentParser, action: str) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="letters by id; or say which ones by filters")
    _filters(parser)
    parser.add_argument("--all", action="store_true", help="every letter that you may take")
    parser.add_argument(
        "--reason", required=True, help="why: it stands in the history and in the audit trail"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask on the terminal")
    parser.add_argument("--watch", action="store_true", help="stay until it ends")
    if action == "restore":
        parser.add_argument("--receipt", default="", help="the operation that purged them")
    else:
        parser.add_argument("--leave-out", action="append", choices=GUARDS, default=[], metavar="GUARD")
    if action == "redrive":
        _redrive_options(parser)
    asking.for_programs(parser)


def _redrive_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=_rate, help="messages a second, or follow (as given), or full")
    parser.add_argument("--canary", type=_steps, help="steps such as 1,5,25 (as given), or off")
    parser.add_argument("--target-queue", default="", help="another queue than their own")
    parser.add_argument("--expiry", choices=("clear", "shift", "keep"), default="")
    parser.add_argument("--delay", type=float, default=0, help="seconds")
    parser.add_argument("--jitter", type=float, default=0, help="seconds")
    parser.add_argument("--edit", type=json.loads, help='a patch as JSON: {"body": …, "headers": …}')


# ---- What is done ----------------------------------------------------------------------------------------------
def run(options: argparse.Namespace) -> int:
    """0 done, 1 the answer is no, 2 bad usage."""
    work = {"list": _list, "show": _show}.get(options.action, _operate)
    return asking.guarded("letters", lambda: work(asking.client(), options))


def _list(client: Client, options: argparse.Namespace) -> int:
    found = list(asking.rows(client, LETTERS, _given(options), options.limit))
    cells = [_row(each) for each in found]
    asking.answer(options, found, lambda: asking.table(COLUMNS, cells, "No letters fit."))
    return DONE if found else NO


def _show(client: Client, options: argparse.Namespace) -> int:
    path = f"{LETTERS}/{options.id}"
    found = client.get(f"{path}/body" if options.body else path).body
    if options.body and not options.json:
        sys.stdout.buffer.write(base64.b64decode(found["base64"]))
        return DONE
    asking.answer(options, found, lambda: _letter(found))
    return DONE


def _operate(client: Client, options: argparse.Namespace) -> int:
    select = _select(options)
    if select is None:
        print("postroom letters: name letters by id, or by filters, or say --all", file=sys.stderr)
        return BAD_USAGE
    plan = _sealed(client, {"action": options.action, "select": select, "options": _options(options)})
    print(_plan(plan), file=sys.stderr)
    if not plan["count"]:
        return NO
    if not (options.yes or _confirmed(options.action, plan["count"])):
        print("Nothing was done.", file=sys.stderr)
        return NO
    body = {"plan": plan["id"], "reason": options.reason, "count": plan["count"]}
    started = client.post(f"{API}/operations", body, key=str(uuid.uuid4())).body
    if options.watch:
        return ops.watch(client, started["id"], options)
    asking.answer(options, started, lambda: ops.sentence(started))
    return DONE


def _sealed(client: Client, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A large plan is sealed by a worker: it is waited for."""
    plan: Mapping[str, Any] = client.post(f"{API}/plans", body, key=str(uuid.uuid4())).body
    until = time.monotonic() + SEAL_SECONDS
    while plan["state"] == "sealing" and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        plan = client.get(f"{API}/plans/{plan['id']}").body
    return plan


def _confirmed(action: str, count: int) -> bool:
    """The number is typed, so that nobody does to thousands what was meant for a few."""
    if not sys.stdin.isatty():
        print("Say --yes where there is no terminal to ask on.", file=sys.stderr)
        return False
    print(f"Type {count} to {action} {count:,} letters: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().replace(",", "") == str(count)


# ---- What is asked for -----------------------------------------------------------------------------------------
def _given(options: argparse.Namespace) -> dict[str, str]:
    return {name: value for name in FILTERS if (value := getattr(options, name))}


def _select(options: argparse.Namespace) -> dict[str, Any] | None:
    """None: it is not said which ones."""
    if options.ids:
        return {"ids": options.ids}
    if getattr(options, "receipt", ""):
        return {"receipt": options.receipt}
    given = _given(options)
    if list(given) == ["group"]:
        return {"group": given["group"]}
    return {"filter": given} if given or options.all else None


def _options(options: argparse.Namespace) -> dict[str, Any]:
    """Only what was given: the rest has Postroom's defaults."""
    found: dict[str, Any] = {}
    for name in ("rate", "canary", "target_queue", "expiry", "delay", "jitter", "edit", "leave_out"):
        if value := getattr(options, name, None):
            found[name] = value
    return found


def _rate(said: str) -> float | str:
    return said if said in {"follow", "full"} else float(said)


def _steps(said: str) -> list[int] | str:
    return said if said == "off" else [int(step) for step in said.split(",")]


# ---- How it reads ----------------------------------------------------------------------------------------------
def _row(letter: Mapping[str, Any]) -> tuple[object, ...]:
    names = ("id", "state", "queue", "agent", "deaths", "last_died_at")
    return (*(letter[name] for name in names), _why(letter)[:80])


def _why(letter: Mapping[str, Any]) -> str:
    failure = letter["failure"]
    said = ": ".join(filter(None, (failure.get("type"), failure.get("message"))))
    return said or str(failure["reason"])


def _letter(letter: Mapping[str, Any]) -> str:
    names = ("state", "environment", "broker", "queue", "agent", "message_id", "trace_id", "deaths")
    lines = [f"letter {letter['id']}", f"  {_why(letter)}"]
    lines += [f"  {name:<12} {letter[name]}" for name in names if letter.get(name)]
    for attempt in letter.get("attempts") or ():
        said = ": ".join(filter(None, (attempt.get("type"), attempt.get("message"))))
        lines.append(f"  attempt {attempt.get('number')}  {attempt.get('started_at')}  {said}")
    return "\n".join(lines)


def _plan(plan: Mapping[str, Any]) -> str:
    marks = {"ok": "●", "warn": "▲", "unknown": "◌"}
    head = f"{plan['action']} {plan['count']:,} letters · {plan['state']} · sha256 {plan['sha256'][:12]}"
    lines = [head, *(f"  {marks[each['standing']]} {each['sentence']}" for each in plan["guards"])]
    if plan["needs_approval"]:
        lines.append(f"  ‖ a second person has to approve: {plan['needs_approval']}")
    return "\n".join(lines)
