"""Does a row fit where it stands? Pure: from values to a finding, or None when all is well."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.access.audit import chain
from core.access.audit.checkpoints import Checkpoint

Row = Mapping[str, Any]

ALTERED = "was altered: its content does not fit its keyed hash"


@dataclass(frozen=True, slots=True)
class Finding:
    """The first place where the chain does not hold, and how it is broken. `sequence` None: not at one entry."""

    sequence: int | None
    how: str

    def __str__(self) -> str:
        return self.how if self.sequence is None else f"entry {self.sequence} {self.how}"


@dataclass(frozen=True, slots=True)
class Link:
    """What the next entry must be: its number, and the hash that it chains to."""

    sequence: int = 1
    hash: str = chain.GENESIS


def entry(key: str, row: Row, link: Link) -> Finding | None:
    if row["sequence"] != link.sequence:
        return missing(link.sequence, row["sequence"])
    if row["hash"] != chain.of_entry(key, row):
        return Finding(link.sequence, ALTERED)
    if row["previous"] != link.hash:
        return Finding(link.sequence, "does not chain to what stands before it: something there was replaced")
    return None


def missing(expected: int, found: int | None) -> Finding:
    after = "nothing follows" if found is None else f"{found} follows"
    return Finding(expected, f"is missing: {after} on {expected - 1}")


def seal(key: str, row: Row, link: Link) -> Finding | None:
    name = f"the seal of {row['segment']}"
    if row["hash"] != chain.of_seal(key, row):
        return Finding(link.sequence, f"begins a month whose seal does not hold: {name} was altered")
    if row["first_sequence"] != link.sequence:
        return Finding(
            link.sequence, f"belongs to a month that has no seal: {name} begins at {row['first_sequence']}"
        )
    if row["previous"] != link.hash:
        return Finding(link.sequence, f"begins a month that does not chain to the one before: {name}")
    return None


def drop(key: str, row: Row, sealed: Row) -> Finding | None:
    """A hole is accepted only with leave that was given by us, for this very seal."""
    values = {"segment": sealed["segment"], "seal_hash": sealed["hash"], "at": row["at"]}
    if row["hash"] != chain.of_drop(key, values):
        how = f"was removed with the month {sealed['segment']} by somebody without the key"
        return Finding(sealed["first_sequence"], how)
    return None


def head(row: Row, newest: int, accepted: Collection[str]) -> Finding | None:
    """The head row, read after the newest entry, must be at it or beyond and carry its hash."""
    if row["sequence"] < newest:
        return Finding(row["sequence"] + 1, f"is beyond the head, which was set back to {row['sequence']}")
    if row["sequence"] and row["hash"] not in accepted:
        return Finding(row["sequence"], "is not what the head row says it is: the head row was altered")
    return None


def checkpoints(marks: Sequence[Checkpoint], last: int, hashes: Mapping[int, str]) -> Finding | None:
    """`hashes`: what the chain holds at the checkpoints' numbers; a dropped entry is not among them."""
    for mark in marks:
        if mark.hash != hashes.get(mark.sequence, mark.hash):
            how = (
                f"is not the one that the checkpoint of {mark.at} saw: the tail was cut off and written anew"
            )
            return Finding(mark.sequence, how)
    furthest = max(marks, key=lambda mark: mark.sequence, default=None)
    if furthest and furthest.sequence > last:
        how = "is missing: the tail was cut off. A checkpoint"
        return Finding(last + 1, f"{how} of {furthest.at} shows that entry {furthest.sequence} was there")
    return None
