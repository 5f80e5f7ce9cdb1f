"""A2A agent cards: where one is found, what it says, and how long it may be believed. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

WELL_KNOWN = "/.well-known/agent-card.json"
# Without a word about caching, and whatever is said: not oftener, not more rarely.
USUALLY, SOONEST, LATEST = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
MOST_SKILLS = 200


class CardRefusedError(Exception):
    """What was fetched is no agent card."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the registry takes from a card. Its text is kept whole beside it, since its signatures are over that."""

    name: str
    description: str
    version: str
    endpoint: str
    capabilities: tuple[str, ...]
    owner: str = ""
    signatures: list[Any] = field(default_factory=list)


def address_of(url: str) -> str:
    """The card's address: the URL itself when it names a file, else the well-known place at its host."""
    parts = urlsplit(url)
    if parts.path.endswith(".json"):
        return url
    base = parts.path.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, base + WELL_KNOWN, "", ""))


def read(text: str) -> Card:
    """Raises CardRefusedError, which says what is missing."""
    try:
        said = json.loads(text)
    except ValueError:
        raise CardRefusedError("It is no JSON.") from None
    if not isinstance(said, dict):
        raise CardRefusedError("It is no object.")
    return Card(
        name=_text(said, "name", 300, required=True),
        description=_text(said, "description", 5_000),
        version=_text(said, "version", 200),
        endpoint=_endpoint(said),
        capabilities=tuple(_skills(said)),
        owner=_text(_object(said, "provider"), "organization", 200),
        signatures=_list(said, "signatures"),
    )


def fresh_for(headers: Mapping[str, str]) -> timedelta:
    """How long Cache-Control says that the card need not be asked for again, within bounds."""
    said = headers.get("cache-control", "").lower()
    if re.search(r"\bno-(cache|store)\b", said):
        return SOONEST
    found = re.search(r"\bmax-age=\"?(\d{1,9})", said)
    life = timedelta(seconds=int(found[1])) if found else USUALLY
    return min(max(life, SOONEST), LATEST)


def _endpoint(said: dict[str, Any]) -> str:
    """Where the agent answers: `url`, or in newer cards the first of its interfaces."""
    if isinstance(said.get("url"), str):
        return _text(said, "url", 1000)
    for name in ("supportedInterfaces", "additionalInterfaces"):
        for each in _list(said, name):
            if isinstance(each, dict) and isinstance(each.get("url"), str):
                return _text(each, "url", 1000)
    raise CardRefusedError("It names no url where the agent answers.")


def _skills(said: dict[str, Any]) -> list[str]:
    """Skills are what the registry calls capabilities: their ids, and their tags."""
    skills = [each for each in _list(said, "skills") if isinstance(each, dict)][:MOST_SKILLS]
    named = [each["id"] for each in skills if isinstance(each.get("id"), str)]
    tags = [tag for each in skills for tag in _list(each, "tags") if isinstance(tag, str)]
    return sorted({word[:200] for word in [*named, *tags] if word})


def _list(said: dict[str, Any], name: str) -> list[Any]:
    found = said.get(name)
    return found if isinstance(found, list) else []


def _object(said: dict[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _text(said: dict[str, Any], name: str, most: int, *, required: bool = False) -> str:
    found = said.get(name)
    if required and not (isinstance(found, str) and found.strip()):
        raise CardRefusedError(f"It has no {name}.")
    return found.replace("\0", "")[:most] if isinstance(found, str) else ""
