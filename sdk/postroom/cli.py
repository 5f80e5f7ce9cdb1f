"""The command `postroom`. Exit status: 0 done, 1 the answer is no, 2 bad usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from postroom import __version__

BAD_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    parser.parse_args(arguments)
    parser.print_usage(sys.stderr)
    return BAD_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("postroom", description="The agents' side of Postroom.")
    parser.add_argument("--version", action="version", version=f"postroom {__version__}")
    return parser
