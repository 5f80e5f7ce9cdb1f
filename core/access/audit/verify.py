"""Walks the whole chain and says whether it holds; if not, the first entry that is broken, and how.

Order matters while others write. Checkpoints are read first and lag behind what is committed, so none can lie
beyond the head that is read after them. Entries never change, so they are read in pieces and not in one long
transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.db import connections
from django.db.models import Max

from core import clock
from core.access.audit import chain, checkpoints, judge, triggers
from core.access.audit.checkpoints import Checkpoint, CheckpointError
from core.access.audit.explain import explain
from core.access.audit.judge import Finding, Link, Row
from core.access.audit.models import Drop, Entry, Head, Seal, Verification
from core.databases import DEFAULT

log = structlog.get_logger(__name__)

PIECE = 2000
# Every so often, but never more than a hundredth of the time: a long trail is read less often.
EVERY_S = 300
SHARE = 100
COLUMNS = (*chain.ENTRY_FIELDS, "hash")


class _BrokenError(Exception):
    def __init__(self, finding: Finding) -> None:
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found. `warnings` do not break the chain: a trigger that is missing, say."""

    entries: int
    last_sequence: int
    last_hash: str
    took_ms: int
    finding: Finding | None = None
    warnings: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.finding is None

    def __str__(self) -> str:
        if self.finding is None:
            return f"The chain holds: {self.entries:,} entries, {self.last_sequence:,} is the last."
        return f"The chain is broken: {self.finding}."


@dataclass(slots=True)
class _Walk:
    """Where a walk has come to."""

    key: str
    wanted: frozenset[int]
    link: Link = field(default_factory=Link)
    entries: int = 0
    last_hash: str = chain.GENESIS
    # The hashes at the numbers that checkpoints speak of.
    hashes: dict[int, str] = field(default_factory=dict)
    finding: Finding | None = None


def verify() -> Report:
    """Read everything, change nothing."""
    began = clock.monotonic()
    marks, problem = _checkpoints()
    newest = Entry.objects.using(DEFAULT).aggregate(last=Max("sequence"))["last"] or 0
    head = _head()
    walk = _Walk(settings.AUDIT_KEY, frozenset({mark.sequence for mark in marks} | {head["sequence"]}))
    try:
        seals = _sealed_months(walk)
        _entries(walk, walk.link.sequence, max(newest, head["sequence"]))
        _raise(judge.head(head, newest, _accepted(walk, head, seals)))
        _raise(judge.checkpoints(marks, walk.link.sequence - 1, walk.hashes))
        if problem and walk.link.sequence > 1:
            raise _BrokenError(Finding(None, problem))
    except _BrokenError as broken:
        walk.finding = explain(walk.key, broken.finding, lambda: _rows(1, newest))
    return _report(walk, began)


def period_s(took_ms: int) -> float:
    """How long after a verification that took so long the next one is due."""
    return max(EVERY_S, SHARE * took_ms / 1000)


def verify_and_remember() -> Report:
    """Verify, keep the result for the page, and begin the checkpoints anew when all is well.

    Called by beat: this also covers an entry whose writer was killed between its commit and its checkpoint.
    """
    report = verify()
    Verification.objects.using(DEFAULT).create(
        at=clock.now(),
        took_ms=report.took_ms,
        entries=report.entries,
        last_sequence=report.last_sequence,
        holds=report.holds,
        broken_at=report.finding.sequence if report.finding else None,
        finding=str(report.finding or ""),
    )
    if not report.holds:
        log.error("the audit trail does not hold", finding=str(report.finding))
    elif report.last_sequence:
        checkpoints.start_over(checkpoints.Kind.VERIFIED, report.last_sequence, report.last_hash)
    return report


def _report(walk: _Walk, began: float) -> Report:
    took = round((clock.monotonic() - began) * 1000)
    gone = triggers.missing(connections[DEFAULT])
    warnings = tuple(f"the trigger {name} is missing; the database does not refuse changes" for name in gone)
    return Report(walk.entries, walk.link.sequence - 1, walk.last_hash, took, walk.finding, warnings)


def _checkpoints() -> tuple[list[Checkpoint], str]:
    try:
        return checkpoints.read(), ""
    except CheckpointError as problem:
        return [], f"{problem}; `manage.py audit checkpoint` begins new ones, with a reason"


def _sealed_months(walk: _Walk) -> list[dict[str, Any]]:
    seals = list(Seal.objects.using(DEFAULT).order_by("segment").values(*chain.SEAL_FIELDS, "hash"))
    for seal in seals:
        _raise(judge.seal(walk.key, seal, walk.link))
        if not _dropped(walk, seal):
            _month(walk, seal)
        walk.link = Link(seal["last_sequence"] + 1, seal["hash"])
        walk.last_hash = seal["last_hash"]
    return seals


def _month(walk: _Walk, seal: Row) -> None:
    try:
        _entries(walk, seal["first_sequence"], seal["last_sequence"])
    except _BrokenError:
        # Retention may have come while we were reading this month.
        if not _dropped(walk, seal):
            raise
        return
    if walk.last_hash != seal["last_hash"]:
        raise _BrokenError(Finding(seal["last_sequence"], f"is not what the seal of {seal['segment']} says"))


def _dropped(walk: _Walk, seal: Row) -> bool:
    leave = Drop.objects.using(DEFAULT).filter(pk=seal["segment"]).values("at", "hash").first()
    if leave is None:
        return False
    _raise(judge.drop(walk.key, leave, seal))
    return True


def _entries(walk: _Walk, first: int, last: int) -> None:
    for row in _rows(first, last):
        _raise(judge.entry(walk.key, row, walk.link))
        walk.link = Link(row["sequence"] + 1, row["hash"])
        walk.last_hash = row["hash"]
        walk.entries += 1
        if row["sequence"] in walk.wanted:
            walk.hashes[row["sequence"]] = row["hash"]
    if walk.link.sequence <= last:
        raise _BrokenError(judge.missing(walk.link.sequence, None))


def _rows(first: int, last: int) -> Iterator[dict[str, Any]]:
    for start in range(first, last + 1, PIECE):
        found = Entry.objects.using(DEFAULT).filter(sequence__range=(start, min(start + PIECE - 1, last)))
        yield from found.order_by("sequence").values(*COLUMNS)


def _head() -> dict[str, Any]:
    return dict(Head.objects.using(DEFAULT).values("sequence", "hash").first() or {"sequence": 0, "hash": ""})


def _accepted(walk: _Walk, head: Row, seals: list[dict[str, Any]]) -> set[str]:
    """What the head may say: the hash of its entry, or of the seal that closes its month."""
    own = walk.hashes.get(head["sequence"], chain.GENESIS)
    return {own} | {seal["hash"] for seal in seals if seal["last_sequence"] == head["sequence"]}


def _raise(finding: Finding | None) -> None:
    if finding:
        raise _BrokenError(finding)
