"""From how a death happened to its fingerprint, by parts that people can read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.deadletters.fingerprint import versions
from agents.deadletters.fingerprint.frames import Frame
from agents.deadletters.fingerprint.normalising import normalised
from agents.deadletters.fingerprint.reading import Raised, Read, read

ALGORITHM = 4
# Of a longer chain, or of more frames, the others say nothing new.
MOST_RAISED, MOST_FRAMES = 8, 12
DIGEST = 24
TITLE = 500
# What wraps a failure on its way from one process to another, and is none itself.
WRAPPERS = frozenset(
    [
        "RemoteTraceback",
        "_RemoteTraceback",
        "ExceptionWithTraceback",
        "ExceptionInfo",
        "ExecutionException",
        "CompletionException",
        "InvocationTargetException",
        "UndeclaredThrowableException",
        "TargetInvocationException",
        "AggregateException",
    ]
)
GROUPS = ("ExceptionGroup", "AggregateError")
# Where a program begins: of no interest, unless it fails there.
ENTRIES = re.compile(r"(?:^|[.:])(?:<module>|main|Main|<main>|<top \(required\)>)$")


@dataclass(frozen=True, slots=True)
class Died:
    """What of a death its fingerprint is formed of. `who` is the agent, or the queue where no agent is named."""

    who: str
    reason: str
    type: str = ""
    message: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Formed:
    """A fingerprint with all that it stands on: `raised` has each exception in the traceback's order."""

    who: str
    reason: str
    raised: tuple[Raised, ...]
    frames: tuple[str, ...]
    algorithm: int = ALGORITHM
    # Whether the traceback has its newest call, and so its outermost exception, at its end.
    newest_last: bool = False

    @property
    def fingerprint(self) -> str:
        parts = (self.who, self.reason, self.raised, self.frames)
        digest = hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
        return f"{self.algorithm}.{digest[:DIGEST]}"

    @property
    def title(self) -> str:
        """In one line: the last thing that was raised, as far as it is the same for all."""
        if not self.raised:
            return self.reason.replace("_", " ")
        said = self.raised[-1] if self.newest_last else self.raised[0]
        return ": ".join(filter(None, said))[:TITLE]

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "algorithm": self.algorithm,
            "who": self.who,
            "reason": self.reason,
            "raised": [{"type": each.type, "message": each.message} for each in self.raised],
            "frames": list(self.frames),
        }


def form(died: Died) -> Formed:
    """Pure, and about as fast as the traceback is short."""
    found = read(died.traceback, died.who, died.message) if died.traceback else Read()
    raised = _raised(found, died)
    return Formed(
        died.who,
        died.reason,
        raised,
        _frames(found),
        newest_last=found.newest_last and not _grouped(found.raised),
    )


def is_current(fingerprint: str) -> bool:
    """Was it formed as fingerprints are formed now?"""
    return fingerprint.startswith(f"{ALGORITHM}.")


def is_same_said(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Of two failures of which nothing is known but what they said, (type, message): are they the same? Who tells types
    names their modules or does not."""
    (first, said), (second, told) = one, other
    name = short(first)
    return name == short(second) and normalised(said, name) == normalised(told, name)


def _raised(found: Read, died: Died) -> tuple[Raised, ...]:
    """The chain of the traceback, or what the death says of itself where there is none."""
    chain = [each for each in enumerate(found.raised) if each[1].type not in WRAPPERS]
    said = [(each, found.is_own(at)) for at, each in chain or enumerate(found.raised)]
    if not said and (died.type or died.message):
        said = [(Raised(short(died.type), died.message), True)]
    messages = list(dict.fromkeys(each.message for each, _ in said))
    messages = messages[:MOST_RAISED] + messages[-MOST_RAISED:]
    plain = [
        Raised(each.type, _plain(each._replace(message=_said(each, died)), messages, own=own))
        for each, own in said
    ]
    distinct = list(dict.fromkeys(plain))
    if _grouped(distinct):
        # What fails side by side fails in any order.
        distinct = sorted(distinct, key=lambda each: (not each.type.endswith(GROUPS), each))
        return tuple(distinct[:MOST_RAISED])
    return tuple(distinct[-MOST_RAISED:] if found.newest_last else distinct[:MOST_RAISED])


def _plain(raised: Raised, messages: Sequence[str], *, own: bool) -> str:
    causes = [each for each in messages if each != raised.message]
    meant = versions.meant(raised.type, raised.message, own=own)
    if meant is not None:
        return meant
    return normalised(versions.without_causes(raised.message, causes), raised.type)


def _said(raised: Raised, died: Died) -> str:
    """A traceback may name the exception alone, where the death says what it said."""
    return raised.message or (died.message if raised.type == short(died.type) else "")


def _frames(found: Read) -> tuple[str, ...]:
    mine = [frame for frame in found.frames if frame.own]
    inside = [frame for frame in mine if not ENTRIES.search(frame.function)] or mine
    own = list(dict.fromkeys(_named(frame) for frame in inside))
    kept: Sequence[str] = own[-MOST_FRAMES:] if found.newest_last else own[:MOST_FRAMES]
    return tuple(sorted(kept) if _grouped(found.raised) else kept)


def _grouped(raised: Sequence[Raised]) -> bool:
    return any(each.type.endswith(GROUPS) for each in raised)


def _named(frame: Frame) -> str:
    return f"{frame.file}:{frame.function}" if frame.file else frame.function


def short(type_: str) -> str:
    """A type without the module that it lives in: that is moved more often than it is renamed."""
    return type_.rpartition("::")[2].rpartition(".")[2] or type_
