"""One look at all rules: measure, judge, write what changed, tell whom it concerns.

What is written per change is compare-and-set with its history, and its notices stand in the same transaction: a
watcher that dies in between leaves either both or neither, and the next one finds the rest by looking again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from agents.alerts import api, evaluation
from agents.alerts.actors import RULES
from agents.alerts.models import Alert, Point, Rule
from agents.alerts.services import moving, outbox, under
from agents.alerts.values import OPEN, Reading, Readings, Signal, Spot, Standing, State
from agents.alerts.wording import detail_of, title_of

log = structlog.get_logger(__name__)

# A figure that goes on as before is written this often, and a while after it began less often.
NOTE_EVERY, CALM_EVERY = timedelta(seconds=10), timedelta(seconds=60)
CALM_AFTER = timedelta(minutes=10)
# What was measured before an alert began, for its page. In memory, so both ways bounded.
BEFORE, MOST_SPOTS = 12, 20_000

# Causes of stuck messages that are as somebody decided.
WANTED = frozenset({"awaiting_input", "retry_backoff"})

Key = tuple[int, str]
Asked = tuple[Signal, timedelta]


@dataclass(frozen=True, slots=True)
class Judged:
    """What one rule finds about one spot."""

    rule: Rule
    spot: Spot
    reading: Reading | None
    alert: Alert | None
    after: Standing

    @property
    def changes(self) -> bool:
        return self.alert is None or self.after.state != self.alert.state


@dataclass(slots=True)
class Looker:
    """Looks at all rules, again and again, from one thread. Its memory is only of what pages show besides."""

    _seen: dict[Key, deque[tuple[datetime, float]]] = field(default_factory=dict)
    _noted: dict[object, datetime] = field(default_factory=dict)
    _measured: dict[object, datetime] = field(default_factory=dict)

    def look(self, now: datetime, wanted: Callable[[], bool] = lambda: True) -> int:
        """One look; returns how many alerts changed their state. `wanted`: whether this watcher still leads, asked
        once more before anything is written."""
        rules = list(Rule.objects.filter(enabled=True))
        measured = measure(rules, now)
        open_ = _open_by_rule()
        judged = [each for rule in rules for each in self._judge(rule, measured[_asked(rule)], open_, now)]
        for rule in rules:
            self._remember(rule, measured[_asked(rule)], now)
        if not wanted():
            return 0
        changed = [each for each in judged if each.changes]
        self._write(changed, _orphans(open_, rules), now)
        self._note([each for each in judged if not each.changes], now)
        return len(changed)

    def _judge(
        self, rule: Rule, found: Readings, open_: Mapping[int, list[Alert]], now: datetime
    ) -> list[Judged]:
        before = {alert.spot.key: alert for alert in open_.get(rule.pk, [])}
        readings = {each.spot.key: each for each in found.rows if applies(rule, each.spot)}
        gone = {key: _gone(alert, found.missing) for key, alert in before.items() if key not in readings}
        every: list[tuple[Spot, Reading | None, Alert | None]]
        every = [(each.spot, each, before.get(key)) for key, each in readings.items()]
        every += [(before[key].spot, reading, before[key]) for key, reading in gone.items()]
        terms = rule.terms(now)
        steps = [(each, evaluation.step(terms, self._standing(each[2]), each[1], now)) for each in every]
        return [Judged(rule, *each, after) for each, after in steps if after is not None]

    def _standing(self, alert: Alert | None) -> Standing | None:
        """What was measured since it was last written is known here only."""
        if alert is None:
            return None
        seen = self._measured.get(alert.pk, alert.measured_at)
        alert.measured_at = max(filter(None, (seen, alert.measured_at)), default=None)
        return alert.standing

    def _write(self, changed: list[Judged], orphans: list[Alert], now: datetime) -> None:
        if not changed and not orphans and not outbox.untold().exists():
            return
        with transaction.atomic():
            cleared = [alert for each in changed if (alert := self._move(each, now)) is not None]
            cleared += [
                alert for alert in orphans if moving.end(alert, RULES, "its rule was switched off", now)
            ]
            outbox.tell_cleared(cleared, now)
            under.fold(now)
            outbox.tell_fired(outbox.untold(), now)

    def _move(self, each: Judged, now: datetime) -> Alert | None:
        """Write one change; the alert when it is over."""
        value = each.reading.value if each.reading else None
        if each.alert is None:
            alert = moving.begin(_new(each, now), RULES, now)
            if alert is not None:
                self._note_before(alert, each)
            return None
        why = detail_of(each.rule, each.reading)
        if not moving.step(each.alert, each.after, RULES, why, now, value):
            return None
        Point.objects.create(alert=each.alert, at=now, value=value)
        return each.alert if each.after.state is State.CLEARED else None

    def _note_before(self, alert: Alert, each: Judged) -> None:
        seen = self._seen.get((each.rule.pk, each.spot.key), ())
        points = [Point(alert=alert, at=at, value=value) for at, value in seen]
        Point.objects.bulk_create([*points, Point(alert=alert, at=alert.since, value=alert.value)])

    def _note(self, standing: list[Judged], now: datetime) -> None:
        """What goes on: its figures for the page, and how it stands for whoever looks next."""
        due = [each for each in standing if self._is_due(each, now)]
        rows = [_noted(each) for each in due]
        if rows:
            fields = ["value", "detail", "measured_at", "holds_since", "quiet_since", "unknown_since"]
            Alert.objects.bulk_update(rows, [*fields, "unknown_why"], batch_size=200)
            Point.objects.bulk_create(
                [Point(alert=row, at=now, value=_value(each)) for row, each in zip(rows, due, strict=True)]
            )
        for each in standing:
            assert each.alert is not None
            self._measured[each.alert.pk] = each.after.seen_at
        alive = {each.alert.pk for each in standing if each.alert}
        self._measured = {pk: at for pk, at in self._measured.items() if pk in alive}
        self._noted = {pk: at for pk, at in self._noted.items() if pk in alive} | {
            row.pk: now for row in rows
        }

    def _is_due(self, each: Judged, now: datetime) -> bool:
        alert = each.alert
        assert alert is not None
        turned = (alert.unknown_since is None) != (each.after.unknown_since is None)
        turned |= (alert.quiet_since is None) != (each.after.quiet_since is None)
        every = CALM_EVERY if now - alert.since > CALM_AFTER else NOTE_EVERY
        return turned or now - self._noted.get(alert.pk, alert.since) >= every

    def _remember(self, rule: Rule, found: Readings, now: datetime) -> None:
        for each in found.rows:
            key = (rule.pk, each.spot.key)
            if each.value is not None and (key in self._seen or len(self._seen) < MOST_SPOTS):
                self._seen.setdefault(key, deque(maxlen=BEFORE)).append((now, each.value))


def measure(rules: Iterable[Rule], now: datetime) -> dict[Asked, Readings]:
    """Each signal once for each stretch of time that a rule asks for, whatever becomes of the others."""
    offered = api.measures()
    wanted = {_asked(rule) for rule in rules}
    return {asked: _measure(offered.get(asked[0]), asked, now) for asked in wanted}


def _measure(measure: api.Measure | None, asked: Asked, now: datetime) -> Readings:
    if measure is None:
        return Readings(missing="nothing measures it yet")
    try:
        return measure(now, asked[1])
    except Exception as problem:
        log.exception("a signal cannot be measured", signal=asked[0], problem=str(problem))
        return Readings(missing=f"it cannot be measured: {type(problem).__name__}")


def applies(rule: Rule, spot: Spot) -> bool:
    """Is this spot one that the rule looks at? A message that waits because somebody wants it to is looked at only
    by a rule that names its cause."""
    if rule.signal == Signal.STUCK and not (
        rule.cause == spot.name or (not rule.cause and spot.name not in WANTED)
    ):
        return False
    return rule.scope.covers(spot.place)


def _asked(rule: Rule) -> Asked:
    return Signal(rule.signal), rule.window


def _open_by_rule() -> dict[int, list[Alert]]:
    found: dict[int, list[Alert]] = {}
    for alert in Alert.objects.filter(state__in=OPEN, rule__isnull=False).select_related("rule"):
        assert alert.rule_id is not None
        found.setdefault(alert.rule_id, []).append(alert)
    return found


def _orphans(open_: Mapping[int, list[Alert]], rules: Iterable[Rule]) -> list[Alert]:
    """Alerts whose rule counts no more."""
    counting = {rule.pk for rule in rules}
    return [alert for rule, alerts in open_.items() if rule not in counting for alert in alerts]


def _gone(alert: Alert, missing: str) -> Reading | None:
    """Not measured any more: unknown when something is missing, else it is not there."""
    return Reading(alert.spot, None, missing) if missing else None


def _new(each: Judged, now: datetime) -> Alert:
    reading, rule = each.reading, each.rule
    assert reading is not None
    spot = each.spot
    return Alert(
        environment=spot.environment,
        broker=spot.broker,
        queue=spot.queue,
        agent=spot.agent,
        name=spot.name,
        severity=rule.severity,
        title=title_of(rule, reading),
        detail=detail_of(rule, reading),
        key=f"rule {rule.pk}: {spot.key}"[:300],
        link=reading.link[:300],
        raised_by=RULES,
        rule=rule,
        value=reading.value,
        threshold=rule.threshold,
        measured_at=now,
        holds_since=each.after.holds_since,
        state=each.after.state,
    )


def _noted(each: Judged) -> Alert:
    alert, after = each.alert, each.after
    assert alert is not None
    alert.value = _value(each)
    alert.measured_at, alert.holds_since = after.seen_at, after.holds_since
    alert.quiet_since, alert.unknown_since = after.quiet_since, after.unknown_since
    alert.unknown_why = (each.reading.says if each.reading and after.unknown_since else "")[:300]
    if after.unknown_since is None:
        alert.detail = detail_of(each.rule, each.reading)
    return alert


def _value(each: Judged) -> float | None:
    """Nothing there is none of it."""
    return each.reading.value if each.reading else 0.0
