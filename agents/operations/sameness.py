"""Whether two failures are the same one: by type, and by message without what differs from one message to the next."""

from __future__ import annotations

import re

# What names a single thing: quoted texts, addresses, paths, long hexadecimal ids, numbers.
_PARTS = (
    (re.compile(r"""(['"`]).*?\1"""), "~"),
    (re.compile(r"\b[a-z]+://\S+", re.I), "~"),
    (re.compile(r"(?:[\w.-]*/){2,}[\w.-]*"), "~"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I), "~"),
    (re.compile(r"\b(?=\w*\d)[0-9a-f]{8,}\b", re.I), "~"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.I), "~"),
    (re.compile(r"\d+"), "~"),
    (re.compile(r"\s+"), " "),
)
Named = tuple[str, str]


def is_same(before: Named, after: Named) -> bool:
    """Of (type, message). Types are compared by their last part: who tells them names modules or does not."""
    return _last(before[0]) == _last(after[0]) and normalised(before[1]) == normalised(after[1])


def normalised(message: str) -> str:
    for pattern, instead in _PARTS:
        message = pattern.sub(instead, message)
    return message.strip()


def _last(type_: str) -> str:
    return type_.rpartition(".")[2]
