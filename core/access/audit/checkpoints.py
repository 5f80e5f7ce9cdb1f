"""Copies of the chain's head outside the database: with them a cut-off tail is found.

One JSON line per checkpoint, each with a keyed hash of its own. A checkpoint is written after the commit, never
before: it may lag behind the chain and never lead it. A process killed between its commit and its checkpoint leaves
its last entry uncovered until anybody's next entry or the next verification, whichever comes first.

The first line says why the file starts where it does: at the chain's beginning, at a verification that found
everything whole, or at an operator's word that is itself in the trail. A file that starts otherwise was cut.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import structlog
from django.conf import settings

from core import clock
from core.access.audit import chain

log = structlog.get_logger(__name__)

# From the end of the file: more than one line, so the last whole one is among them.
TAIL = 4096


class Kind(StrEnum):
    """Why a checkpoint was written."""

    BEGINNING = "beginning"
    HEAD = "head"
    VERIFIED = "verified"
    ACCEPTED = "accepted"


STARTS = frozenset({Kind.BEGINNING, Kind.VERIFIED, Kind.ACCEPTED})


class CheckpointError(Exception):
    """The checkpoints cannot be read as what they should be."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """At this time the chain had this entry, with this hash."""

    kind: Kind
    sequence: int
    hash: str
    at: str

    def line(self) -> str:
        values = asdict(self)
        return json.dumps(values | {"mac": chain.of_checkpoint(settings.AUDIT_KEY, values)}) + "\n"


def path() -> Path:
    return Path(settings.DATA.audit_checkpoints)


def note(sequence: int, entry_hash: str) -> None:
    """Remember a committed entry. A disk that refuses does not undo what is committed: the lag is logged."""
    with _forgiving(sequence), _locked():
        if sequence > _last_sequence():
            _append(_checkpoint(Kind.HEAD, sequence, entry_hash))


def begin() -> None:
    """Called under the head's lock before the chain's first entry: from here on the file must exist."""
    with _forgiving(0), _locked():
        if not path().exists():
            _append(_checkpoint(Kind.BEGINNING, 0, chain.GENESIS))


def start_over(kind: Kind, sequence: int, entry_hash: str) -> None:
    """One line instead of all, once they are known to agree with the chain (or were accepted by an operator).

    Whatever was added after `sequence` stays: another process may have written while the chain was being read.
    """
    with _locked():
        newer = [found for found in _lines() if found.sequence > sequence and kind is not Kind.ACCEPTED]
        fresh = path().with_suffix(".new")
        lines = [_checkpoint(kind, sequence, entry_hash), *newer]
        with fresh.open("w", encoding="ascii") as file:
            file.writelines(each.line() for each in lines)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path())


def read() -> list[Checkpoint]:
    """Every checkpoint, each one checked against the key; CheckpointError says what is wrong with the file."""
    if not path().exists():
        raise CheckpointError(f"the checkpoints {path()} are missing")
    with _locked():
        found = list(_lines())
    if not found or found[0].kind not in STARTS:
        raise CheckpointError(
            f"the beginning of the checkpoints {path()} was cut off, or they are new on this host"
        )
    return found


def _checkpoint(kind: Kind, sequence: int, entry_hash: str) -> Checkpoint:
    return Checkpoint(kind, sequence, entry_hash, clock.rfc3339(clock.now()))


@contextmanager
def _forgiving(sequence: int) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        log.error("audit checkpoint not written", sequence=sequence, file=str(path()), problem=str(problem))


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time; the lock has its own file because the checkpoints' file is replaced."""
    handle = os.open(path().with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _append(checkpoint: Checkpoint) -> None:
    handle = os.open(path(), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # A full disk may have left half a line; the next one must not be lost with it.
        mend = "" if _tail(handle, 1) in {b"", b"\n"} else "\n"
        os.write(handle, (mend + checkpoint.line()).encode("ascii"))
    finally:
        os.close(handle)


def _tail(handle: int, size: int) -> bytes:
    return os.pread(handle, size, max(0, os.lseek(handle, 0, os.SEEK_END) - size))


def _last_sequence() -> int:
    """The last line's sequence; -1 when there is none. Its keyed hash is for `read` to check."""
    try:
        with path().open("rb") as file:
            return int(json.loads(_tail(file.fileno(), TAIL).splitlines()[-1])["sequence"])
    except (FileNotFoundError, IndexError, ValueError, KeyError, TypeError):
        return -1


def _lines() -> Iterator[Checkpoint]:
    if not path().exists():
        return
    for number, line in enumerate(path().read_text(encoding="ascii", errors="replace").splitlines(), 1):
        if found := _parse(number, line):
            yield found


def _parse(number: int, line: str) -> Checkpoint | None:
    """None for half a line, which a full disk can leave: it proves no less than a line that is not there."""
    try:
        values = json.loads(line)
        mac = values.pop("mac")
        found = Checkpoint(Kind(values["kind"]), int(values["sequence"]), values["hash"], values["at"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if mac != chain.of_checkpoint(settings.AUDIT_KEY, values):
        raise CheckpointError(f"line {number} of the checkpoints {path()} was not written with our key")
    return found
