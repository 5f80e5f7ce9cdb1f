"""Scopes narrow what a subject finds among spans."""

from __future__ import annotations

from agents.spans.api import EVERYWHERE
from agents.spans.selectors import reach_of
from core.access.api import ANONYMOUS, Grant, Kind, Permission, Place, Scope, Subject

SEE = frozenset({Permission.SEE})
PAY = Place("production", "pay.q", "pay")
NO_QUEUE = Place("production", None, "pay")


def subject(*scopes: Scope, bounds: Scope = Scope()) -> Subject:  # noqa: B008 - frozen
    return Subject(Kind.PERSON, "1", "ana", tuple(Grant("viewer", SEE, scope) for scope in scopes), bounds)


def test_a_grant_everywhere_need_not_be_asked() -> None:
    assert reach_of(subject(Scope(agent="x"), Scope())) is EVERYWHERE


def test_a_grant_for_an_environment_reaches_there__and_not_elsewhere() -> None:
    reach = reach_of(subject(Scope(environment="prod*")))
    assert reach(PAY)
    assert not reach(Place("staging", None, "pay"))


def test_bounds_narrow_a_grant_everywhere() -> None:
    reach = reach_of(subject(Scope(), bounds=Scope(environment="staging")))
    assert not reach(PAY)


def test_a_grant_for_queues_does_not_reach_spans_without_one() -> None:
    reach = reach_of(subject(Scope(queue="pay.*")))
    assert reach(PAY)
    assert not reach(NO_QUEUE)


def test_a_stranger_reaches_nothing() -> None:
    assert not reach_of(ANONYMOUS)(PAY)
    assert not reach_of(subject())(PAY)
