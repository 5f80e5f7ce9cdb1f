"""The watcher's look: judges what is beyond its time, and keeps causes as they are now, with their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from agents.ledger.models import MessageRow
from agents.ledger.values import UNDER_WAY, micros
from agents.queues.stuck import candidates, causes
from agents.queues.stuck.causes import Cause, Spot
from agents.queues.stuck.graph import Judged, Node, resolve
from agents.queues.stuck.judging import NOT_YET
from agents.queues.stuck.memory import Memory
from agents.queues.stuck.models import OPEN, OVER, CauseChange, CauseRow, StuckLook
from agents.queues.stuck.scene import Reader, Scene, of_message
from agents.queues.stuck.values import Evidence, Judgement
from core import clock, hints
from core.databases import TELEMETRY
from core.transitions import StaleStateError, advance

TOPIC = "stuck"
# Not seen for so long, a cause is over: evidence that flickers does not make it come and go.
OVER_AFTER = timedelta(seconds=6)
ONLY = 1


def judged(scene: Scene) -> dict[str, Judged]:
    return resolve(scene.nodes)


def spots(scene: Scene) -> dict[str, Spot]:
    return {id: Spot(*where) for id, where in scene.wheres.items()}


class Seen(NamedTuple):
    """One message as it was judged: the scene, its node (none when it is not under way), and what is said."""

    scene: Scene
    node: Node | None
    judgement: Judgement


class Looker:
    """Looks again and again. For one thread."""

    def __init__(self) -> None:
        self._reader = Reader(Memory())

    def close(self) -> None:
        self._reader.close()

    def look(self) -> list[Cause]:
        began, now = clock.monotonic(), clock.now()
        scene = self._reader.read(now)
        found = causes.of(scene.nodes, judged(scene), spots(scene), now)
        keep(found, scene, now, round((clock.monotonic() - began) * 1000))
        return found


def keep(found: Sequence[Cause], scene: Scene, now: datetime, took_ms: int = 0) -> None:
    """Those that are new are opened, those that last are renewed, and those that are gone are over."""
    with transaction.atomic(using=TELEMETRY):
        open_ = {row.key: row for row in CauseRow.objects.filter(state=OPEN)}
        for cause in found:
            _renew(open_.get(cause.key), cause, scene, now)
        gone = [row for key, row in open_.items() if key not in {cause.key for cause in found}]
        over = [row for row in gone if now - row.seen_at >= OVER_AFTER]
        for row in over:
            _end(row, now)
        facts = {"at": now, "took_ms": took_ms, "looked_at": len(scene.nodes)}
        StuckLook.objects.update_or_create(pk=ONLY, defaults=facts)
        if found or over:
            hints.hint(TOPIC, using=TELEMETRY)


def _renew(row: CauseRow | None, cause: Cause, scene: Scene, now: datetime) -> None:
    values = _values(cause, scene, now)
    if row is not None:
        CauseRow.objects.filter(pk=row.pk, state=OPEN).update(**values)
        return
    opened = CauseRow.objects.create(key=cause.key, since=now, **values)
    CauseChange.objects.create(cause=opened, after=OPEN, at=now, messages=cause.messages, says=cause.sentence)


def _end(row: CauseRow, now: datetime) -> None:
    def history() -> None:
        says = f"no message is held up by it any more, after {(now - row.since).total_seconds():.0f} s"
        CauseChange.objects.create(cause=row, after=OVER, at=now, messages=0, says=says)

    try:
        advance(
            CauseRow.objects.all(),
            pk=row.pk,
            from_states=[OPEN],
            to=OVER,
            history=history,
            changes={"over_at": now},
        )
    except StaleStateError:
        return


def _values(cause: Cause, scene: Scene, now: datetime) -> dict[str, Any]:
    return {
        "verdict": cause.verdict,
        "environment": cause.environment,
        "broker": cause.broker,
        "queue": cause.queue,
        "agent": cause.agent,
        "sentence": cause.sentence,
        "messages": cause.messages,
        "frees": cause.frees,
        "behind": cause.behind,
        "oldest_at": cause.oldest_at,
        "seen_at": now,
        "detail": detail(cause, scene, now),
    }


def detail(cause: Cause, scene: Scene, now: datetime) -> dict[str, Any]:
    """What a page opens, as JSON."""
    return {
        "evidence": [evidence(each) for each in cause.evidence],
        "ruled_out": [{"verdict": str(each.verdict), "because": each.because} for each in cause.ruled_out],
        "missing": list(cause.missing),
        "message_ids": _named(cause, scene, now),
    }


def evidence(each: Evidence) -> dict[str, Any]:
    age = None if each.age_s is None else round(each.age_s, 1)
    return {"kind": str(each.kind), "says": each.says, "age_s": age, "source": each.source, "link": each.link}


def _named(cause: Cause, scene: Scene, now: datetime) -> list[str]:
    """Those in hand first, then those that wait longest."""
    found = [scene.rows[id].message_id for id in cause.nodes if id in scene.rows][: causes.MOST_NAMED]
    before = micros(now - timedelta(seconds=candidates.YOUNGEST_S))
    for id in cause.nodes:
        if id in scene.groups and len(found) < causes.MOST_NAMED:
            found += candidates.some_of(scene.groups[id].where, before, causes.MOST_NAMED - len(found))
    return found


def one(row: MessageRow, now: datetime) -> Seen:
    """One message judged now, with everything that it may wait for."""
    return several([row], now)[row.pk]


def several(rows: Sequence[MessageRow], now: datetime) -> dict[int, Seen]:
    """Each of these judged now, by their numbers; who is not under way is not stuck."""
    reader = Reader(Memory())
    try:
        scene = reader.read(now, also=[row for row in rows if row.state in UNDER_WAY])
    finally:
        reader.close()
    found = judged(scene)
    return {row.pk: _seen(scene, found, of_message(row)) for row in rows}


def _seen(scene: Scene, found: Mapping[str, Judged], id: str) -> Seen:
    if id not in found:
        return Seen(scene, None, NOT_YET)
    return Seen(scene, scene.nodes[id], found[id].judgement)
