"""The words that a letter is found by. Pure: both databases are given the same words, and so find the same.

A word is letters and digits in any script, in small letters. Every header and every plain value in a JSON body is one
more word, made of its name and its value: so `header.tenant=acme` and `body.order.id=4711` are looked up, not searched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agents.deadletters.values import Contents

_WORD = re.compile(r"[^\W_]+")
# Of very long ones the beginning is enough; of very many, the first.
LONGEST, MOST_SAID, MOST_CARRIED, MOST_PAIRS = 64, 400, 800, 300
MOST_BYTES = 256 * 1024
MOST_DEPTH = 20
MARK = "zq"
SAID = (
    *(
        "failure_type",
        "failure_message",
        "message_id",
        "task",
        "agent",
        "queue",
        "sender",
        "workflow",
        "version",
    ),
    *("instance", "trace_id", "conversation_id"),
)


def split(text: str) -> list[str]:
    """Its words, in order."""
    return [word[:LONGEST] for word in _WORD.findall(text.casefold())]


def said(letter: Any) -> str:
    """Of what whoever sees the letter may read."""
    words = split(" ".join(str(getattr(letter, name)) for name in SAID))
    return " ".join(words[:MOST_SAID])


def carried(contents: Contents) -> str:
    """Of headers and body, for those who may read payloads."""
    found = [pair("header", name, _plain(value)) for name, value in contents.headers.items()]
    read = document(contents.body)
    plain = list(leaves(read)) if read is not None else []
    found += [pair("body", path, value) for path, value in plain]
    # A document's own words, and not what JSON makes of them.
    body = " ".join(f"{path} {value}" for path, value in plain)
    words = split(" ".join(_plain(value) for value in contents.headers.values()))
    words += split(body or contents.body[:MOST_BYTES].decode(errors="ignore"))
    return " ".join([*dict.fromkeys(found[:MOST_PAIRS]), *words[:MOST_CARRIED]])


def pair(where: str, name: str, value: str) -> str:
    """One word for a name with its value; headers' names are the same in any case."""
    key = name.casefold() if where == "header" else name
    digest = hashlib.blake2b(f"{where}\0{key}\0{value}".encode(errors="replace"), digest_size=8)
    return MARK + digest.hexdigest()


def leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Each plain value with its path, such as `lines[].sku`: a place in a list is any place."""
    if depth > MOST_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, f"{path}[]", depth + 1)
    else:
        yield path, _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def document(raw: bytes) -> Any:
    """The body, where it is a JSON document of a size that is read."""
    if len(raw) > MOST_BYTES or raw[:1] not in {b"{", b"["}:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
