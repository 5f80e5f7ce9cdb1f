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


class Tail:
    """Reads a file of notes as it grows: what was read is not read again."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.notes"
        self._at = 0
        self.lines = 0

    def new(self) -> list[list[str]]:
        """The lines since the last time. One that is not whole yet comes with the next."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                whole = file.read().rpartition(b"\n")[0]
        except FileNotFoundError:
            return []
        if not whole:
            return []
        self._at += len(whole) + 1
        rows = [line.split(SEPARATOR) for line in whole.decode().split("\n")]
        self.lines += len(rows)
        return rows


def count(folder: Path, name: str) -> int:
    """How many lines so far. Asked again, it reads what came since."""
    tail = _tail(folder, name)
    tail.new()
    return tail.lines


@cache
def _tail(folder: Path, name: str) -> Tail:
    return Tail(folder, name)
