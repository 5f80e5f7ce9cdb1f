"""What the commands that ask Postroom share: the asking, pages of a list, tables, answers for programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from postroom.errors import PostroomError
from postroom.http import Client, from_environment

DONE, NO, BAD_USAGE = 0, 1, 2
API: Final = "/api/v1"
PAGE: Final = 100
# A plan or an operation may be waited for; one answer should not be.
TIMEOUT: Final = 30.0


def client() -> Client:
    """By POSTROOM_URL and POSTROOM_TOKEN."""
    return Client(from_environment(timeout=TIMEOUT))


def guarded(command: str, work: Callable[[], int]) -> int:
    """The work's status; a refusal, or a Postroom that is away, is a sentence and the answer no."""
    try:
        return work()
    except PostroomError as problem:
        print(f"postroom {command}: {problem}", file=sys.stderr)
        return NO


def rows(client: Client, path: str, query: Mapping[str, Any], most: int) -> Iterator[dict[str, Any]]:
    """A list, page after page, up to `most`."""
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    left, after = most, ""
    while left > 0:
        page = client.get(
            path, {**asked, "limit": min(left, PAGE)} | ({"cursor": after} if after else {})
        ).body
        yield from page["results"][:left]
        left -= len(page["results"])
        after = page["next"] or ""
        if not after:
            return


def answer(options: argparse.Namespace, value: Any, text: Callable[[], str]) -> None:
    """To stdout: as JSON when that was asked for."""
    print(json.dumps(value, indent=2) if options.json else text())


def table(columns: Sequence[str], found: Sequence[Sequence[object]], empty: str) -> str:
    """Columns under each other; numbers to the right. Pure."""
    if not found:
        return empty
    lines = [list(columns), *([_cell(each) for each in row] for row in found)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    right = [all(isinstance(row[place], int | float) for row in found) for place in range(len(columns))]
    return "\n".join(_line(line, widths, right) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "-" if value in (None, "") else str(value)


def for_programs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
