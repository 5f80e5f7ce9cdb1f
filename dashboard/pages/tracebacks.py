"""A traceback folded to the application's own frames: what stands in libraries is one click away. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

# A frame begins like this in Python, and in JavaScript, Java and C#.
FRAME = re.compile(r'^\s+(File "|at\s)')
LIBRARY = re.compile(
    r"site-packages|dist-packages|/lib/python\d|<frozen |node_modules|\(?node:|^\s+at (java|javax|jdk|sun|System)\."
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that stand together. `frames` is how many of libraries they hold when they are folded; else 0."""

    text: str
    frames: int = 0


def fold(traceback: str) -> list[Piece]:
    """The pieces in order; together they are the whole. Where every frame is a library's, nothing is folded."""
    blocks = list(_blocks(traceback.rstrip().splitlines()))
    own = any(FRAME.match(block[0]) and not _is_library(block) for block in blocks)
    pieces = []
    for folded, found in groupby(blocks, lambda block: own and _is_library(block)):
        together = list(found)
        text = "\n".join(line for block in together for line in block)
        pieces.append(Piece(text, len(together) if folded else 0))
    return pieces


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """A frame with the lines that belong to it, or a line between frames."""
    block: list[str] = []
    for line in lines:
        if block and not _goes_on(block[0], line):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _goes_on(first: str, line: str) -> bool:
    """Source and carets stand deeper than the frame that they are of."""
    return bool(FRAME.match(first)) and not FRAME.match(line) and _depth(line) > _depth(first)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_library(block: list[str]) -> bool:
    return bool(FRAME.match(block[0]) and LIBRARY.search(block[0]))
