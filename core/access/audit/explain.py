"""Why an entry does not fit its hash: altered alone, moved from elsewhere, or the whole chain written anew.

Only asked when something is broken, so it may read the trail again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from core.access.audit import chain
from core.access.audit.judge import ALTERED, Finding, Row

Rows = Callable[[], Iterable[dict[str, Any]]]

REWRITTEN = (
    "and all others do not fit their keyed hashes: the whole chain was rewritten without the key, or "
    "POSTROOM_AUDIT_KEY is not the key that it was written with"
)


def explain(key: str, finding: Finding, rows: Rows) -> Finding:
    if finding.how != ALTERED:
        return finding
    if not any(_fits(key, row) for row in rows()):
        return Finding(finding.sequence, REWRITTEN)
    broken = next((row for row in rows() if row["sequence"] == finding.sequence), None)
    home = _home(key, broken, rows()) if broken else None
    if home is None or home == finding.sequence:
        return finding
    return Finding(finding.sequence, f"was swapped: the content of entry {home} stands in its place")


def _fits(key: str, row: Row) -> bool:
    return bool(row["hash"] == chain.of_entry(key, row))


def _home(key: str, row: Row, others: Iterable[Row]) -> int | None:
    """The number under which the row's content fits, with the hash it brought along or with the one left there."""
    for other in others:
        moved = {**row, "sequence": other["sequence"], "segment": other["segment"]}
        brought = row["hash"] == chain.of_entry(key, moved)
        if brought or other["hash"] == chain.of_entry(key, moved | {"previous": other["previous"]}):
            return int(other["sequence"])
    return None
