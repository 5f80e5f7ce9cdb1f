"""A line of a traceback as a call: its file's name and its function as they are written in the source, whatever
compilers, bundlers and machines make of them; and whether it is the application's own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agents.deadletters.fingerprint import libraries

ANONYMOUS = "<anonymous>"


class Frame(NamedTuple):
    """A call: the file's name alone, the function's without what a compiler adds; `own`: of the application. `path` is
    where the file lies, as long as it may still tell whose it is."""

    file: str
    function: str
    own: bool
    path: str = ""


# ---- Which language --------------------------------------------------------------------------------------------
_PYTHON = re.compile(r'\s*File "(?P<file>[^"]+)", line \d+(?:, in (?P<function>.+))?$')
# .NET says `at`, `in` and `line` in the language of its system.
_AT = re.compile(
    r"\s*at (?P<what>\S.*)$"
    r"|\s+(?:bei|bij|\u00e0|en|em|in|w|v|ved|vid|\u0432|konum:|\u5728|\u573a\u6240|\u5834\u6240|\uc704\uce58:) "
    r"(?P<translated>[\w`<>$+|\[\],@=-]+(?:\.[\w`<>$+|\[\],@=-]+)+ ?\(.*\)(?: .*)?)$"
)
_RUBY = re.compile(
    r"\s*(?:\d+: )?(?:from )?(?P<file>(?:<internal:[^>]*>|.+?\.(?:rb|erb|ru|rake|haml|slim)"
    r"|\S*/s?bin/[^/\s:]+)):\d+:in "
    r"[`'](?P<function>[^']+)'(?:: (?P<said>.+))?$"
)
_PHP = re.compile(
    r"\s*#\d+ (?:(?P<file>.+?\.(?:php|phtml|inc|phar\S*?))(?:\(\d+\))?\(\d+\)"
    r"|(?P<inside>\[internal function\])|\{main\}$)(?:: (?P<function>[^(]+|\{closure.*?\})\(?.*)?$"
)
_ELIXIR = re.compile(
    r"\s+(?:\((?P<app>\w+)(?: [^()]*)?\) )?(?P<file>[^\s:]+\.(?:exs?|erl|h?eex|leex"
    r"|yrl)):\d+: (?P<function>\S.*)$"
)
_BEAM = re.compile(r"\s+(?:\(\w+(?: [^()]*)?\) )?:?(?:[\w]+\.)+[\w?!-]+(?:/\d+|\(.*\))$")
_RUST = re.compile(r"\s*\d+:\s+(?:0x[0-9a-f]+ - )?(?P<function>[\w<&*(\[][^\"'`]*)$")
_GO_FILE = re.compile(r"\s+(?P<file>\S.*?\.(?:go|s)):\d+(?: \+0x[0-9a-f]+)?$")
_GO_CALL = re.compile(r"(?P<function>[\w./\-*()\[\]…~%@]+?)(?:\((?:[^()]|\([^()]*\))*\)| )?$")
GO_STARTED = "created by "
_GO_PANIC = re.compile(r"(?:runtime\.)?(?:go)?panic(?:mem|divide|Index|Slice\w*|nil)?\(")

_JVM = re.compile(
    r"(?:[\w.-]*(?:@[\w.+-]+)?/{1,2})?(?P<function>[\w$.<>/`-]+)\((?P<file>[\w$-]+\.(?:java|kt|kts"
    r"|scala|groovy|clj|cljc)"
    r"(?::-?\d+)?|Native Method|Unknown Source|<generated>|NO_SOURCE_FILE(?::\d+)?)\)"
)
# A folder's module: every folder may have one.
_RUST_MODULES = frozenset({"mod.rs", "lib.rs", "main.rs"})
_RUST_FILE = re.compile(r"(?P<file>\S.*?\.rs):\d+(?::\d+)?$")
_JAVASCRIPT = re.compile(
    r"(?:async )?(?:(?P<function>(?![A-Za-z]:[\\/]|/|\w+:/)\S.*?) \((?P<file>.+?):\d+(?::\d+)?\)"
    r"|(?P<bare>[^()]*\S):\d+:\d+)$"
)
_JAVASCRIPT_INSIDE = re.compile(r"\((?:<anonymous>|native|index \d+|eval at .*)\)$|^<anonymous>$|^eval \(")
_NET = re.compile(
    r"(?:async )?(?P<function>[\w.`<>$+|\[\],@=-]+) ?(?:\((?P<given>.*?)\))?"
    r"(?: \[0x[0-9a-f]+\])?(?: \S{1,8} .+?:(?:[^\W\d_]{1,8})? ?\d+\.?| in <.*>:0)?$"
)
_LINE = re.compile(r":[^\W\d_]{1,8}\.? ?\d+\.?$")


def read(line: str) -> Frame | None:  # noqa: PLR0911 - one way out for each language
    """The call that the line is, if it is one by itself."""
    if match := _PYTHON.match(line):
        return _python(match["file"], match["function"] or "<module>")
    if match := _AT.match(line):
        return _at((match["what"] or match["translated"]).removesuffix(" {").rstrip())
    if match := _RUBY.match(line):
        return _ruby(match["file"], match["function"])
    if match := _PHP.match(line):
        return _php(match["file"] or match["inside"] or "", match["function"] or "")
    if match := _ELIXIR.match(line):
        return _elixir(match["app"] or "", match["file"], match["function"])
    if _BEAM.match(line):
        return Frame("", line.strip(), False)
    return None


def is_any(line: str) -> bool:
    """Does the line say a call, though none of an application, so that it is no message?"""
    return bool(_AT.match(line))


def said_by_ruby(line: str) -> str:
    """Ruby says the exception behind the call that raised it."""
    match = _RUBY.match(line)
    return (match["said"] or "") if match else ""


def of_rust(line: str) -> Frame | None:
    """A numbered line of a Rust backtrace."""
    match = _RUST.match(line)
    return _rust(match["function"]) if match else None


def of_go(before: str, line: str) -> Frame | None:
    """Go says the file below the call. Who started a goroutine is not on the way."""
    match, call = _GO_FILE.match(line), _GO_CALL.match(before.strip())
    if not match or not call or before.startswith(GO_STARTED):
        return None
    return _go(match["file"], call["function"])


def is_go_panic(call: str) -> bool:
    """Where Go begins to unwind: what it calls from there on is deferred."""
    return bool(_GO_PANIC.match(call))


def is_rust_file(line: str) -> str:
    """The file that Rust says below a call."""
    match = _AT.match(line)
    found = _RUST_FILE.match(match["what"] or "") if match else None
    return found["file"] if found else ""


def of_rust_panic(file: str) -> str:
    """The application's file that a panic happened in; empty: it is a library's."""
    parts = libraries.slashed(file).split("/")
    if libraries.is_library_file(file, "rust"):
        return ""
    return "/".join(parts[-2:] if parts[-1] in _RUST_MODULES else parts[-1:])


def _at(what: str) -> Frame | None:
    """JavaScript, Java and .NET all begin their frames alike."""
    if match := _JVM.match(what):
        return _jvm(match["function"], match["file"])
    if _LINE.search(what) and (match := _NET.match(what)):
        return _net(match["function"])
    if match := _JAVASCRIPT.match(what):
        return _javascript(match["file"] or match["bare"], match["function"] or "")
    if _JAVASCRIPT_INSIDE.search(what):
        return Frame("", what, False)
    match = _NET.match(what)
    return _net(match["function"]) if match and "." in match["function"] else None


# ---- Python ----------------------------------------------------------------------------------------------------
# They have no frame of their own from 3.12 on.
_COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
_IN_CELL = re.compile(r"^(?:\d+|<ipython-input.*>|Cell In\[\d+\])$")


def _python(file: str, function: str) -> Frame:
    own = not libraries.is_library_file(file, "python") and function not in _COMPREHENSIONS
    name = _base(file)
    return Frame(
        "<cell>" if _IN_CELL.match(name) else name, function.rpartition(".")[2] or function, own, file
    )


# ---- JavaScript ------------------------------------------------------------------------------------------------
_ALIAS = re.compile(r" \[as (?P<alias>[^\]]+)\]$")
_RECEIVERS = re.compile(
    r"^(?:(?:async|new|get|set|static|Object|Function|Module|module|exports|default|global|globalThis"
    r"|window|process|self"
    r"|_?this|Proxy|AsyncFunction|Generator|AsyncGenerator|Promise|Timeout|Immediate|Server"
    r"|__webpack_\w+__)(?:[. ]|$))+"
)
# What takes the place of `async` in older dialects.
_STEPS = re.compile(
    r"^(?:__awaiter|__generator|fulfilled|rejected|asyncGeneratorStep|_asyncToGenerator|_next|_throw"
    r"|_callee\d*\$?|tryCatch"
    r"|__webpack_require__|__require|runMicrotasks|processTicksAndRejections|Generator(?:\.next)?|_loop)$"
)
_SHORTENED = re.compile(r"^(?:[a-zA-Z_$]{1,2}\d?|_0x[0-9a-f]+)$")
_QUERY = re.compile(r"\?.*$")
_HASHED = re.compile(
    r"[.~-](?:(?=[0-9a-zA-Z_]*\d)[0-9a-zA-Z_]{6,}|(?=[\w-]*[A-Z][\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{8})(?=\.|$)"
)
_ENDING = re.compile(r"(?:\.(?:min|bundle|chunk|prod|esm|cjs|umd))*\.(?:[cm]?[jt]sx?|vue|svelte|astro)$")
# Every file may have one of these, so that it takes the file to tell them apart.
_SAYS_LITTLE = libraries.words(
    "call default execute handle handler init invoke main next perform process run start work"
) | {ANONYMOUS}


def _javascript(file: str, function: str) -> Frame:
    raw = _javascript_function(function)
    own = not libraries.is_library_file(file.removeprefix("file://"), "javascript") and not _STEPS.match(raw)
    name = _QUERY.sub("", file).replace("\\", "/").rpartition("/")[2]
    # `report.4f3a2b1c.js`, `report-BsX2k1Lp.js`: one file, built twice.
    name = _ENDING.sub("", _HASHED.sub("", _ENDING.sub("", name)))
    if raw not in _SAYS_LITTLE:
        # Which file a function ends up in is a matter of how it was bundled; its name stays.
        name = ""
    return Frame("<chunk>" if name.isdigit() else name, raw, own, file)


def _javascript_function(function: str) -> str:
    alias = _ALIAS.search(function)
    text = _ALIAS.sub("", function)
    parts = [part.lstrip("_") for part in _RECEIVERS.sub("", text).split(".") if part and "/" not in part]
    if alias and (not parts or _SHORTENED.match(parts[-1])):
        parts = [alias["alias"]]
    if not parts or _SHORTENED.match(parts[-1]) or parts[-1] in {ANONYMOUS, "eval", "js", "ts"}:
        return ANONYMOUS
    return ".".join(part for part in parts[-2:] if not _SHORTENED.match(part))


# ---- Java, Kotlin, Scala, Groovy, Clojure ----------------------------------------------------------------------
# Classes that are made while the program runs: they stand between two calls of the source, on some machines.
_MADE = re.compile(
    r"\$\$(?:Lambda|FastClass|Enhancer|SpringCGLIB|FastClassBy)|\$Proxy\d*|_\$\$_|\$_\$\$"
    r"|_(?:ClientProxy|Subclass|Bean)\."
    r"|\$(?:ByteBuddy|HibernateProxy|MockitoMock|auxiliary|accessor)\$|Generated(?:Method|Constructor"
    r"|Serialization)\w*Accessor"
    r"|LambdaForm|\.access\$\d+$|lambda\$null\$|\$\$YJP|DirectMethodHandle|\$_jvst"
)
_SCALA = re.compile(r"\$\$anonfun\$(\w+)(?:\$\d+)*\.\w+$|\$?\.\$anonfun\$(\w+)\$\d+(?:\$adapted)?$")
_LAMBDA = re.compile(r"lambda\$(\w+?)\$[\w$]+$")
_KOTLIN = re.compile(r"\$(\w+?)(?:\$\d+|\$lambda[$-]\d+|\$inlined\$[\w$]+)+(?:\.\w+)$")
_KOTLIN_TAIL = re.compile(
    r"(?:\$(?:lambda|default|suspendImpl|\w+_(?:release|debug))(?:[$-]\d+)*|-(?:impl|[\w-]{7}))+$"
    r"|(?<=\w)\$app$"
)
_GROOVY = re.compile(r"\$_(\w+?)_closure\d+(?:\$\w+)*\.\w+$")
_CLOJURE = re.compile(
    r"\$(\w+?)(?:\$fn__\d+|__\d+|\$\w+__\d+)*\.(?:invoke|invokeStatic|doInvoke|applyTo|call|run)$"
)
_NUMBERED = re.compile(r"(?:\$\d+)+(?=[.$]|$)|\$(?=\.|$)")
_CLOJURES = (".clj", ".cljc", "NO_SOURCE_FILE")


def _jvm(function: str, file: str) -> Frame:
    name = function.rpartition("/")[2]
    own = not _MADE.search(function) and file != "<generated>" and not libraries.is_library_call(name, "jvm")
    if file.partition(":")[0].endswith(_CLOJURES):
        name = _CLOJURE.sub(r".\1", name)
    name = _SCALA.sub(lambda found: "." + str(found[1] or found[2]), name)
    name = _GROOVY.sub(r".\1", _KOTLIN.sub(r".\1", _LAMBDA.sub(r"\1", name)))
    return Frame("", _NUMBERED.sub("", _KOTLIN_TAIL.sub("", name)), own)


# ---- .NET ------------------------------------------------------------------------------------------------------
# `<Handle>d__4.MoveNext`, `<>c__DisplayClass7_0.<Sum>b__1`, `<Sum>g__Parse|4_0`: what was written is within.
_STATE = re.compile(r"(?:`\d+)?(?:\[[\w.,`\[\]&*+ ]*\])?")
_LOCAL = re.compile(r"<+(?P<outer>[\w$.]+)>+g__(?P<inner>\w+)\|[\d_]+(?:>d)?(?:__\d+)?")
_WITHIN = re.compile(r"<+(?P<name>[\w$.]+|\w*Main>\$)>+(?:[a-z]{1,2}(?:__[\d_]+)?)?(?:>d(?:__\d+)?)?")
_CLOSURE = re.compile(r"<>[cf](?:__\w+)?")


def _net(function: str) -> Frame:
    name = _STATE.sub("", function).replace("+", ".").replace("<Main>$", "Main")
    name = _CLOSURE.sub("", name)
    name = _LOCAL.sub(r"\g<outer>.\g<inner>", name)
    name = (
        _WITHIN.sub(lambda found: found["name"], name)
        .removesuffix(".MoveNext")
        .removesuffix(".MoveNextAsync")
    )
    name = re.sub(r"\.{2,}(?!c?ctor)", ".", name).strip(".")
    return Frame("", name, not libraries.is_library_call(name, "net"))


# ---- Go --------------------------------------------------------------------------------------------------------
_GO_CLOSURE = re.compile(
    r"(?:\.func\d+|\.gowrap\d+|\.deferwrap\d+|\.\d+|-fm|-range\d+)+$|\.init\.\d+(?=\.|$)"
)
_GO_GENERIC = re.compile(r"\[[^\]]*\]+")
_GO_RECEIVER = re.compile(r"\(\*?([\w.]+)\)")


def _go(file: str, function: str) -> Frame:
    name = _GO_RECEIVER.sub(r"\1", _GO_GENERIC.sub("", function.strip()))
    own = not _is_go_standard(name, file) and not libraries.is_library_file(file, "go")
    # A module's major version, and the folder of dependencies, are no part of a name.
    name = _GO_CLOSURE.sub("", re.sub(r"/v\d+(?=[./])", "", name.rpartition("/vendor/")[2])).replace(
        "glob..", "glob"
    )
    return Frame(_base(file), name, own, file)


def _is_go_standard(function: str, file: str) -> bool:
    if "." not in function:
        return True
    folder, slash, rest = function.rpartition("/")
    package = f"{folder}{slash}{rest.partition('.')[0]}"
    lies = f"/{file.rpartition('/')[0]}/"
    return libraries.is_library_call(function, "go") and (
        f"/src/{package}/" in lies or lies == f"/{package}/" or "/go" in lies
    )


# ---- Ruby, PHP, Elixir, Rust -----------------------------------------------------------------------------------
_RUBY_BLOCK = re.compile(r"^(?:(?:block(?: \(\d+ levels\))?|rescue|ensure|rescue in block) in )+")
_PHP_CLOSURE = re.compile(r"\{closure(?::[^}]*)?\}.*$")
_PHP_NAMELESS = re.compile(r"@anonymous.*?(?=->|::|$)")
_ELIXIR_WITHIN = re.compile(r"^(?:anonymous )?fn(?:/\d+)? in ")
_ELIXIR_MADE = re.compile(r"[\"]?-(?P<name>[^/]+)/(?P<arity>\d+)-(?:fun|[\w^/]+)[\w^/-]*-?[\"]?(?:/\d+)?$")
_RUST_TRAIT = re.compile(r"^<(?P<type>.+?) as .+>::")
# Glue that the compiler writes: of generics, whose types it does not say, and of derived traits.
_RUST_GLUE = re.compile(r"<&?(?:mut )?[A-Z]\d? as |<[^<>]* as (?:core|std|alloc)::|.*::_::<impl ")
_RUST_GENERIC = re.compile(r"(?:::)?<[^<>]*>")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUST_CLOSURE = re.compile(r"(?:::\{\{?(?:closure|async_\w+|impl|constant|shim)[^}]*\}?\})+(?:#\d+)?")


def _ruby(file: str, function: str) -> Frame:
    """Classes stand before a method from 3.4 on."""
    bare = _RUBY_BLOCK.sub("", function)
    if not bare.startswith("<"):
        bare = re.split(r"[#.]", bare)[-1] or bare
    return Frame(_base(file), bare, not libraries.is_library_file(file, "ruby"), file)


def _php(file: str, function: str) -> Frame:
    name = _PHP_NAMELESS.sub("@anonymous", _PHP_CLOSURE.sub("{closure}", function.strip()))
    return Frame(_base(file), name, bool(file) and not libraries.is_library_file(file, "php"), file)


def _elixir(application: str, file: str, function: str) -> Frame:
    name = _ELIXIR_WITHIN.sub("", function.strip())
    name = _ELIXIR_MADE.sub(r"\g<name>/\g<arity>", name)
    own = (
        not libraries.is_library_application(application) and "deps/" not in file and not name.startswith(":")
    )
    return Frame(_base(file), name, own, file)


def _rust(function: str) -> Frame:
    name = _RUST_HASH.sub("", function.strip())
    if _RUST_GLUE.match(name):
        return Frame("", name, False)
    own = not libraries.is_library_call(name, "rust")
    name = _RUST_CLOSURE.sub("", _RUST_TRAIT.sub(r"\g<type>::", name))
    while (shorter := _RUST_GENERIC.sub("", name)) != name:
        name = shorter
    return Frame("", re.sub(r"\[[0-9a-f]{16}\]", "", name), own and "::" in name)


def _base(file: str) -> str:
    """The file's name without its ending: folders differ from host to host."""
    name = libraries.slashed(file).rpartition("/")[2]
    return name.rpartition(".")[0] or name
