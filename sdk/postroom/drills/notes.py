"""What processes of a drill note: lines in a file that all of them append to, so that no crash loses what was noted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from postroom.drills.crashes import FOLDER

SEPARATOR = "\t"


def note(name: str, *fields: object) -> None:
    """One line, whole or not at all: a small append is one write."""
    os.write(_file(name, os.getpid()), (SEPARATOR.join(map(str, fields)) + "\n").encode())


@cache
def _file(name: str, process: int) -> int:
    path = Path(os.environ[FOLDER]) / f"{name}.notes"
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def read(folder: Path, name: str) -> Iterator[list[str]]:
    """The lines so far, in the order in which they were written."""
    path = folder / f"{name}.notes"
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield line.rstrip("\n").split(SEPARATOR)


def count(folder: Path, name: str) -> int:
    """How many lines, without reading them as text."""
    path = folder / f"{name}.notes"
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
