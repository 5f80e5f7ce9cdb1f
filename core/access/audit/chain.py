"""How entries hang together: pure functions from values to keyed hashes.

Each hash is an HMAC over the canonical text of a row, and that text holds the hash of the row before it. Without
the key nobody can make a hash that fits, so no row can be altered, removed, added or moved unseen.
"""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# PostgreSQL's indexes take 2,704 bytes; a character has up to four.
LONGEST_NAME = 500

# What the first entry of all chains to.
GENESIS = "0" * 64

# Everything in an entry but its own hash. The order does not matter: the canonical text is sorted.
ENTRY_FIELDS = (
    "sequence",
    "id",
    "segment",
    "at",
    "action",
    "by_kind",
    "by_id",
    "by_name",
    "by_via",
    "on_kind",
    "on_id",
    "on_name",
    "environment",
    "queue",
    "agent",
    "source",
    "why",
    "before",
    "after",
    "previous",
)
SEAL_FIELDS = (
    "segment",
    "first_sequence",
    "last_sequence",
    "count",
    "first_hash",
    "last_hash",
    "previous",
    "at",
)
DROP_FIELDS = ("segment", "seal_hash", "at")
CHECKPOINT_FIELDS = ("kind", "sequence", "hash", "at")


def canonical(values: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    """One text for one set of values, on every database: sorted keys, no spaces, times in UTC microseconds."""
    return _compact({name: _plain(values[name]) for name in fields})


def keyed_hash(key: str, kind: str, values: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    """`kind` keeps a hash of one sort of row from passing for another's."""
    message = f"postroom audit {kind}\n{canonical(values, fields)}".encode()
    return hmac.digest(key.encode(), message, "sha256").hex()


def of_entry(key: str, values: Mapping[str, Any]) -> str:
    return keyed_hash(key, "entry", values, ENTRY_FIELDS)


def of_seal(key: str, values: Mapping[str, Any]) -> str:
    return keyed_hash(key, "seal", values, SEAL_FIELDS)


def of_drop(key: str, values: Mapping[str, Any]) -> str:
    return keyed_hash(key, "drop", values, DROP_FIELDS)


def of_checkpoint(key: str, values: Mapping[str, Any]) -> str:
    return keyed_hash(key, "checkpoint", values, CHECKPOINT_FIELDS)


def segment_of(moment: datetime) -> str:
    """The month that an entry belongs to: 2026-11."""
    return f"{moment.astimezone(UTC):%Y-%m}"


def stored_text(value: str) -> str:
    """Text as every database gives it back: no NUL, no half of a surrogate pair."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def stored_name(value: str) -> str:
    """Text that an index holds: a database refuses what is too long for one, and with it the change."""
    text = stored_text(value)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def stored_json(value: Mapping[str, Any] | None) -> str | None:
    """Kept as text: a database that parses JSON gives numbers back in another shape, and the hash would not fit."""
    return None if value is None else stored_text(_compact(value))


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, uuid.UUID) else value
