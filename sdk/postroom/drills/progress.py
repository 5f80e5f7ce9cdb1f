"""How far a drill is: a bar that redraws itself on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30
REDRAW_SECONDS, LINE_SECONDS = 0.1, 10.0


class Progress:
    """Shows `done` of `whole` with a word about what happens. To stderr, so that figures can be piped."""

    def __init__(self, title: str, whole: int, to: TextIO | None = None) -> None:
        self._title, self._whole = title, max(whole, 1)
        self._to = to if to is not None else sys.stderr
        self._live = self._to.isatty()
        self._next = 0.0

    def at(self, done: int, saying: str = "") -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (REDRAW_SECONDS if self._live else LINE_SECONDS)
        self._draw(done, saying)

    def close(self, saying: str = "") -> None:
        self._draw(self._whole, saying)
        if self._live:
            self._to.write("\n")
        self._to.flush()

    def _draw(self, done: int, saying: str) -> None:
        line = f"{self._title} {bar(done, self._whole)} {done:,}/{self._whole:,} {saying}".rstrip()
        self._to.write(f"\r\x1b[2K{line}" if self._live else f"{line}\n")
        self._to.flush()


def bar(done: int, whole: int, width: int = WIDTH) -> str:
    """A bar of this width, full at `whole`."""
    full = min(max(done, 0), whole) * width // whole
    return "▓" * full + "░" * (width - full)
