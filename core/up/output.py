"""One readable log: every line with the name of the process that wrote it in front."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

WIDTH = 8
MAX_LINE = 16_384
COLOURS = (36, 33, 32, 35, 34, 31)


class Output:
    """Where `up` writes. Nobody reading any more is no reason to fall."""

    def __init__(self, line_format: str = "console") -> None:
        self._json = line_format == "json"
        self._coloured = sys.stdout.isatty()
        self._colours: dict[str, int] = {}

    def say(self, text: str = "") -> None:
        """For the user, as it stands."""
        with contextlib.suppress(OSError, ValueError):
            print(text, flush=True)  # noqa: T201 - this is what the command is there for

    def line(self, name: str, text: str) -> None:
        if self._json:
            self.say(text if text.startswith("{") else json.dumps({"process": name, "message": text}))
        else:
            self.say(f"{self._front(name)} {text}")

    def _front(self, name: str) -> str:
        front = f"{name:<{WIDTH}} |"
        if not self._coloured:
            return front
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{front}\x1b[0m"

    async def relay(self, name: str, stream: asyncio.StreamReader) -> None:
        """Write a child's lines until it closes its end; a line without an end is cut, not gathered for ever."""
        rest = b""
        while chunk := await stream.read(MAX_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > MAX_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._relayed(name, line)
        self._relayed(name, rest)

    def _relayed(self, name: str, line: bytes) -> None:
        if text := line.decode("utf-8", "replace").rstrip():
            self.line(name, text)
