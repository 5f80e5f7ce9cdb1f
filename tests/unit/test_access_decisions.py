"""May it be done? Decided by values alone: scopes, bounds, limits, what a role may do."""

from __future__ import annotations

import pytest

from core.access import effective, limits, scope_text
from core.access.api import (
    ANONYMOUS,
    SOMEWHERE,
    Grant,
    Kind,
    Permission,
    PermissionRefusedError,
    Place,
    Scope,
    Subject,
    may,
    require,
)
from core.access.built_in_roles import BUILT_IN_ROLES
from core.access.limits import Limit

P = Permission
EVERYWHERE = Scope()
PROD = Scope(environment="prod-*")


def subject(*grants: Grant, bounds: Scope = EVERYWHERE) -> Subject:
    return Subject(Kind.SERVICE, "1", "robot", grants, bounds)


def grant(*permissions: Permission, scope: Scope = EVERYWHERE, role: str = "some") -> Grant:
    return Grant(role, frozenset(permissions), scope)


# ---- May ------------------------------------------------------------------------------------------------------
def test_nobody_may_nothing() -> None:
    assert not any(may(ANONYMOUS, permission) for permission in P)


def test_a_grant_in_scope__allowed() -> None:
    assert may(subject(grant(P.PURGE, scope=PROD)), P.PURGE, Place("prod-eu"))


@pytest.mark.parametrize("environment", ["staging", "prod", "PROD-eu", "", "xprod-eu"])
def test_a_grant_out_of_scope__refused(environment: str) -> None:
    assert not may(subject(grant(P.PURGE, scope=PROD)), P.PURGE, Place(environment))


def test_another_permission_in_scope__refused() -> None:
    assert not may(subject(grant(P.SEE)), P.PURGE, Place("prod-eu"))


def test_two_halves_do_not_make_a_grant() -> None:
    """The right permission elsewhere and another permission here add up to nothing."""
    held = subject(grant(P.PURGE, scope=Scope("staging")), grant(P.SEE, scope=Scope("prod")))
    assert not may(held, P.PURGE, Place("prod"))


def test_all_three_patterns_must_match() -> None:
    scoped = subject(grant(P.MOVE, scope=Scope("prod", "orders.*", "shop")))
    assert may(scoped, P.MOVE, Place("prod", "orders.eu", "shop"))
    assert not may(scoped, P.MOVE, Place("prod", "orders.eu", "bank"))
    assert not may(scoped, P.MOVE, Place("prod", "letters", "shop"))


def test_a_thing_without_a_queue_is_not_covered_by_a_grant_for_some_queues() -> None:
    assert not may(subject(grant(P.SEE, scope=Scope(queue="orders"))), P.SEE, Place("prod"))


def test_bounds_narrow_every_grant() -> None:
    bound = subject(grant(*P), bounds=Scope("staging"))
    assert may(bound, P.PURGE, Place("staging"))
    assert not may(bound, P.PURGE, Place("prod"))
    assert not may(bound, P.PURGE, Place())


def test_somewhere_is_enough_for_a_list() -> None:
    assert may(subject(grant(P.SEE, scope=PROD)), P.SEE, SOMEWHERE)


def test_a_refusal_says_which_right_is_missing() -> None:
    decision = may(subject(grant(P.SEE)), P.PURGE, Place("prod"))
    assert decision.missing is P.PURGE
    assert "purge" in decision.reason


def test_require__refused_with_the_decision() -> None:
    with pytest.raises(PermissionRefusedError, match="no role with the right to purge"):
        require(subject(grant(P.SEE)), P.PURGE)


# ---- Scopes ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "prod"),
        ("*", "p[ab]*"),
        ("prod-*", "prod-eu"),
        ("prod-*", "prod-eu-*"),
        ("p?", "p?"),
        ("p?", "px"),
    ],
)
def test_a_scope_contains_what_it_surely_covers(wide: str, narrow: str) -> None:
    assert Scope(wide).contains(Scope(narrow))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [("prod", "*"), ("prod-*", "prod"), ("prod-*", "*"), ("????", "[ab]"), ("??", "a*"), ("p?", "p*")],
)
def test_a_scope_does_not_contain_what_may_reach_further(wide: str, narrow: str) -> None:
    assert not Scope(wide).contains(Scope(narrow))


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("prod", Scope("prod")),
        ("environment=prod-*, queue=orders.*", Scope("prod-*", "orders.*")),
        ("agent=shop", Scope(agent="shop")),
        ("", EVERYWHERE),
    ],
)
def test_scope_text__read(text: str, scope: Scope) -> None:
    assert scope_text.parse(text) == scope
    assert scope_text.parse(scope_text.write(scope)) == scope


@pytest.mark.parametrize("text", ["team=a", "environment=", "prod,staging", "environment=a,environment=b"])
def test_scope_text__refused(text: str) -> None:
    with pytest.raises(ValueError, match="no part of a scope"):
        scope_text.parse(text)


# ---- Roles ----------------------------------------------------------------------------------------------------
def test_the_contract_names_the_roles() -> None:
    assert set(BUILT_IN_ROLES) == {
        "viewer",
        "operator",
        "approver",
        "security",
        "admin",
        "ingest",
        "agent",
        "automation",
    }


def test_every_permission_is_in_a_role_besides_admin_or_manages_something() -> None:
    given = frozenset[P]().union(
        *(role.permissions for name, role in BUILT_IN_ROLES.items() if name != "admin")
    )
    assert frozenset(P) - given <= {P.MANAGE_AGENTS, P.MANAGE_ALERTS, P.MANAGE_LETTERS, P.MANAGE_PRICES}


def test_machines_that_send_may_not_look() -> None:
    for name in ("ingest", "agent"):
        assert BUILT_IN_ROLES[name].permissions.isdisjoint({P.SEE, P.READ_PAYLOADS, P.MANAGE_ACCESS})


def test_what_can_it_do_says_where_and_why() -> None:
    held = subject(Grant("operator", frozenset({P.PURGE}), PROD, "night shift"), grant(P.SEE, role="viewer"))
    found = {right.permission: right for right in effective.rights(held)}
    assert [str(each.scope) for each in found[P.PURGE].where] == ["environment prod-*"]
    assert found[P.PURGE].where[0].because == "role operator, through group night shift"
    assert not found[P.MANAGE_ACCESS].held
    assert set(found) == set(P)


# ---- Approval limits ------------------------------------------------------------------------------------------
ANYONE = Limit(P.PURGE, None, EVERYWHERE, 100)
SENIOR = Limit(P.PURGE, "senior", EVERYWHERE, 1000)
HERE = Place("prod")
JUNIOR = subject(grant(P.PURGE, role="operator"))


def needs(who: Subject, count: int, *known: Limit, place: Place = HERE) -> Limit | None:
    return limits.needs_second_person(known, who, P.PURGE, place, count)


def test_up_to_the_limit__alone() -> None:
    assert needs(JUNIOR, 100, ANYONE) is None


def test_above_the_limit__second_person() -> None:
    assert needs(JUNIOR, 101, ANYONE) is ANYONE


def test_a_role_with_a_limit_of_its_own_does_not_fall_under_the_general_one() -> None:
    senior = subject(grant(P.PURGE, role="senior"))
    assert needs(senior, 1000, ANYONE, SENIOR) is None
    assert needs(senior, 1001, ANYONE, SENIOR) is SENIOR


def test_the_most_generous_role_counts() -> None:
    both = subject(grant(P.PURGE, role="operator"), grant(P.PURGE, role="senior"))
    assert needs(both, 500, ANYONE, SENIOR) is None


def test_a_generous_role_elsewhere_does_not_count_here() -> None:
    elsewhere = subject(
        grant(P.PURGE, role="operator"), grant(P.PURGE, role="senior", scope=Scope("staging"))
    )
    assert needs(elsewhere, 500, ANYONE, SENIOR) is ANYONE


def test_within_a_role_the_strictest_limit_counts() -> None:
    in_prod = Limit(P.PURGE, None, Scope("prod"), 10)
    assert needs(JUNIOR, 50, ANYONE, in_prod) is in_prod
    assert needs(JUNIOR, 50, ANYONE, in_prod, place=Place("staging")) is None


def test_limits_of_another_action_do_not_count() -> None:
    assert needs(JUNIOR, 10_000, Limit(P.REDRIVE, None, EVERYWHERE, 0)) is None
