"""The command `postroom`. Exit status: 0 done, 1 the answer is no, 2 bad usage.

Each subcommand is a module of `postroom.commands` with `add_arguments(parser)` and `run(options) -> int`; it is
imported only when it is asked for. Answers go to stdout, progress and complaints to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from postroom import __version__

DONE, NO, BAD_USAGE = 0, 1, 2

# Subcommand → what it does. Its module is postroom.commands.<name>.
COMMANDS: dict[str, str] = {
    "agents": "Find agents by what they can do.",
    "letters": "Read, redrive, purge and restore dead letters.",
    "ops": "Watch and steer operations.",
    "worker": "Run an agent.",
    "where": "Where a message is, why it does not move, and what helps.",
    "demo": "Break and mend the demo, to see what Postroom shows.",
    "drill": "Provoke a failure for real, and see that nothing comes of it.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given[0] if given else "")
    options = parser.parse_args(given)
    if not options.command:
        parser.print_usage(sys.stderr)
        return BAD_USAGE
    answer: int = import_module(f"postroom.commands.{options.command}").run(options)
    return answer


def _parser(wanted: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("postroom", description="The agents' side of Postroom.")
    parser.add_argument("--version", action="version", version=f"postroom {__version__}")
    subcommands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, does in COMMANDS.items():
        subparser = subcommands.add_parser(name, help=does, description=does)
        if name == wanted:
            import_module(f"postroom.commands.{name}").add_arguments(subparser)
    return parser
