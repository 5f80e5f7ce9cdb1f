"""`postroom drill NAME | --all`: provokes a failure for real, and exits with 0 when nothing came of it."""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace
from types import FrameType

from postroom.drills import scene, table
from postroom.drills.figures import Verdict, as_json, as_text

DONE, NO, BAD_USAGE = 0, 1, 2
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = (*table.NAMES, *table.BESIDE)
    parser.add_argument("name", nargs="?", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--all", action="store_true", help=f"all but {', '.join(table.BESIDE)}, one by one")
    parser.add_argument("--full", action="store_true", help="in the size that the promise is made for")
    parser.add_argument("--broker", choices=["redis", "rabbitmq"], help="only on this one")
    parser.add_argument("--runs", type=int, help="so many of what it counts: runs, orders, agents …")
    parser.add_argument("--seed", type=int, help="where chance begins, for the drills that draw")
    parser.add_argument("--json", action="store_true", help="figures and verdicts as JSON")


def run(options: argparse.Namespace) -> int:
    if bool(options.name) == options.all:
        print("postroom drill: name one drill, or say --all", file=sys.stderr)
        return BAD_USAGE
    for number in ENDING:
        signal.signal(number, _leave)
    names = table.NAMES if options.all else [options.name]
    verdicts = [verdict for name in names for verdict in _play(table.find(name), options)]
    if options.json:
        print(as_json(verdicts))
    return DONE if verdicts and all(verdict.good for verdict in verdicts) else NO


def _leave(number: int, frame: FrameType | None) -> None:
    """Whoever ends a drill ends what it started, too; a shell that begins it in the background ignores ctrl-c."""
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _play(drill: scene.Drill, options: argparse.Namespace) -> list[Verdict]:
    brokers = [kind for kind in drill.brokers if options.broker in {None, kind}]
    verdicts = []
    for kind in brokers:
        verdicts.append(scene.run(drill, kind, _size(drill, options)))
        if not options.json:
            print(as_text(verdicts[-1]), flush=True)
    return verdicts


def _size(drill: scene.Drill, options: argparse.Namespace) -> scene.Size:
    size = drill.full if options.full else drill.small
    numbers = dict(size.numbers) | ({"seed": options.seed} if options.seed is not None else {})
    return replace(size, count=options.runs or size.count, numbers=numbers)
