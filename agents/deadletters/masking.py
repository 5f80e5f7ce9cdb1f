"""What of a letter is hidden from those who may not read payloads. Pure; a megabyte takes a fraction of a second.

Built in: passwords, tokens and keys by name and by look, card numbers (checked by Luhn), addresses of mail. Rules of
one's own add paths, headers and patterns. A pattern is taken only when its time cannot run away: see `checked`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from time import perf_counter
from typing import Any

import msgspec

from agents.deadletters.values import Contents, MaskKind

HIDDEN = "•••"
MOST_DEPTH = 60
# What a pattern may take over TRIAL characters of the worst kind.
TRIAL, MOST_SECONDS = 20_000, 0.1
LONGEST_PATTERN = 500

_HIDDEN_NAMES = (
    r"passw(?:or)?d|passphrase|secret|authori[sz]ation|cookie|credential|api[-_]?key|private[-_]?key|access[-_]?key|"
    r"sender-token|(?:^|[-_.])(?:token|pin|cvv|cvc)$|(?:access|refresh|auth|id|session)[-_]?token"
)
_NAMED = re.compile(_HIDDEN_NAMES, re.IGNORECASE)
_BUILT_IN = re.compile(
    r"(?P<jwt>\beyJ[\w-]{8,4000}\.[\w-]{4,4000}(?:\.[\w-]{0,4000})?)"
    r"|(?P<key>\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abprs]|AKIA|ASIA|AIza)[-_]?[A-Za-z0-9_-]{12,200})"
    r"|(?P<bearer>\b(?:[Bb]earer|[Bb]asic) [\w.~+/=-]{8,4000})"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})"
    r"|(?P<card>(?<!\d)\d(?:[ -]?\d){12,18}(?!\d))"
    r"|(?P<named>\b(?:password|passwd|secret|token|api_?key)[\"']?\s{0,3}[=:]\s{0,3}[\"']?[^\s\"',;&]{1,200})",
)
_VARIABLE = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\d*\})")
_REFUSED = re.compile(r"\(\?(?!:|i\))|\\[1-9]|\\[kg]|(?<!\\)[)\]][*+]|(?<!\\)\)\{|(?<!\\)\)\?")
_TRIALS = ("a", "0", " ", "-", "a-", "0 ", "a0", ".", "@a", "aA")


class MaskError(Exception):
    """The rule cannot be used. The text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One of the rules that people made."""

    kind: MaskKind
    what: str


@dataclass(frozen=True, slots=True)
class Mask:
    """All rules, ready to be used."""

    paths: tuple[re.Pattern[str], ...] = ()
    headers: tuple[re.Pattern[str], ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()


@lru_cache(maxsize=8)
def made(rules: tuple[Rule, ...]) -> Mask:
    """From rules that were checked."""
    of = {kind: [rule.what for rule in rules if rule.kind is kind] for kind in MaskKind}
    return Mask(
        tuple(_path(what) for what in of[MaskKind.PATH]),
        tuple(re.compile(_glob(what), re.IGNORECASE) for what in of[MaskKind.HEADER]),
        tuple(re.compile(what) for what in of[MaskKind.PATTERN]),
    )


def checked(rule: Rule) -> None:
    """Raises MaskError."""
    if not rule.what.strip():
        raise MaskError("Say what is to be hidden.")
    if rule.kind is MaskKind.PATTERN:
        _check_pattern(rule.what)


def masked(contents: Contents, mask: Mask) -> Contents | None:
    """Headers, properties, attempts and a body of text, as everybody may see them; None where the body is no text:
    nobody can tell what is in it."""
    body = _body(contents.body, mask)
    if body is None:
        return None
    headers = _named(contents.headers, mask)
    tries = tuple(attempt(each, mask) for each in contents.attempts)
    properties = _named(contents.properties, mask)
    return replace(contents, body=body, headers=headers, properties=properties, attempts=tries)


def attempt(tried: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """What an attempt ended with says as much as a body may."""
    return {name: text(said, mask) if isinstance(said, str) else said for name, said in tried.items()}


def text(said: str, mask: Mask) -> str:
    """Without what is hidden by its look."""
    plain = _BUILT_IN.sub(_instead, said)
    for pattern in mask.patterns:
        plain = pattern.sub(HIDDEN, plain)
    return plain


def _body(raw: bytes, mask: Mask) -> bytes | None:
    try:
        said = raw.decode()
    except UnicodeDecodeError:
        return None
    if said[:1] in {"{", "["}:
        try:
            document = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            return text(said, mask).encode()
        return msgspec.json.encode(_value(document, "", mask))
    return text(said, mask).encode()


def _value(value: Any, path: str, mask: Mask, depth: int = 0) -> Any:
    if depth > MOST_DEPTH or any(each.fullmatch(path) for each in mask.paths):
        return HIDDEN
    if isinstance(value, dict):
        return {name: _member(name, each, path, mask, depth) for name, each in value.items()}
    if isinstance(value, list):
        return [_value(each, f"{path}[]", mask, depth + 1) for each in value]
    if isinstance(value, str):
        return text(value, mask)
    return _number(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _member(name: str, value: Any, path: str, mask: Mask, depth: int) -> Any:
    if _NAMED.search(name):
        return HIDDEN
    return _value(value, f"{path}.{name}" if path else name, mask, depth + 1)


def _named(values: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    hidden: Callable[[str], bool] = lambda name: any(each.fullmatch(name) for each in mask.headers)  # noqa: E731
    return {
        name: HIDDEN if hidden(name) else _member(name, value, "", mask, 0) for name, value in values.items()
    }


def _number(value: int) -> Any:
    digits = str(value) if abs(value) < 10**19 else ""
    return HIDDEN if 13 <= len(digits) <= 19 and luhn(digits) else value


def _instead(found: re.Match[str]) -> str:
    if found.lastgroup == "card":
        return HIDDEN if luhn(re.sub(r"\D", "", found.group())) else found.group()
    if found.lastgroup == "mail":
        return f"{HIDDEN}@{HIDDEN}"
    return HIDDEN


def luhn(digits: str) -> bool:
    """Do the digits bear the check digit of a card?"""
    numbers = [int(digit) for digit in reversed(digits)]
    doubled = [number * 2 - 9 * (number > 4) for number in numbers[1::2]]
    return (sum(numbers[::2]) + sum(doubled)) % 10 == 0


def _path(what: str) -> re.Pattern[str]:
    rest = what.removeprefix("*.")
    return re.compile((r"(?:.{0,2000}\.)?" if rest != what else "") + _glob(rest))


def _glob(what: str) -> str:
    return "[^.]*".join(re.escape(part) for part in what.split("*"))


def _check_pattern(what: str) -> None:
    if len(what) > LONGEST_PATTERN:
        raise MaskError(f"A pattern has at most {LONGEST_PATTERN} characters.")
    if _REFUSED.search(what) or len(_VARIABLE.findall(what)) > 2:
        raise MaskError(
            "A pattern may repeat single characters or classes, such as \\d{4,8}, at most twice; no groups are "
            "repeated, and there is no looking around and no back reference."
        )
    try:
        pattern = re.compile(what)
    except re.error as problem:
        raise MaskError(f"It is no regular expression: {problem}.") from None
    if pattern.search(""):
        raise MaskError("It matches nothing at all, and so everything.")
    if not _quick(pattern, _TRIALS):
        raise MaskError("It would take too long on a long text. Begin it with something that is rare.")


def _quick(pattern: re.Pattern[str], trials: Sequence[str]) -> bool:
    """In growing lengths, so that a bad one is found before it takes long."""
    for trial in trials:
        for length in (500, 2_000, TRIAL):
            before = perf_counter()
            pattern.sub(HIDDEN, (trial * length)[:length])
            if perf_counter() - before > MOST_SECONDS * length / TRIAL + 0.02:
                return False
    return True
