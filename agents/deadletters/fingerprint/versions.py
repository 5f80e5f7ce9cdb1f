"""The same said by another version of a language, a driver or a library, in one way: what it names stays, how it
puts it goes. And what a parser or a network's library says in prose, as the few things that it can mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.deadletters.fingerprint import libraries

CAUSE, NOT_JSON = "<cause>", "this is not JSON"
# Shorter ones stand in sentences by chance.
_LEAST_CAUSE = 8
_SAID_OTHERWISE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), instead)
    for pattern, instead in (
        # The cause stands in the chain by itself.
        (r"; nested exception is [\s\S]*\Z", ""),
        (r"^For further information visit \S+$", ""),
        # Which driver it came through says nothing of why.
        (r"^\((?:\w+\.)+\w+\) <class '(?:\w+\.)*(\w+?)(?:Error)?'>:(?= )", r"(\1)"),
        (r"^\((?:\w+\.)+(\w+)\)(?= )", r"(\1)"),
        # C libraries word an error's number each in their own way.
        (r"\[Errno (-?\d+)\] [^:'\"(\[\n]*[^:'\"(\[\n ]", r"[Errno \1]"),
        (r" \(_ssl\.c:\d+\)", ""),
        # So do operating systems.
        (
            r"\bconnectex: No connection could be made because the target machine actively refused it\.?",
            "connect: connection refused",
        ),
        (
            r"No connection could be made because the target machine actively refused it\.?",
            "Connection refused",
        ),
        (r"An existing connection was forcibly closed by the remote host\.?", "Connection reset by peer"),
        (r"(Connection \w+) \(\1\)", r"\1"),
        (r"(Connection (?:refused|timed out|reset)): (?:connect|getsockopt|no further information)\b", r"\1"),
        (r"\bself signed certificate", "self-signed certificate"),
        (
            r"Name does not resolve|nodename nor servname provided, or not known|No such host is known\.?"
            r"|Name or service not known",
            "no such host",
        ),
        # What a provider counts, where it says that a limit was passed.
        (
            r"\b(?:(?:input|output|prompt|total) )?(?:tokens?|requests?) per (?:min(?:ute)?|day|second|hour)\b"
            r"(?: \((?:TPM|RPM|TPD|RPD)\))?",
            "a quantity in time",
        ),
        # Python
        (
            r"local variable '(\w+)' referenced before assignment"
            r"|cannot access local variable '(\w+)' where it is not associated with a value",
            r"local variable '\1\2' has no value",
        ),
        (r"<(?:\w+\.)*(\w+) object at 0x[0-9a-fA-F]+>", r"\1<data>"),
        # Java
        (r"^(Cannot .+) because \"?.*\"? is null$", r"\1"),
        (r"^(For input string: \".*\") under radix \d+$", r"\1"),
        (r"^Index: \d+, Size: \d+$|^Index \d+ out of bounds for length \d+$", "Index out of bounds"),
        # What of a date could not be read is a matter of what it says.
        (
            r"(Text '.{0,80}?' could not be parsed)(?:,? (?:unparsed text found )?at index \d+|: Invalid [^\n]*)",
            r"\1",
        ),
        # .NET
        (
            r" \(Parameter ['\"](\w+)['\"]\)|\r?\n(?:Parameter ?name|Nom du paramètre|Nombre del parámetro)"
            r" ?: (\w+)",
            r" (Parameter '\1\2')",
        ),
        # PHP
        (
            r"(?:Trying to (?:get|access) property|Attempt to read property) ['\"](\w+)['\"]"
            r" (?:of|on) (?:non-object|null)",
            r"Attempt to read property '\1' on null",
        ),
        (
            r"Argument #?(\d+) passed to (\S+?)\(\) must be (?:of (?:the )?type|an instance of)"
            r" ([^,\n]+), ([^,\n]+) given.*$",
            r"\2() argument code \1 must be of type \3, \4 given",
        ),
        (
            r"^(\S+?)\(\): Argument #(\d+) \(\$\w+\) must be of type ([^,\n]+), ([^,\n]+) given.*$",
            r"\1() argument code \2 must be of type \3, \4 given",
        ),
        # Go
        (
            r"(?:context deadline exceeded|net/http: request canceled(?: while waiting for connection)?)"
            r" \(Client\.Timeout [^)]*\)",
            "context deadline exceeded",
        ),
        (r"(\blookup \S+) on \S+:\d+(?=: )", r"\1"),
        # Elixir shows the value behind.
        (r"(key :?\S+ not found in:?)[\s\S]*\Z", r"\1"),
        (r"(no function clause matching in \S+)[\s\S]*\Z", r"\1"),
        (r"(no match of right hand side value|no (?:case|cond|with) clause matching):[\s\S]*\Z", r"\1"),
        # MySQL
        (r"(?<=for key )'\w+\.(\w+)'", r"'\1'"),
        # JavaScript
        (
            r"Cannot (read|set) propert(?:y|ies) of (undefined|null) \((?:reading|setting) (['\"])(.*?)\3\)",
            r"Cannot \1 property '\4' of \2",
        ),
        # Whatever the language: what it offers instead.
        (r"\. Did you (?:mean|forget)[: ].*\?", ""),
        # Python's methods by their last name alone.
        (r"\b(?:\w+\.)+(?:<locals>\.)?(\w+)\(\) (?=missing|takes|got)", r"\1() "),
        # .NET's numbers, Java's casts
        (
            r"(?:The i|I)nput string (?:'.*' )?was not in a correct format",
            "Input string was not in a correct format",
        ),
        (r" \([^()]* (?:is|are) in (?:unnamed )?module[^()]*(?:\([^()]*\)[^()]*)*\)", ""),
        (r"class (\S+) cannot be cast to class ", r"\1 cannot be cast to "),
        # Ruby
        (r"\bnil:NilClass\b", "nil"),
        (r"#<([A-Z][\w:]*)(?::0x[0-9a-f]+)?[^<>]*>", r"an instance of \1"),
        # PHP again
        (r"Undefined (?:index|array key):? \"?(\w+)\"?", r"Undefined array key '\1'"),
        # SQLAlchemy
        (r"\(Background on this error at: [^)]*\)|^\[parameters: .*$|\[SQL: [\s\S]*$", ""),
        # Where a text stops being JSON is a matter of what it holds, and of who reads it: JavaScript, and Python.
        (
            r"(?:Unexpected (?:token|end|non-whitespace|number|string|identifier)"
            r"|Expected (?:property name|double-quoted|',' or|':' after)|Unterminated string"
            r"|Bad (?:control|escaped|Unicode)|Exponent part|No number after)\b[^\n]{0,200}?\bJSON\b"
            r"(?: input| at position \d+)?(?: \(line \d+ column \d+\))?",
            NOT_JSON,
        ),
        (
            r"(?:Unterminated string starting at|Expecting (?:value|property name enclosed in double quotes"
            r"|'[,:]' delimiter)|Illegal trailing comma before end of \w+|Invalid (?:control character at"
            r"|\\escape(?:: \S+)?)|Extra data): line \d+ column \d+ \(char \d+\)",
            NOT_JSON,
        ),
        # A validator's last words say what it saw of the value.
        (r"(Input should be a valid [\w ]+), [^\n\[\]]{3,200}", r"\1"),
    )
)
_QUOTED = re.compile(
    r"\"[^\"\n]*\"|(?P<text>(?<!\w)\"[^\"]*\n[^\"]*(?:\"|\Z)|(?<=[:=] )\"[^\"]*\Z"
    r"|(?<=[:=] )'[^'\n]*\n[^']*(?:'(?!\w)|\Z))"
)
_PARSERS = libraries.words(
    "SyntaxError JSONDecodeError JsonException JsonParseException JsonReaderException ParserError"
    " JsonEOFException MalformedJsonException JsonSyntaxException"
)
_OF_JSON = re.compile(r"JSON", re.IGNORECASE)
_TIMEOUTS = re.compile(r"Time(?:d)?[oO]ut(?:Error|Exception)?$|^timeout$")
# Nothing else is said of a timeout: which one it was, the type and the calls say.
_ONLY_TIMED_OUT = re.compile(
    r"(?:(?:the|a|an|i/o|read(?:ing)?|operation|has|was|is|timed|time|out|timeout|request|connect(?:ion|ing)?|socket"
    r"|response|of|to|in|after|due|exceeded|expired|reached|waiting|for|while|error|ms|s|seconds?"
    r"|milliseconds|\d+(?:\.\d+)?(?:ms|s)?)(?:[\s.:,]+|$))*",
    re.IGNORECASE,
)
_CONNECTING = re.compile(r"\bconnect", re.IGNORECASE)
# These are about a value within a text that could be parsed, and name it.
_OF_A_VALUE = re.compile(
    r"convert|deseriali[sz]|BEGIN_|\$[.\[]|required|(?:missing|unknown|duplicate) (?:field|propert|key|member)|mapped",
    re.IGNORECASE,
)


def alike(message: str) -> str:
    """The message as every version would say it."""
    text = _QUOTED.sub(lambda found: '"a text"' if found["text"] else found.group(), message)
    for pattern, instead in _SAID_OTHERWISE:
        text = pattern.sub(instead, text)
    return text


def without_causes(message: str, causes: Sequence[str]) -> str:
    """What an exception says of its cause, the cause says itself."""
    for cause in sorted(set(causes), key=len, reverse=True):
        if len(cause) >= _LEAST_CAUSE and len(cause) < len(message):
            message = message.replace(cause, CAUSE)
    return message


def meant(type_: str, message: str, *, own: bool) -> str | None:
    """What a library's exception means by its prose, if that can be one of few things only. `own`: the application
    raised it, and means what it says."""
    if own:
        return None
    if type_ in _PARSERS and (_OF_JSON.search(message) or _OF_JSON.search(type_)):
        return _of_parser(message)
    if _TIMEOUTS.search(type_):
        return _of_timeout(message)
    return None


def _of_parser(message: str) -> str | None:
    """None: it is about a value, not about the text. Where a text stops being JSON is a matter of what it holds."""
    return None if _OF_A_VALUE.search(message) else NOT_JSON


def _of_timeout(message: str) -> str | None:
    """None: it says more than that."""
    if not _ONLY_TIMED_OUT.fullmatch(message.strip()):
        return None
    return "connecting" if _CONNECTING.search(message) else ""
