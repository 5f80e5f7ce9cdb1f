"""Version ranges: those of Python (PEP 440: `>=2.0,<3`) and those of semantic versioning (`^2.1 || 1.x`). Pure.

Both are read into the same thing, a choice of sets of bounds, so that one comparison serves both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_PART = r"(\d+|[xX*])"
_CARET_OR_TILDE = re.compile(rf"^([\^~])(\d+)(?:\.{_PART})?(?:\.{_PART})?$")
_WILD = re.compile(r"^[vV=]?(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?$")
_HYPHEN = re.compile(r"^(\S+)\s+-\s+(\S+)$")
_SPACED_OPERATOR = re.compile(r"([<>=!~^]+)\s+")


class RangeRefusedError(Exception):
    """The version range cannot be read. Write it like >=2.0,<3 or ^2.1 or 1.x."""


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Any of these sets; an empty choice allows every version, those that are no versions too."""

    text: str
    choice: tuple[SpecifierSet, ...] = ()

    def allows(self, version: str) -> bool:
        if not self.choice:
            return True
        parsed = parse(version)
        # A pre-release counts only when the range names one itself, which packaging decides.
        return parsed is not None and any(specifiers.contains(parsed) for specifiers in self.choice)


def parse(version: str) -> Version | None:
    """A version, or None for text that is none (a commit's hash, a date with letters)."""
    try:
        return Version(_from_semver(version))
    except InvalidVersion:
        return None


def newest_first(versions: list[str]) -> list[str]:
    """Sorted as versions; what is no version comes last, by its letters."""
    return sorted(versions, key=lambda each: (parse(each) or Version("0.dev0"), each), reverse=True)


def read(text: str) -> VersionRange:
    """A range from its text; empty text and `*` allow everything. Raises RangeRefusedError."""
    if text.strip() in {"", "*"}:
        return VersionRange(text)
    return VersionRange(text, tuple(_read_set(part.strip()) for part in text.split("||")))


def _read_set(text: str) -> SpecifierSet:
    if not text:
        raise RangeRefusedError("A version range must not have an empty side of ||.")
    hyphen = _HYPHEN.match(text)
    if hyphen:
        return _pep440(f">={_from_semver(hyphen[1])},<={_from_semver(hyphen[2])}", text)
    words = _SPACED_OPERATOR.sub(r"\1", text).replace(",", " ").split()
    return _pep440(",".join(_read_word(word) for word in words), text)


def _read_word(word: str) -> str:
    for pattern, reader in _READERS:
        if match := pattern.match(word):
            return reader(match)
    return _from_semver(word)


def _caret_or_tilde(match: re.Match[str]) -> str:
    parts = [int(part) for part in match.groups()[1:] if part and part.isdigit()]
    kept = _kept_by_caret(parts) if match[1] == "^" else min(1, len(parts) - 1)
    upper = [*parts[:kept], parts[kept] + 1]
    return f">={_dotted(parts)},<{_dotted(upper)}.dev0"


def _kept_by_caret(parts: list[int]) -> int:
    """^ lets everything change behind the first part that is not 0; ~ only what is behind the minor one."""
    return next((place for place, part in enumerate(parts) if part), len(parts) - 1)


def _wild_or_exact(match: re.Match[str]) -> str:
    parts = [part for part in match.groups() if part]
    numbers = [part for part in parts if part.isdigit()]
    whole = len(numbers) == 3
    return f"=={_dotted(numbers)}" if whole else f"=={_dotted(numbers)}.*"


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_CARET_OR_TILDE, _caret_or_tilde),
    (_WILD, _wild_or_exact),
)


def _dotted(parts: list[int] | list[str]) -> str:
    return ".".join(str(part) for part in parts)


def _from_semver(version: str) -> str:
    """`v2.0.0-rc.1+build` as Python writes it: 2.0.0rc1+build."""
    return re.sub(r"-(alpha|beta|rc|a|b)\.?(\d*)", r"\1\2", version.strip().lstrip("vV"))


def _pep440(specifiers: str, text: str) -> SpecifierSet:
    try:
        return SpecifierSet(specifiers)
    except InvalidSpecifier:
        raise RangeRefusedError(
            f"{text!r} is no version range. Write it like >=2.0,<3 or ^2.1 or 1.x."
        ) from None
