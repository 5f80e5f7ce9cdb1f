"""Data within a message: what says why it failed stays (codes, kinds, places of fields, sentences), all else goes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agents.deadletters.fingerprint import libraries

DATA = "<data>"
_OPENS, _CLOSES = {"{": "}", "[": "]"}, "}]"
# Longer ones would be read for nothing.
_LONGEST = 4_000
_MOST_SAID, _MOST_BRACKETS = 12, 40
# Only where one of these is among the keys, data tells of a failure.
_TELLS = re.compile(
    r"(?<![\w])['\"]?(?:errors?|error_?code|code|exception|reason|msg|detail|kind|err|faults?"
    r"|input_value|loc)['\"]?\s*(?:[:=]|=>)",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"(?<![\w])['\"]?(?P<key>errors?|err|error_?code|code|type|reason|kind|status(?:_?code)?|message"
    r"|msg|detail|title|param|field"
    r"|path|loc|property|column|expected|exception|errno|fault|constraint|keyword)['\"]?\s*(?::|=>?)\s*"
    r"(?:(?P<list>[\[(][^\[\](){}]{0,200}[\])])|b?'(?P<single>(?:[^'\\\n]|\\.|(?<=\w)'(?=\w)){0,400})'"
    r"|\\?\"(?P<double>(?:[^\"\\\n]|\\[^\"]){0,400})\\?\"|(?P<bare>-?\w[\w.:-]{0,60}))",
    re.IGNORECASE,
)
_SENTENCES = re.compile(
    r"['\"](?P<key>\w+)['\"]\s*(?::|=>)\s*\[\s*(?:\w+\(\w*=?)?['\"](?P<said>[A-Z][^'\"\n]* [^'\"\n]*)['\"]"
)
_NAME = r"[A-Za-z_][\w.$-]{0,60}"
_NAMES = re.compile(
    rf"[\[{{(]\s*(?:['\"]{_NAME}['\"]|{_NAME})(?:\s*,\s*(?:['\"]{_NAME}['\"]|{_NAME}))*\s*,?\s*[\]}})]"
)
_EACH_NAME = re.compile(_NAME)
_IS_DATA = re.compile(r"['\"{]|\w\s*[:=]|^\{[^{}]*,|^\[[^\[\]]*\[")
_STAYS = re.compile(
    r"\[(?:Errno|WinError|SSL|Error|SQL\b)|\{\w*\}|\{[0-9A-Fa-f-]{36}\}|\[[0-9A-Fa-f:.]+(?:%\w+)?\]",
    re.IGNORECASE,
)
# As Python says what an error was made with: a number, and a sentence.
_NUMBERED = re.compile(r"\((?P<number>-?\d{1,5}), ?b?(?P<quote>['\"])(?P<said>.{1,400}?)(?P=quote)\)")
_ROW = "|".join(
    rf"(?<={before} )\([^()]*\)"
    for before in ("value is", "row contains", "Zeile enthält", "ligne contient", "fila contiene")
)
_VALUE = re.compile(rf"\)=\((?:[^()]|\([^()]*\))*\)|{_ROW}")


def without(message: str, is_of_names: re.Pattern[str]) -> str:
    """The message with its data in one word each. `is_of_names` matches before a list of names of the code."""
    message = _VALUE.sub(lambda found: ")=(<str>)" if found.group().startswith(")=") else "(<str>)", message)
    message = _NUMBERED.sub(r"(error code \g<number>: \g<said>)", message)
    kept: list[str] = []
    at = 0
    while (start := _next(message, at)) >= 0 and len(kept) < 2 * _MOST_BRACKETS:
        end = _end(message, start)
        kept += [
            message[at:start],
            _instead(message[start:end], message[max(0, start - 40) : start], is_of_names),
        ]
        at = end
    return "".join([*kept, message[at:]])


def _next(message: str, at: int) -> int:
    found = [place for each in _OPENS if (place := message.find(each, at)) >= 0]
    return min(found, default=-1)


def _end(message: str, start: int) -> int:
    """Behind the bracket that closes this one, or the end where none does; quoted brackets do not count."""
    depth, quote = 0, ""
    for at in range(start, min(len(message), start + _LONGEST)):
        letter = message[at]
        if quote:
            quote = "" if letter == quote and message[at - 1] != "\\" else quote
        elif letter in "\"'" and (message[at - 1] in " [{(:,=b\n" or letter == '"'):
            quote = letter
        elif letter in _OPENS:
            depth += 1
        elif letter in _CLOSES:
            depth -= 1
            if depth == 0:
                return at + 1
    # Nothing closes it: cut off. A bracket within a sentence stays alone.
    return (
        len(message)
        if message[start] == "{" or message[start + 1 : start + 2] in {"{", '"', "'"}
        else start + 1
    )


def _instead(text: str, before: str, is_of_names: re.Pattern[str]) -> str:
    if len(text) == 1 or _STAYS.match(text):
        return text
    if _NAMES.fullmatch(text) and is_of_names.search(before):
        return f"({' '.join(sorted(_EACH_NAME.findall(text)))})"
    if not _IS_DATA.search(text[1:] if text.startswith("[") else text):
        return text
    # In whatever order it is written.
    said = sorted(dict.fromkeys(_said(text)))[:_MOST_SAID]
    return f"<data {' '.join(said)}>" if said else DATA


def _said(text: str) -> Iterable[str]:
    for match in _SENTENCES.finditer(text):
        yield f"{match['key']} {match['said']}"
    if _TELLS.search(text):
        for match in _SAID.finditer(text):
            yield from _pair(match)


def _pair(match: re.Match[str]) -> Iterable[str]:
    value = next((each for each in match.group("list", "single", "double", "bare") if each), "")
    if match["list"]:
        value = ".".join(re.findall(r"[\w$-]+", value))
    if value:
        yield f"{match['key'].lower()} {value}"


# Kinds that say too little by themselves, so that their prose is needed.
_LITTLE = libraries.words(
    "error api_error server_error internal_error internal_server_error invalid_request_error invalid_request"
    " bad_request badrequest invalid_argument invalidargument validation_error validationerror not_found"
    " not_found_error notfound permission_error permission_denied forbidden value_error assertion_error"
    " unprocessable_entity unknown_error runtime_error exception failed failure custom invalid conflict none"
)
_KIND = re.compile(r"\b(?:type|code|error_?code|reason|kind) (?P<kind>[A-Za-z][A-Za-z_-]*)(?=[ >])")
_PROSE = re.compile(
    r"\b(?:message|msg|detail|title) (?P<said>(?:[^<>]|<\w+>)*?)"
    r"(?=>$| (?:type|code|error_?code|reason|kind|param|status|field|loc|path|errors?) )"
)
_NAMING = re.compile(r"'[^'\s]+'|\b[A-Za-z]+(?:[_.][A-Za-z]+)+\b|\b[A-Z]{3,}\b")
# What a provider counts, where it says that a limit was passed.
_QUANTITY = re.compile(r" (?:type|param) (?:(?:input|output|prompt|total)_?)?(?:tokens|requests)(?=[ >])")
_DEMANDS = re.compile(r"\b(?:should|must) (?:be|have|match|contain)\b")
_ENDS = re.compile(r"^(?P<prose>.*?)(?P<data><data .*>)$")


def named(line: str) -> str:
    """A line whose data says the kind of failure needs no prose, but for what that names: it is worded anew by each
    version of a library, and lists whatever was over a limit."""
    found = _ENDS.match(line)
    if not found or not _says_kind(found["data"]):
        return line
    data = _QUANTITY.sub("", found["data"])
    data = _PROSE.sub(lambda said: " ".join(_NAMING.findall(said["said"])), data)
    prose = found["prose"]
    if _DEMANDS.search(prose):
        prose = " ".join(_NAMING.findall(prose)) + " "
    return re.sub(r"\s+", " ", f"{prose}{data}").strip()


def _says_kind(data: str) -> bool:
    kinds = {found["kind"] for found in _KIND.finditer(data)}
    return any(_is_one_of_many(kind) for kind in kinds if kind.lower() not in _LITTLE)


def _is_one_of_many(kind: str) -> bool:
    """Is it a name of the code, and no word of a sentence?"""
    return "_" in kind or "-" in kind or not kind.islower()
