"""How well each source is heard: brokers and the ways in of the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta

from agents.ledger.models import Ear
from agents.ledger.services.ears import WayKind
from agents.ledger.values import Sources, micros
from agents.queues.stuck import candidates
from agents.queues.stuck.values import BrokerFacts, LedgerFacts
from agents.queues.values import BrokerState

EAR_STALE_S = 15.0
# What was told after a broker fell silent, but for what was on its way.
AFTERWARDS_S = 3.0
BEFORE_S = 60.0
ROUND_IT = int(Sources.HTTP | Sources.SPAN)


def broker_facts(state: BrokerState, now: datetime) -> BrokerFacts:
    fresh = state.is_fresh(now)
    since, before = micros(state.since), micros(state.since - timedelta(seconds=BEFORE_S))
    after = micros(state.since + timedelta(seconds=AFTERWARDS_S))
    away = not fresh and not state.reachable and state.sampled_at is not None
    return BrokerFacts(
        state.name,
        state.kind,
        state.reachable,
        state.age_s(now),
        away_s=(now - state.since).total_seconds() if away else 0.0,
        reason=state.reason,
        told_since=away and candidates.told_of(state.name, after, micros(now)),
        told_before=away and candidates.told_of(state.name, before, since, ROUND_IT),
        fresh=fresh,
    )


def ledger_facts(ear: Ear | None, broker: str, kind: WayKind, now: datetime) -> LedgerFacts:
    what = "events" if kind is WayKind.EVENTS else "Celery's events"
    if ear is None or ear.heard_until is None:
        return LedgerFacts(False, None, f"{what} of {broker} were never heard")
    age = (now - ear.heard_until).total_seconds()
    if not ear.hears:
        return LedgerFacts(False, age, f"{what} of {broker} are not heard: {ear.problem}")
    if age > EAR_STALE_S:
        return LedgerFacts(False, age, f"{what} of {broker} were last heard {age:.0f} s ago: nobody listens")
    return LedgerFacts(True, age)
