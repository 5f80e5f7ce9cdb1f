"""The short, private folder for unix sockets: a path in the data directory may be too long for one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

# 108 bytes with the closing zero on Linux, 104 elsewhere.
LONGEST_PATH = 103
PREFIX = "postroom-"


def make(note: Path) -> Path:
    """A new folder, 0700, noted so that the next start can remove what a killed one left."""
    clear(note)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    note.write_text(str(folder), encoding="utf-8")
    return folder


def clear(note: Path) -> None:
    """Remove the folder of an earlier start, if it is one of ours."""
    try:
        folder = Path(note.read_text(encoding="utf-8").strip())
    except OSError:
        return
    if folder.name.startswith(PREFIX) and folder.is_dir() and folder.stat().st_uid == os.getuid():
        shutil.rmtree(folder, ignore_errors=True)
    note.unlink(missing_ok=True)


def fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_PATH
