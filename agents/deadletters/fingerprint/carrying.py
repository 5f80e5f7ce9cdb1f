"""The values that a message carried which was worked on. Where what was said repeats one of them, it is no part of the
cause: another message has another one. So a name that no rule can tell from a word is known for a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.deadletters import words
from agents.deadletters.fingerprint.likeness import DENYING, LITTLE

# Of longer ones, or of more, a failure seldom speaks.
_SHORTEST, _LONGEST, _MOST = 2, 200, 200
# What every rule takes for a value, wherever it stands.
_INSTEAD = "00000000"
# Names of the code are the cause, also where a message carries them: a tool, a field. Others say too little.
_OF_CODE = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)+$|[a-zA-Z][a-z]+(?:[A-Z][a-z]+)+$|(?i:true|false|null|none)$")


def values(headers: Mapping[str, Any], body: bytes) -> tuple[str, ...]:
    """Texts among the headers, and in a JSON body."""
    document = words.document(body)
    found = [each for each in headers.values() if isinstance(each, str)]
    if document is not None:
        found += (value for _, value in words.leaves(document))
    fit = (each.strip() for each in found)
    kept = (each for each in fit if _SHORTEST <= len(each) <= _LONGEST and not _is_word(each))
    return tuple(dict.fromkeys(kept))[:_MOST]


def _is_word(text: str) -> bool:
    """Or a number: what is left of those in what was said is a code."""
    return bool(_OF_CODE.match(text)) or not any(map(str.isalpha, text)) or text in LITTLE or text in DENYING


def without(values: Sequence[str]) -> Callable[[str], str]:
    """What takes them out of a text."""
    if not values:
        return lambda text: text
    longest_first = sorted(values, key=len, reverse=True)
    any_of = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    return lambda text: any_of.sub(_INSTEAD, text)
