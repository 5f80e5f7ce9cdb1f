"""Starts one program so that it dies with its parent: `python -m core.up.launch PARENT SIGNAL PROGRAM ARGUMENT…`.

A step of its own, because running Python between fork and exec is not safe, and Redis cannot ask for it itself.
The kernel keeps the request across exec.
"""

from __future__ import annotations

import os
import signal
import sys

from core.up.parent import die_with_parent


def main(arguments: list[str]) -> None:
    parent, sent, *program = arguments
    die_with_parent(signal.Signals(int(sent)), int(parent))
    os.execvp(program[0], program)  # noqa: S606 - the command is our own list


if __name__ == "__main__":
    main(sys.argv[1:])
