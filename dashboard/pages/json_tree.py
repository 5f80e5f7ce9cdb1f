"""A JSON document as a tree of lines that open and close, for reading a body. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# More lines than this are read as text.
MOST_NODES = 3_000
# Deeper ones begin closed, and so do long lists.
OPEN_DEPTH, OPEN_LENGTH = 3, 50


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its key or place, and either the text of a plain value or what is inside."""

    key: str
    text: str = ""
    kind: str = "object"
    inside: tuple[Node, ...] = ()
    open: bool = False

    @property
    def size(self) -> str:
        number = len(self.inside)
        word = "value" if self.kind == "list" else "field"
        return f"{number} {word}{'' if number == 1 else 's'}"


def tree(document: Any) -> Node | None:
    """The whole document; None when it is a plain value, or too long to be read this way."""
    if not isinstance(document, dict | list) or _count(document) > MOST_NODES:
        return None
    return _node("", document, 0)


def _node(key: str, value: Any, depth: int) -> Node:
    if not isinstance(value, dict | list):
        return Node(key, json.dumps(value, ensure_ascii=False), _kind(value))
    inside = tuple(_node(name, each, depth + 1) for name, each in _items(value))
    kind = "list" if isinstance(value, list) else "object"
    return Node(key, "", kind, inside, depth < OPEN_DEPTH and len(inside) <= OPEN_LENGTH)


def _items(value: Mapping[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        return ((str(place), each) for place, each in enumerate(value))
    return iter(value.items())


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "word" if value is None or isinstance(value, bool) else "number"


def _count(document: Any) -> int:
    """How many values there are, counted no further than needed."""
    waiting, count = [document], 0
    while waiting and count <= MOST_NODES:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict | list):
            waiting.extend(each for _, each in _items(value))
    return count
