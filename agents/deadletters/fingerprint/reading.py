"""A traceback of any language as exceptions and frames: Python (chained and grouped), JavaScript, Java and its kin,
.NET, Go, Ruby, PHP, Elixir, Rust. What cannot be read is passed over: then the message speaks alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from agents.deadletters.fingerprint import frames as calls
from agents.deadletters.fingerprint import libraries, systems
from agents.deadletters.fingerprint.frames import Frame

# The beginning and the end say it; between them is what called itself too often.
LONGEST = 24_000
MESSAGE = 2_000


class Raised(NamedTuple):
    """An exception: its type without module, and what it said."""

    type: str
    message: str


@dataclass(slots=True)
class Read:
    """What a traceback says, in its own order. `newest_last`: the call that failed comes last, as in Python."""

    raised: list[Raised] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    newest_last: bool = False
    # Of each exception, how many frames stand before it: so its innermost call is known.
    before: list[int] = field(default_factory=list)
    # The application's file that a panic of Rust names itself, with or without the calls that led there.
    panicked_in: str = ""

    def is_own(self, at: int) -> bool:
        """Did the application raise it? Where no call is told, it is taken for that."""
        place = self.before[at] - 1 if self.newest_last else self.before[at]
        return self.frames[place].own if 0 <= place < len(self.frames) else True

    def called(self) -> str:
        """What the application called of a library when it failed: the names that it calls by, a library keeps."""
        # A line of source below a call of Python may look like one of Elixir.
        way = [frame for frame in self.frames if frame.file] if self.newest_last else self.frames[::-1]
        last = max((at for at, frame in enumerate(way) if frame.own), default=len(way))
        return way[last + 1].function if last + 1 < len(way) else ""


_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_RUBY_SAID = re.compile(r"(?P<message>.*) \((?P<type>[A-Z][\w:]*)\)$")
_RUST_PANIC = re.compile(
    r"thread '.*?' (?:\(\d+\) )?panicked at (?:'(?P<message>.*)', )?(?P<file>\S.*?):\d+:\d+:?$"
)
_ELIXIR_RAISED = re.compile(r"\s*\*\* \((?P<type>[\w.:]+)(?: from [^)]*)?\) (?P<message>.*)$")
_EDGE = re.compile(r"\s*\+[-+]")
_BAR = re.compile(r"\s*[|] ?")
_LEAD = re.compile(
    r"(?P<lead>\s*(?:Caused by: |Wrapped by: |\[cause\]: |\[errors\]: \[?|-+> |\(Inner Exception #\d+\) |"
    r"Exception in thread \"[^\"]*\" |Uncaught |Unhandled [Ee]xception\. |Unhandled exception: |"
    r"(?:PHP )?Fatal error:\s+Uncaught |Next |Error: Uncaught )+)?"
    r"(?P<type>[A-Za-z_$][\w$]*(?:(?:\.|::|\\|\+|/"
    r"|\.<locals>\.)[\w$]+)*)(?:`\d+(?:\[.*?\])?)?(?: \[(?P<code>[\w-]+)\])?"
    r"(?: \((?:0x[0-9A-Fa-f]+|(?P<number>\d+))\))?(?::(?: (?P<message>.*))?)?$"
)
_NET_INNER = re.compile(r" -+> (?=(?:\(Inner Exception #\d+\) )?[\w.]+(?:Exception|Error)\b)")
_PANIC = re.compile(r"\s*(?P<type>panic|fatal error): (?P<message>.*)$")
_CUT_OFF = re.compile(
    r" in /?\S.*\.(?:php|phtml|inc)(?:\(\d+\) : [\w()' ]+)?:\d+$| \[recovered.*$| \{$|<---.*$"
    r"|\. Did you (?:mean|forget)[: ].*\?$"
)
_SUPPRESSED = re.compile(r"(?P<margin>\s+)Suppressed: ")
_GOROUTINE = re.compile(r"goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[(?P<doing>[^\]]*)\]:")
_CAUSES = re.compile(r"\s*Caused by:$")
_CAUSE = re.compile(r"\s+(?:\d+: )?(?P<message>\S.*)$")
_STACK = re.compile(r"\s*stack backtrace:$", re.IGNORECASE)
_FAILING = re.compile(
    r"(?:Error|Exception|Failure|Fault|Timeout|Interrupt|Exit|Warning|Group|Rejected|Denied)$"
)
_AROUND = (
    *("...", "---", "goroutine ", "created by", "Stack trace:", "stack backtrace:", "Stack backtrace:"),
    *("stacktrace:", "thrown in ", "note: ", "exit status ", "[Previous line repeated", "During handling of"),
    *("The above exception was", "Node.js v", '"""', "[stacktrace]", "[CIRCULAR REFERENCE", "[signal "),
)
_SMALL_TYPES = frozenset({"timeout", "error", "gaierror", "herror", "ssl_error"})
_NO_TYPES = libraries.words(
    "DETAIL HINT CONTEXT LINE Traceback Note NOTE Hint Details Detail Where Position See Stack Url URL"
    " INFO WARNING"
    " WARN DEBUG"
)


def read(traceback: str, who: str = "", message: str = "") -> Read:
    """Pure. A package that is called as the agent is its own, also where it is installed among libraries. `message` is
    what the failure said: a traceback may begin with that and nothing else."""
    if len(traceback) > LONGEST:
        traceback = f"{traceback[: LONGEST // 2]}\n{traceback[-LONGEST // 2 :]}"
    lines = [line.rstrip() for line in _COLOUR.sub("", traceback).splitlines()]
    first = message.partition("\n")[0].rstrip()
    if lines and first and lines[0] == first:
        lines[0] = ""
    reader = _Reader()
    for line in lines:
        reader.take(line)
    found = reader.found
    if found.panicked_in and not found.frames:
        found.frames.append(Frame("", found.panicked_in, own=True))
    found.frames = _adopted([_at_home(frame, who) for frame in found.frames], newest_last=found.newest_last)
    return found


def _at_home(frame: Frame, who: str) -> Frame:
    return (
        frame._replace(own=True)
        if not frame.own and frame.path and libraries.is_of(frame.path, who)
        else frame
    )


def _adopted(frames: Sequence[Frame], *, newest_last: bool) -> list[Frame]:
    """Where all lies among libraries, so does the application: it is what our library, or another one that runs tasks,
    calls."""
    if any(frame.own for frame in frames):
        return list(frames)
    way = list(frames) if newest_last else list(reversed(frames))
    last = max((at for at, frame in enumerate(way) if libraries.calls_applications(frame.path)), default=None)
    called = (libraries.package_of(frame.path) for frame in way[last + 1 :]) if last is not None else iter(())
    home = next(filter(None, called), "")
    return [
        frame._replace(own=True) if home and libraries.package_of(frame.path) == home else frame
        for frame in frames
    ]


class _Reader:
    """Line by line. `_fresh`: the next line may name an exception; else what stands at its beginning is a message."""

    def __init__(self) -> None:
        self.found = Read()
        self._fresh = True
        # After an empty line only what is plainly an exception is one: messages have empty lines too.
        self._plainly = False
        self._before = ""
        # The margin of an exception that was put aside: it says how tidying up failed too, and not always.
        self._aside = ""
        self._goroutines = 0
        self._numbered = self._causes = False

    def take(self, line: str) -> None:
        if _EDGE.match(line):
            self._fresh, self._plainly = True, False
        elif not line:
            self._plainly, self._causes = True, False
            self._fresh = self._fresh or not self.found.newest_last
        elif not self._passes_over(line):
            self._read(line)
        self._before = line

    def _read(self, line: str) -> None:
        if line.lstrip().startswith("|"):
            line = _BAR.sub("", line, count=1)
        if "Traceback (most recent call last)" in line:
            self._fresh, self._plainly, self.found.newest_last = True, False, True
        elif self._frame(line):
            self._fresh, self._plainly = True, False
        elif not self._names(line) and not self._fresh and self._goes_on(line):
            last = self.found.raised[-1]
            self.found.raised[-1] = Raised(last.type, f"{last.message}\n{line}"[:MESSAGE])

    def _passes_over(self, line: str) -> bool:
        """What belongs to another thread, or was put aside."""
        if self._aside and line.startswith(self._aside):
            return True
        match = _SUPPRESSED.match(line)
        self._aside = match["margin"] if match else ""
        if goroutine := _GOROUTINE.match(line):
            self._goroutines += 1
            self._fresh = False
            return bool(goroutine)
        return bool(match) or self._goroutines > 1

    def _goes_on(self, line: str) -> bool:
        """The message of the exception has more lines than one; what stands around tracebacks is no message."""
        return bool(self.found.raised) and not self._goroutines and not line.lstrip().startswith(_AROUND)

    def _frame(self, line: str) -> bool:
        """Is the line a call? Then it is noted, where it says whose."""
        if _STACK.match(line):
            self._numbered = True
            return True
        if file := calls.is_rust_file(line):
            # Rust says the file of a call below it.
            if self.found.frames and libraries.is_library_file(file, "rust"):
                self.found.frames[-1] = self.found.frames[-1]._replace(own=False)
            return True
        numbered = calls.of_rust(line) if self._numbered else None
        frame = numbered or calls.read(line) or calls.of_go(self._before, line)
        if frame and calls.is_go_panic(self._before):
            # Above it stands who tidied up afterwards.
            self.found.frames.clear()
            self.found.before = [0] * len(self.found.before)
            return True
        if frame:
            self.found.newest_last |= line.lstrip().startswith('File "')
            self.found.frames.append(frame)
            self._ruby(calls.said_by_ruby(line))
        return bool(frame) or calls.is_any(line)

    def _ruby(self, said: str) -> None:
        if match := _RUBY_SAID.match(said):
            self._raise(match["type"], match["message"])
            self.found.before[-1] -= 1

    def _names(self, line: str) -> bool:
        """Does the line name an exception? Then it is noted."""
        if self._names_of_system(line) or self._names_cause(line):
            return True
        first, *inner = _NET_INNER.split(line)
        match = _LEAD.match(first)
        found = bool(match and (self._fresh or match["lead"]) and self._is_type(match))
        if found and match:
            self._raise(*_several_as_one(match["type"], _numbered(match)))
        return sum(self._names(f"---> {each}") for each in inner) > 0 or found

    def _names_of_system(self, line: str) -> bool:
        """As Go, Rust and Elixir say it."""
        if match := _PANIC.match(line) or _ELIXIR_RAISED.match(line):
            return self._raise(match["type"], match["message"])
        if match := _RUST_PANIC.match(line):
            self._raise("panic", match["message"] or "")
            self.found.panicked_in = calls.of_rust_panic(match["file"])
            self._fresh = bool(match["message"])
            return True
        return False

    def _names_cause(self, line: str) -> bool:
        """Rust's causes have no types, and stand below each other."""
        if _CAUSES.match(line):
            self._causes = True
            return True
        match = _CAUSE.match(line) if self._causes else None
        return bool(match) and self._raise("", match["message"] if match else "")

    def _is_type(self, match: re.Match[str]) -> bool:
        name = _last(match["type"])
        if name in _NO_TYPES or (not match["lead"] and match.string.startswith((" ", "\t"))):
            return False
        if self._plainly and self.found.raised and not match["lead"] and not _FAILING.search(name):
            return False
        return name[:1].isupper() or (name != match["type"] and name in _SMALL_TYPES)

    def _raise(self, type_: str, message: str) -> bool:
        self.found.before.append(len(self.found.frames))
        self.found.raised.append(Raised(_last(type_), _CUT_OFF.sub("", message)[:MESSAGE]))
        self._fresh = self._plainly = False
        return True


def _several_as_one(type_: str, said: str) -> tuple[str, str]:
    """Where Node tries several addresses of a host, and all fail alike, it is what fails with one address."""
    return (
        ("Error", f"connect {said} <host>")
        if type_ == "AggregateError" and said in systems.KINDS
        else (type_, said)
    )


def _numbered(match: re.Match[str]) -> str:
    """What an exception says, with the number or code that stands beside its type where that says why."""
    said = match["message"] or ""
    if match["number"] and systems.is_known(match["number"]):
        return f"[Errno {match['number']}] {said}"
    return said or match["code"] or ""


def _last(type_: str) -> str:
    return re.split(r"\.|::|\\|\+|/", type_)[-1]
