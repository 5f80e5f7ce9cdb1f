"""A traceback of any language as exceptions and frames: Python (chained and grouped), JavaScript, Java and Kotlin,
.NET, Go, Ruby, PHP, Rust. What cannot be read is passed over: then the message speaks alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

# The beginning and the end say it; between them is what called itself too often.
LONGEST = 24_000
MESSAGE = 2_000


class Raised(NamedTuple):
    """An exception: its type without module, and what it said."""

    type: str
    message: str


class Frame(NamedTuple):
    """A call: the file's name alone, the function's without what a compiler adds; `own`: of the application."""

    file: str
    function: str
    own: bool


@dataclass(slots=True)
class Read:
    """What a traceback says, in its own order. `newest_last`: the call that failed comes last, as in Python."""

    raised: list[Raised] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    newest_last: bool = False


_PYTHON = re.compile(r'\s*File "(?P<file>[^"]+)", line \d+(?:, in (?P<function>.+))?$')
_AT = re.compile(r"\s*at (?P<what>\S.*)$")
_AT_FILE = re.compile(r"(?:async )?(?:new )?(?:(?P<function>[^()]*?) ?\()?(?P<file>[^()]+?):\d+(?::\d+)?\)?$")
_AT_JAVA = re.compile(
    r"(?:[\w.-]+(?:@[\w.-]+)?/{1,2})?(?P<function>[\w$.<>/]+)\((?P<file>[\w$]+\.(?:java|kt|scala|groovy|clj)(?::\d+)?|"
    r"Native Method|Unknown Source|<generated>)\)"
)
_AT_NET = re.compile(r"(?P<function>[\w.`<>$+|\[\],]+)(?:\(.*?\))?(?: in (?P<file>.+?):(?:line )?\d+)?$")
_GO_FILE = re.compile(r"\s+(?P<file>\S+\.go):\d+(?: \+0x[0-9a-f]+)?$")
_GO_CALL = re.compile(r"(?P<function>[\w./\-*()\[\]…]+?)\((?:[^()]|\([^()]*\))*\)$")
_RUBY = re.compile(
    r"\s*(?:\d+: )?(?:from )?(?P<file>[^\s:]+\.(?:rb|erb|ru)):\d+:in [`'](?P<function>[^']+)'(?:: (?P<said>.+))?$"
)
_RUBY_SAID = re.compile(r"(?P<message>.*) \((?P<type>[A-Z][\w:]*)\)$")
_PHP = re.compile(r"\s*#\d+ (?P<file>[^(]+\.php)\(\d+\): (?P<function>[\w\\:>-]+)")
_RUST = re.compile(r"\s+\d+:\s+(?:0x[0-9a-f]+ - )?(?P<function>[\w:<>{}$ ,&]+)$")
_RUST_PANIC = re.compile(
    r"thread '.*?' (?:\(\d+\) )?panicked at (?:'(?P<message>.*)', )?(?P<file>\S+?):\d+:\d+:?$"
)
_EDGE = re.compile(r"\s*\+[-+]")
_BAR = re.compile(r"\s*[|] ?")
_LEAD = re.compile(
    r"(?P<lead>\s*(?:Caused by: |Suppressed: |Wrapped by: |\[cause\]: |\[errors\]: \[?|-+> |\(Inner Exception #\d+\) |"
    r"Exception in thread \"[^\"]*\" |Uncaught |Unhandled [Ee]xception\. |Unhandled exception: |"
    r"PHP Fatal error:\s+Uncaught |Next |Error: Uncaught )+)?"
    r"(?P<type>[A-Za-z_$][\w$]*(?:(?:\.|::|\\|\+|/)[\w$]+)*)(?: \[(?P<code>[\w-]+)\])?(?: \(0x[0-9A-Fa-f]+\))?"
    r"(?::(?: (?P<message>.*))?)?$"
)
_NET_INNER = re.compile(r" -+> (?=[\w.]+(?:Exception|Error)\b)")
_PANIC = re.compile(r"(?P<type>panic|fatal error): (?P<message>.*)$")
_CUT_OFF = re.compile(r" in \S+\.php:\d+$| \[recovered\].*$| \{$")
_AROUND = (
    "...",
    "---",
    "goroutine ",
    "created by",
    "Stack trace:",
    "stack backtrace:",
    "stacktrace:",
    "thrown in ",
)
_SMALL_TYPES = frozenset({"timeout", "error", "gaierror", "herror", "ssl_error"})
_NO_TYPES = frozenset(
    {
        "DETAIL",
        "HINT",
        "CONTEXT",
        "LINE",
        "Traceback",
        "Note",
        "NOTE",
        "Hint",
        "Details",
        "See",
        "Stack",
        "Url",
        "URL",
    }
)
_LIBRARY_FILE = re.compile(
    r"site-packages|dist-packages|/lib/python\d|[\\/]Lib[\\/]|<frozen |<string>|<stdin>|\.zip/|\.egg/|/\.venv/|/venv/|"
    r"node_modules|"
    r"^(?:node|internal|bun):|\(?internal/|<anonymous>|^native$|webpack/(?:bootstrap|runtime)|"
    r"/go/pkg/mod/|/(?:usr/(?:local/)?)?(?:lib/)?go/(?:src|pkg)/|/vendor/|/\.cargo/registry/|/rustc/|/gems/|/ruby/\d|/pnpm/|\.pnpm|/_work/\d+/s/src/|/_/src/|\.yarn/|^runtime/|/usr/lib/"
)
_LIBRARY_CALL = re.compile(
    r"(?:javax?|jdk|sun|com\.sun|kotlinx?|scala|groovy|clojure|akka|reactor|rx|io\.(?:netty|reactivex|grpc|vertx|micrometer|"
    r"opentelemetry|lettuce|projectreactor|quarkus|smallrye|confluent)|org\.(?:apache|springframework|hibernate|eclipse|jboss|"
    r"postgresql|slf4j|junit|mockito|gradle|glassfish|codehaus|aspectj)|com\.(?:fasterxml|google|rabbitmq|zaxxer|mysql|mongodb|"
    r"amazonaws|squareup|netflix|oracle|microsoft|datastax)|okhttp3|retrofit2|redis\.clients|feign|ch\.qos|"
    r"System|Microsoft|Npgsql|RabbitMQ|MassTransit|Newtonsoft|StackExchange|Polly|Grpc|Dapper|MediatR|Azure|Amazon|NServiceBus|"
    r"MySql|MongoDB|Serilog|AutoMapper|Hangfire|Castle|Confluent|"
    r"runtime|net|net/http|database/sql|encoding|reflect|testing|bufio|io|os|sync|context|syscall|"
    r"std|core|alloc|tokio|hyper|futures|rust_begin_unwind|__rust_\w+|backtrace)(?:\.|::|/|$|\$)"
)
_COMPILED = re.compile(
    r"\$\$(?:Lambda|FastClass|Enhancer|SpringCGLIB|EnhancerBySpring)\w*(?:\$\$\w*)*(?:[$/.]?(?:0x)?[\da-f]+)*"
    r"|<>c(?:__DisplayClass[\d_]*)?|d__[\d_]+(?:`\d+)?|b__[\d_]+|g__|\|[\d_]+|\.MoveNext|\{\{closure\}\}|`\d+|\[T\]|h[0-9a-f]{16}|"
    r"\.func\d[\d.]*|-fm|\(\*|\)|\[\.\.\.\]|\d+"
)
_LAMBDA = re.compile(r"lambda\$(\w+?)\$")
_IN_ANGLES = re.compile(r"<(\w+)>")
_HASHED = re.compile(r"[.-](?=[0-9a-zA-Z_]*\d)[0-9a-zA-Z_]{6,}(?=\.)|\?.*$|\d+")


def read(traceback: str, who: str = "") -> Read:
    """Pure. A package that is called as the agent is its own, also where it is installed among libraries."""
    if len(traceback) > LONGEST:
        traceback = f"{traceback[: LONGEST // 2]}\n{traceback[-LONGEST // 2 :]}"
    reader = _Reader(who)
    for line in traceback.splitlines():
        reader.take(line.rstrip())
    return reader.found


class _Reader:
    """Line by line. `_fresh`: the next line may name an exception; else what stands at its beginning is a message."""

    def __init__(self, who: str) -> None:
        self.found = Read()
        self._home = f"-packages/{who.replace('-', '_')}/"
        self._fresh = True
        self._before = ""

    def take(self, line: str) -> None:
        if _EDGE.match(line) or not line:
            self._fresh = True
            return
        if line.lstrip().startswith("|"):
            line = _BAR.sub("", line, count=1)
        if "Traceback (most recent call last)" in line:
            self._fresh = self.found.newest_last = True
        elif frame := self._frame(line):
            self.found.frames.append(frame)
            self._fresh = True
        elif not self._names(line) and not self._fresh and self._goes_on(line):
            last = self.found.raised[-1]
            self.found.raised[-1] = Raised(last.type, f"{last.message}\n{line}"[:MESSAGE])
        self._before = line

    def _goes_on(self, line: str) -> bool:
        """The message of the exception has more lines than one; what stands around tracebacks is no message."""
        return bool(self.found.raised) and not line.lstrip().startswith(_AROUND)

    def _frame(self, line: str) -> Frame | None:  # noqa: PLR0911 - one way out for each language
        if match := _PYTHON.match(line):
            self.found.newest_last = True
            frame = _python(match)
            return frame._replace(own=True) if self._home in match["file"] else frame
        if match := _AT.match(line):
            return self._at(match["what"].removesuffix(" {"))
        if match := _GO_FILE.match(line):
            call = _GO_CALL.match(self._before)
            return _frame(match["file"], call["function"]) if call else None
        if match := _RUBY.match(line):
            self._ruby(match["said"] or "")
            return _frame(match["file"], match["function"])
        if match := _PHP.match(line):
            return _frame(match["file"], match["function"])
        if match := _RUST.match(line):
            return _frame("", match["function"].strip())
        return None

    def _at(self, what: str) -> Frame | None:
        if not what.partition(":")[0].endswith(".rs"):
            return _at(what)
        # Rust says the file of a call below it.
        call = self.found.frames.pop() if self.found.frames else Frame("", "", False)
        own = call.own and not _LIBRARY_FILE.search(what)
        return Frame(_base(what.partition(":")[0]), call.function, own)

    def _ruby(self, said: str) -> None:
        if match := _RUBY_SAID.match(said):
            self._raise(match["type"], match["message"])

    def _names(self, line: str) -> bool:
        """Does the line name an exception? Then it is noted."""
        if match := _PANIC.match(line):
            return self._raise(match["type"], match["message"])
        if match := _RUST_PANIC.match(line):
            self._raise("panic", match["message"] or "")
            self._fresh = bool(match["message"])
            return True
        first, *inner = _NET_INNER.split(line)
        match = _LEAD.match(first)
        found = bool(match and (self._fresh or match["lead"]) and self._is_type(match))
        if found and match:
            self._raise(match["type"], match["message"] or "")
        return sum(self._names(f"---> {each}") for each in inner) > 0 or found

    def _is_type(self, match: re.Match[str]) -> bool:
        name = _last(match["type"])
        if name in _NO_TYPES or (not match["lead"] and match.string.startswith((" ", "\t"))):
            return False
        return name[:1].isupper() or (name != match["type"] and name in _SMALL_TYPES)

    def _raise(self, type_: str, message: str) -> bool:
        self.found.raised.append(Raised(_last(type_), _CUT_OFF.sub("", message)[:MESSAGE]))
        self._fresh = False
        return True


def _python(match: re.Match[str]) -> Frame:
    return _frame(match["file"], match["function"] or "<module>", bare=True)


def _at(what: str) -> Frame | None:
    """JavaScript, Java and .NET all begin their frames alike."""
    if match := _AT_JAVA.match(what):
        return _frame("", match["function"])
    if match := _AT_FILE.match(what):
        if " in " in what and ":line " in what and (net := _AT_NET.match(what)):
            return _frame(net["file"] or "", net["function"])
        return _frame(match["file"], match["function"] or "", path=match["file"])
    if match := _AT_NET.match(what):
        return _frame(match["file"] or "", match["function"])
    return None


def _frame(file: str, function: str, *, bare: bool = False, path: str = "") -> Frame:
    own = not _LIBRARY_FILE.search(file) and not (not bare and not path and _LIBRARY_CALL.match(function))
    return Frame(_base(file), function if bare else _plain(function), own)


def _plain(function: str) -> str:
    """As it is written in the source: without what compilers and bundlers add."""
    text = _IN_ANGLES.sub(r"\1", _COMPILED.sub("", _LAMBDA.sub(r"\1", function)))
    text = text.removeprefix("async ").removeprefix("Object.").removeprefix("Function.")
    return text.strip(".$<>{}:") or "<anonymous>"


def _base(file: str) -> str:
    """The file's name: folders differ from host to host, numbers from build to build."""
    name = file.replace("\\", "/").rpartition("/")[2]
    name = _HASHED.sub("", name)
    return name.rpartition(".")[0] or name


def _last(type_: str) -> str:
    return re.split(r"\.|::|\\|\+|/", type_)[-1]
