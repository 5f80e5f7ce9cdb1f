"""Named windows in which a drill kills a worker: where a crash hurts most.

The drill leaves a file with the window's name; the first worker that comes by takes it away and dies on the spot, with
all its processes. Nobody can take the same file twice.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

FOLDER: Final = "DRILL_FOLDER"
CLAIMED: Final = "claimed"  # taken from the broker, nothing done yet
EFFECT: Final = "effect"  # the effect happened, nothing is settled
LETTER: Final = "letter"  # the letter is published, the message is not acknowledged
WINDOWS: Final = (CLAIMED, EFFECT, LETTER)


def ask(folder: Path, window: str) -> Path:
    """The next worker in this window dies. The file is gone when one did."""
    file = folder / f"crash-{window}"
    file.touch()
    return file


def here(window: str) -> None:
    """Call this in the window: it returns unless a crash was asked for."""
    try:
        os.unlink(Path(os.environ[FOLDER]) / f"crash-{window}")
    except FileNotFoundError:
        return
    os.killpg(os.getpgrp(), signal.SIGKILL)
