"""JSON Patch (RFC 6902), JSON Pointer (RFC 6901) and merge patch (RFC 7386) over plain values. Pure: nothing given is
changed."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

INDEX = re.compile(r"0|[1-9][0-9]*")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "add": ("value",),
    "replace": ("value",),
    "test": ("value",),
    "remove": (),
    "move": ("from",),
    "copy": ("from",),
}


class PatchError(Exception):
    """The patch is wrong, or does not fit the value; it says at which step."""


def merged(value: Any, patch: Any) -> Any:
    """A merge patch: null takes out, an object is laid over, anything else takes the place."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    found = dict(value) if isinstance(value, dict) else {}
    for name, each in patch.items():
        if each is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), each)
    return found


def applied(value: Any, patch: Any) -> Any:
    """A JSON Patch, whole or not at all. Raises PatchError."""
    if not isinstance(patch, Sequence) or isinstance(patch, str):
        raise PatchError("a JSON Patch is a list of steps")
    found = copy.deepcopy(value)
    for number, step in enumerate(patch):
        try:
            found = _step(found, step)
        except PatchError as problem:
            raise PatchError(f"step {number}: {problem}") from None
    return found


def _step(value: Any, step: Any) -> Any:
    op, path = _read(step)
    if op == "test":
        if not _same(_get(value, path), step["value"]):
            raise PatchError(f"{step['path']} is not what the test says")
        return value
    if op in {"remove", "replace", "move"}:
        source = _tokens(step["from"]) if op == "move" else path
        if op == "move" and path[: len(source)] == source and path != source:
            raise PatchError("a value cannot be moved into itself")
        value, taken = _without(value, source)
    if op == "remove":
        return value
    given = {"move": lambda: taken, "copy": lambda: copy.deepcopy(_get(value, _tokens(step["from"])))}
    return _with(value, path, given.get(op, lambda: copy.deepcopy(step["value"]))())


def _read(step: Any) -> tuple[str, list[str]]:
    if not isinstance(step, Mapping) or step.get("op") not in NEEDED:
        raise PatchError(f"`op` is one of {', '.join(NEEDED)}")
    for name in ("path", *NEEDED[step["op"]]):
        if name not in step:
            raise PatchError(f"{step['op']} needs `{name}`")
    return step["op"], _tokens(step["path"])


def _tokens(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise PatchError(f"{pointer!r} is no path: one begins with /, such as /1/name")
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def _get(value: Any, path: list[str]) -> Any:
    for token in path:
        value = _child(value, token)
    return value


def _child(value: Any, token: str) -> Any:
    if isinstance(value, dict) and token in value:
        return value[token]
    if isinstance(value, list) and INDEX.fullmatch(token) and int(token) < len(value):
        return value[int(token)]
    raise PatchError(f"there is no {token!r}")


def _with(value: Any, path: list[str], given: Any) -> Any:
    """Put in at the path; in a list, before what is there."""
    if not path:
        return given
    parent, last = _get(value, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = given
    elif isinstance(parent, list):
        parent.insert(_place(parent, last), given)
    else:
        raise PatchError(f"nothing can be put at {last!r}: it is neither an object nor a list")
    return value


def _place(parent: list[Any], token: str) -> int:
    if token == "-":  # noqa: S105 - behind the last
        return len(parent)
    if not INDEX.fullmatch(token) or int(token) > len(parent):
        raise PatchError(f"{token!r} is no place in a list of {len(parent)}")
    return int(token)


def _without(value: Any, path: list[str]) -> tuple[Any, Any]:
    """The value without what is at the path, and that."""
    if not path:
        return None, value
    parent, last = _get(value, path[:-1]), path[-1]
    taken = _child(parent, last)
    del parent[last if isinstance(parent, dict) else int(last)]
    return value, taken


def _same(one: Any, other: Any) -> bool:
    """As JSON compares: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
