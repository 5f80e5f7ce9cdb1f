"""Approvals and limits: a second person agrees to what was shown, once, in time, and with the right to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connections

from core import clock
from core.access import grants, selectors, services, subjects
from core.access.api import Kind, Permission, PermissionRefusedError, Place, Scope, Subject
from core.access.audit.models import Entry
from core.access.models import Approval, ApprovalLimit
from core.access.services import approvals
from core.access.services.actor import Actor
from core.access.services.errors import (
    AlreadyDecidedError,
    ChangedSinceError,
    NotYoursError,
)
from tests.support.accounts import ACTOR, actor, last, person

P = Permission
SEAL, PLAN = "9f" * 32, "01930000-0000-7000-8000-00000000000a"
pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def asked(by: Subject, place: Place = Place("prod"), **changes: Any) -> Approval:  # noqa: B008 - a value
    request = approvals.Request("purge", PLAN, SEAL, 60, place, "gateway repaired")
    return approvals.ask(replace(request, **changes), Actor(by))


def subject(name: str, *roles: str, scope: Scope | None = None) -> Subject:
    return grants.subject_of(person(name, *roles, scope=scope), via="session")


def test_a_second_person_approves_what_was_shown() -> None:
    ana, ben = subject("ana", "operator"), subject("ben", "approver")
    approval = asked(ana)
    assert selectors.waiting_for(ben) == [approval]
    approvals.approve(approval, SEAL, Actor(ben), "looked at it")
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by_name) == ("approved", "ben")
    assert selectors.waiting_for(ben) == []
    assert last("approval.given").by_name == "ben"


def test_nobody_approves_their_own() -> None:
    ana = subject("ana", "admin")
    approval = asked(ana)
    assert selectors.waiting_for(ana) == []
    with pytest.raises(NotYoursError):
        approvals.approve(approval, SEAL, Actor(ana))
    with pytest.raises(NotYoursError):
        approvals.reject(approval, Actor(ana))


def test_nobody_approves_their_own_by_a_token_of_theirs() -> None:
    ana = person("ana", "admin")
    approval = asked(grants.subject_of(ana, via="session"))
    secret = services.create_token(ana, Scope(), actor(ana)).secret
    by_token = subjects.of_authorization(f"Bearer {secret}", "")
    with pytest.raises(NotYoursError):
        approvals.approve(approval, SEAL, Actor(by_token))


def test_another_hash_than_the_one_shown__refused() -> None:
    approval = asked(subject("ana", "operator"))
    with pytest.raises(ChangedSinceError):
        approvals.approve(approval, "00" * 32, Actor(subject("ben", "approver")))


def test_out_of_scope__refused() -> None:
    approval = asked(subject("ana", "operator"))
    ben = subject("ben", "approver", scope=Scope("staging"))
    assert selectors.waiting_for(ben) == []
    with pytest.raises(PermissionRefusedError):
        approvals.approve(approval, SEAL, Actor(ben))


def test_without_the_right__refused() -> None:
    approval = asked(subject("ana", "operator"))
    with pytest.raises(PermissionRefusedError):
        approvals.reject(approval, Actor(subject("ben", "operator")))


def test_what_was_decided_stays_decided() -> None:
    ana, ben = subject("ana", "operator"), subject("ben", "approver")
    approval = asked(ana)
    approvals.reject(approval, Actor(ben), "not now")
    for again in (
        lambda: approvals.approve(approval, SEAL, Actor(ben)),
        lambda: approvals.reject(approval, Actor(ben)),
        lambda: approvals.withdraw(approval, Actor(ana)),
    ):
        with pytest.raises(AlreadyDecidedError):
            again()


def test_only_who_asked_withdraws() -> None:
    ana, ben = subject("ana", "operator"), subject("ben", "approver")
    approval = asked(ana)
    with pytest.raises(NotYoursError):
        approvals.withdraw(approval, Actor(ben))
    approvals.withdraw(approval, Actor(ana))
    assert approval.state == "withdrawn"


def test_what_is_past_its_time_cannot_be_approved() -> None:
    ana, ben = subject("ana", "operator"), subject("ben", "approver")
    approval = asked(ana, expires_at=clock.now() + timedelta(hours=1))
    with clock.held(clock.now() + timedelta(hours=2)):
        assert selectors.waiting_for(ben) == []
        with pytest.raises(AlreadyDecidedError):
            approvals.approve(approval, SEAL, Actor(ben))
        assert approvals.expire_due(ACTOR) == 1
        assert approvals.expire_due(ACTOR) == 0
    approval.refresh_from_db()
    assert approval.state == "expired"


def test_after_its_time_the_same_can_be_asked_again() -> None:
    ana = subject("ana", "operator")
    first = asked(ana, expires_at=clock.now() + timedelta(hours=1))
    with clock.held(clock.now() + timedelta(hours=2)):
        second = asked(ana, sha256="00" * 32)
    first.refresh_from_db()
    assert (first.state, second.state) == ("expired", "waiting")


def test_asking_again_while_it_waits_is_asking_once() -> None:
    ana = subject("ana", "operator")
    assert asked(ana) == asked(ana)
    with pytest.raises(ChangedSinceError):
        asked(ana, sha256="00" * 32)


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_decide_at_once_one_does() -> None:
    ana = subject("ana", "operator")
    approvers = [subject(f"approver-{number}", "approver") for number in range(8)]
    approval = asked(ana)

    def decide(by: Subject) -> bool:
        try:
            approvals.approve(Approval.objects.get(pk=approval.pk), SEAL, Actor(by))
        except AlreadyDecidedError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, approvers)) == 1
    assert Entry.objects.filter(action="approval.given").count() == 1


def test_a_large_purge_needs_a_second_person_from_the_first_day() -> None:
    ApprovalLimit.objects.all().delete()
    migration = import_module("core.access.migrations.0003_first_limit")
    migration.set_limit(apps, connections["default"].schema_editor())
    ana = subject("ana", "admin")
    assert approvals.needed(ana, P.PURGE, Place("prod"), 1000) is None
    assert approvals.needed(ana, P.PURGE, Place("prod"), 1001) is not None


def test_limits_are_asked_from_the_table() -> None:
    ana = subject("ana", "operator")
    services.save_limit(ApprovalLimit(action="purge", above=100, environment="prod"), ACTOR)
    assert approvals.needed(ana, P.PURGE, Place("prod"), 100) is None
    assert approvals.needed(ana, P.PURGE, Place("prod"), 101) is not None
    assert approvals.needed(ana, P.PURGE, Place("staging"), 101) is None
    assert approvals.needed(ana, P.REDRIVE, Place("prod"), 101) is None


def test_kinds_of_subjects_do_not_mix() -> None:
    """A machine whose id is a person's id is not that person."""
    ana = subject("ana", "operator")
    approval = asked(ana)
    twin = Subject(Kind.SERVICE, ana.id, "robot", grants.subject_of(person("ben", "approver")).grants)
    approvals.approve(approval, SEAL, Actor(twin))
    assert approval.state == "approved"
