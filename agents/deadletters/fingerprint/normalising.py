"""A message without what differs from one time to the next: ids, numbers, times, addresses, paths, quoted values.

One pass of one expression finds what may differ; words are taken whole, so that the time grows with the length alone.
What is quoted stays where it names a thing of the code (a field, a column, a constraint): there it is the cause itself.
"""

from __future__ import annotations

import re

LONGEST, LINES, KEPT = 2_000, 4, 300

_PARTS = (
    ("url", r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s'\"<>)\]},;]+"),
    ("email", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"),
    (
        "time",
        r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?(?!\w)"
        r"|\d{4}/\d\d/\d\d(?: \d\d:\d\d:\d\d)?|\d{1,2}:\d\d:\d\d(?:[.,]\d+)?"
        r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:\d{1,2} [A-Z][a-z]{2}|[A-Z][a-z]{2} \d{1,2})(?: \d{4})?",
    ),
    (
        "host",
        r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?!\w)|\[[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}\](?::\d+)?"
        r"|(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?!\w)"
        r"|[A-Za-z][\w-]{0,62}(?:\.[\w-]{1,63}){0,8}:\d{2,5}(?!\w)"
        r"|[A-Za-z0-9][\w-]{0,62}(?:\.[\w-]{1,63}){0,8}\.(?:com|net|org|io|dev|local|internal|svc|example|test|lan|cloud)(?![\w.]\w)",
    ),
    ("path", r"(?:[A-Za-z]:\\|\\\\)[^\s'\":*?<>|]+|(?:~|\.{1,2})?/[\w.@%+=-]+(?:/[\w.@%+=:-]*)+"),
    ("text", r"\"[^\"\n]{0,400}\"|'[^'\n]{0,400}'(?!\w)|`[^`\n]{0,400}`|“[^”\n]{0,400}”|«[^»\n]{0,400}»"),
    ("number", r"[-+]?\d+(?:[.,_]\d+)*[\w%-]*"),
    ("word", r"[\w-]+"),
)
_FINDS = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS))
_DIGIT = re.compile(r"\d")
# Their digits say nothing about one time.
_WORDS = frozenset(
    [
        "utf-8",
        "utf8",
        "utf-16",
        "utf16",
        "latin-1",
        "iso-8859-1",
        "cp1252",
        "sha1",
        "sha256",
        "sha512",
        "md5",
        "base64",
        "oauth2",
        "ipv4",
        "ipv6",
        "s3",
        "ec2",
        "x509",
        "http2",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "iso8601",
        "k8s",
        "h2",
        "p12",
        "v1",
        "v2",
        "v3",
    ]
)
_IN_CODE = re.compile(r"`[A-Za-z_][A-Za-z_.:<>()]{0,60}`")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_.\-]{0,60}(?:\(\))?")
# Types whose messages quote names of the code.
_OF_CODE = frozenset(
    [
        "KeyError",
        "AttributeError",
        "NameError",
        "UnboundLocalError",
        "TypeError",
        "ImportError",
        "ModuleNotFoundError",
        "ReferenceError",
        "NoMethodError",
        "NullPointerException",
        "UndefinedColumn",
        "UndefinedTable",
        "NoSuchMethodError",
        "ClassNotFoundException",
        "NoClassDefFoundError",
        "ClassCastException",
        "MissingMethodException",
        "NoSuchFieldError",
    ]
)
_BEFORE = re.compile(
    r"\b(?:constraint|relation|column|table|fields?|attribute|key|propert(?:y|ies)|parameter|arguments?|module|function|"
    r"method|variable|class|index|module named|option|setting|header|codec|operator|enum|schema|reading|import|symbol|"
    r"queue|exchange|topic|step|required|missing)\W{0,3}$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^\W{0,3}(?:is a required|is required|is missing|object has no|is not defined|field|property|column|parameter|"
    r"argument|attribute|codec|key)\b",
    re.IGNORECASE,
)
# A number that says what kind of failure it was: the status of an answer, an error's code, a signal.
_CODED = re.compile(
    r"(?:\b(?:status|code|errno|response|error|returned|signal|sqlstate|http|exit|ora|oserror|winerror)"
    r"(?:[ _-]?(?:code|status))?|HTTP/\d(?:\.\d)?)[\W_]{0,3}$",
    re.IGNORECASE,
)
_STATUS_AFTER = re.compile(
    r"^:? (?:Client|Server|Internal|Bad|Not|Too|Service|Gateway|Unauthori|Forbidden|Conflict)"
)
_COUNTED = re.compile(r"\(?\b\d+ sub-exceptions?\)?")
_AGAIN = re.compile(r"(<\w+>)(?:(?:, ?|; ?|: ?| and | or | |/|\|)\1)+")
_ONE_OR_MANY = re.compile(r"<n> (?!has\b|was\b|is\b)([a-z]{2,}?)s\b")
_IN_BRACKETS = re.compile(r"\{[^{}]*\}|\[(?!<\w+>\])[^\[\]]*<[^\[\]]*\]|\((?=[^()]*<)[^()]*,[^()]*\)")
_OPEN = re.compile(r"[\[{][^\[\]{}]*<[^\[\]{}]*$")
_BLANK = re.compile(r"\s+")


def normalised(message: str, type_: str = "") -> str:
    """The message as it would read at any other time. `type_` tells whether what it quotes is of the code."""
    kept: list[str] = []
    for line in _COUNTED.sub("", message[:LONGEST]).splitlines():
        plain = _line(line, type_)
        if plain and plain not in kept:
            kept.append(plain)
        if len(kept) == LINES:
            break
    return " / ".join(kept)[:KEPT]


def _line(line: str, type_: str) -> str:
    text = _FINDS.sub(lambda found: _instead(found, type_), line)
    text = _AGAIN.sub(r"\1", text)
    for _ in range(3):
        shorter = _IN_BRACKETS.sub("<data>", text)
        if shorter == text:
            break
        text = shorter
    text = _ONE_OR_MANY.sub(r"<n> \1", _OPEN.sub("<data>", text))
    return _BLANK.sub(" ", _AGAIN.sub(r"\1", text)).strip()


def _instead(found: re.Match[str], type_: str) -> str:
    kind, text = str(found.lastgroup), found.group()
    if kind == "word":
        return "<n>" if _DIGIT.search(text) and text.lower() not in _WORDS else text
    if kind == "text":
        return text if _names_code(found, type_) else "<str>"
    if kind == "number":
        return text if _says_which(found) else "<n>"
    return f"<{kind}>"


def _names_code(found: re.Match[str], type_: str) -> bool:
    if not _IDENTIFIER.fullmatch(found.group()[1:-1]):
        return bool(_IN_CODE.fullmatch(found.group()))
    around, start, end = found.string, found.start(), found.end()
    return (
        type_ in _OF_CODE
        or bool(_BEFORE.search(around[max(0, start - 30) : start]))
        or bool(_AFTER.match(around[end : end + 30]))
    )


def _says_which(found: re.Match[str]) -> bool:
    text, around = found.group(), found.string
    if len(text) > 5 or not text.lstrip("-").isdigit():
        return False
    if _CODED.search(around[max(0, found.start() - 25) : found.start()]):
        return True
    return len(text) == 3 and bool(_STATUS_AFTER.match(around[found.end() : found.end() + 14]))
