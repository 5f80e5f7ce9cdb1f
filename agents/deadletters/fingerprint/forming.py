"""From how a death happened to its fingerprint, by parts that people can read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from agents.deadletters.fingerprint import carrying, systems, versions
from agents.deadletters.fingerprint.frames import Frame
from agents.deadletters.fingerprint.likeness import Said, Told, at_home
from agents.deadletters.fingerprint.normalising import KEPT, normalised
from agents.deadletters.fingerprint.reading import Raised, Read, read
from agents.deadletters.values import short_type

T = TypeVar("T")
ALGORITHM = 6
# Of a longer chain, or of more frames, the others say nothing new.
MOST_RAISED, MOST_FRAMES = 8, 12
DIGEST = 24
TITLE = 500
# Of a message that is compared with others, more tells than of one that must be the same.
COMPARED = 900
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


def tell(died: Died, values: Sequence[str] = ()) -> Told:
    """What of a death can be like another one. `values` are those that the message carried which was worked on: where
    they stand in what was said, they say nothing of the cause."""
    found = read(died.traceback, died.who, died.message) if died.traceback else Read()
    grouped = _grouped(found.raised)
    said = _said_of(found, died, values)
    calls = at_home(_frames(found), newest_last=found.newest_last, grouped=grouped)
    last = said[-1 if found.newest_last and not grouped else 0].type if said else ""
    where = (calls if grouped else calls[:1]) or ("", *sorted({each.type for each in said}))
    if found.panicked_in:
        where = (found.panicked_in,)
    digest = hashlib.sha256(msgspec.json.encode((died.who, died.reason, last, where))).hexdigest()
    vague = bool(found.panicked_in) and calls == (found.panicked_in,)
    return Told(digest[:DIGEST], said, calls, grouped, found.called(), vague)


def is_current(fingerprint: str) -> bool:
    """Was it formed as fingerprints are formed now?"""
    return fingerprint.startswith(f"{ALGORITHM}.")


def is_same_said(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Of two failures of which nothing is known but what they said, (type, message): are they the same? Who tells types
    names their modules or does not."""
    (first, said), (second, told) = one, other
    name = short_type(first)
    return name == short_type(second) and normalised(said, name) == normalised(told, name)


def _raised(found: Read, died: Died) -> tuple[Raised, ...]:
    """The chain of the traceback, or what the death says of itself where there is none."""
    plain = [Raised(each.type, _plain(each, causes, own)) for each, causes, own in _chain(found, died)]
    distinct = list(dict.fromkeys(plain))
    if _grouped(distinct):
        # What fails side by side fails in any order.
        distinct = sorted(distinct, key=lambda each: (not each.type.endswith(GROUPS), each))
    return tuple(_kept(distinct, found))


def _said_of(found: Read, died: Died, values: Sequence[str]) -> tuple[Said, ...]:
    without = carrying.without(values)
    said = [
        Said(
            each.type,
            _plain(each._replace(message=without(each.message)), [*map(without, causes)], own, COMPARED),
            own,
        )
        for each, causes, own in _chain(found, died)
    ]
    return tuple(_kept(sorted(set(said)) if _grouped(found.raised) else list(dict.fromkeys(said)), found))


def _kept(distinct: list[T], found: Read) -> list[T]:
    from_end = found.newest_last and not _grouped(found.raised)
    return distinct[-MOST_RAISED:] if from_end else distinct[:MOST_RAISED]


def _chain(found: Read, died: Died) -> list[tuple[Raised, list[str], bool]]:
    """Each exception with what the others said, and whether the application raised it."""
    chain = [each for each in enumerate(found.raised) if each[1].type not in WRAPPERS]
    said = [(each, found.is_own(at)) for at, each in chain or enumerate(found.raised)]
    if not said and (died.type or died.message):
        said = [(Raised(short_type(died.type), died.message), True)]
    said = [(_named_by_system(each), own) for each, own in said]
    messages = list(dict.fromkeys(each.message.strip() for each, _ in said))
    messages = messages[:MOST_RAISED] + messages[-MOST_RAISED:]
    full = [(each._replace(message=_said(each, died)), own) for each, own in said]
    return [(each, [one for one in messages if one != each.message.strip()], own) for each, own in full]


def _named_by_system(raised: Raised) -> Raised:
    message = systems.named(raised.message)
    return Raised(systems.type_of(raised.type, message), message)


def _plain(raised: Raised, causes: Sequence[str], own: bool, kept: int = KEPT) -> str:
    meant = versions.meant(raised.type, raised.message, own=own)
    if meant is not None:
        return meant
    return normalised(versions.without_causes(raised.message, causes), raised.type, kept)


def _said(raised: Raised, died: Died) -> str:
    """A traceback may name the exception alone, where the death says what it said."""
    return raised.message or (systems.named(died.message) if raised.type == short_type(died.type) else "")


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
