"""Why `up` does not start. Each failure is one sentence that says what to do."""

from __future__ import annotations


class StartRefusedError(Exception):
    """`up` cannot start, or not go on; the text is the sentence that the user reads."""
