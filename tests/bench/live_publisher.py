"""Changes one row of the board four times a second, for so many seconds, and says so to the web processes.

`python -m tests.bench.live_publisher SECONDS FILLER`; prints the last revision.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from core import hints  # noqa: E402
from tests.support.live_board import BOARD, Board  # noqa: E402

RATE = 4


def main() -> None:
    seconds, filler = float(sys.argv[1]), int(sys.argv[2])
    board, revision = Board(Path(os.environ[BOARD])), 0
    due = time.monotonic()
    for _ in range(int(seconds * RATE)):
        revision = board.put({"tick": {"at": time.time(), "filler": "x" * filler}})
        hints.hint("board")
        due += 1 / RATE
        time.sleep(max(0.0, due - time.monotonic()))
    print(revision, flush=True)


if __name__ == "__main__":
    main()
