"""Where the library keeps its small files: keys, last answers of Postroom, what waits to be sent.

`POSTROOM_AGENT_DIR` names the folder; without it, the usual place of a user's state. Nobody else may look into it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

SETTING = "POSTROOM_AGENT_DIR"
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def folder(*parts: str) -> Path:
    """A folder of the library's, made when it is not there, closed to others."""
    found = _root()
    for part in ("", *parts):
        found /= part
        found.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return found


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: whoever reads it meanwhile sees the old one."""
    temporary = _beside(path, content)
    os.replace(temporary, path)


def create(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet. False: somebody else was first, and theirs stands."""
    temporary = _beside(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary)
    return True


def _beside(path: Path, content: bytes) -> str:
    # mkstemp makes files that nobody else may read.
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _root() -> Path:
    if said := os.environ.get(SETTING):
        return Path(said).expanduser()
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "postroom"
