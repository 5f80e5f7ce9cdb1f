"""Every change of access: who may make it, what it must not break, and that it is written down."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections

from core import clock
from core.access import built_in_roles, grants, selectors, services, stamp, subjects, sweep
from core.access.api import Permission, PermissionRefusedError, Place, Scope, may
from core.access.audit.models import Entry
from core.access.models import GrantRow, Role, Token, User
from core.access.services import first_start, groups
from core.access.services.errors import (
    AccessError,
    AlreadyGoneError,
    BuiltInRoleError,
    LastManagerError,
    OtherRightsError,
    RoleInUseError,
)
from core.data_dir import DataDir
from tests.support.accounts import ACTOR, actor, last, machine, person, role, signed_in

P = Permission
pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


# ---- Who may change access ------------------------------------------------------------------------------------
def test_only_who_manages_access_gives_roles() -> None:
    ana, ben = person("ana", "operator"), person("ben")
    with pytest.raises(PermissionRefusedError):
        services.give(ben, role("viewer"), Scope(), actor(ana))
    assert not ben.grants.exists()


def test_a_manager_of_one_environment_gives_roles_there_and_nowhere_else() -> None:
    ana, ben = person("ana", "security", scope=Scope("staging-*")), person("ben")
    services.give(ben, role("viewer"), Scope("staging-eu"), actor(ana))
    for wider in (Scope(), Scope("prod"), Scope("*-eu")):
        with pytest.raises(PermissionRefusedError):
            services.give(ben, role("viewer"), wider, actor(ana))
    assert [grant.environment for grant in ben.grants.all()] == ["staging-eu"]


def test_a_manager_of_one_environment_changes_no_roles_and_no_accounts() -> None:
    ana = actor(person("ana", "security", scope=Scope("staging")))
    with pytest.raises(PermissionRefusedError):
        services.create_role("auditor", [P.READ_AUDIT], ana)
    with pytest.raises(PermissionRefusedError):
        services.create_person("cem", None, ana)


def test_nobody_makes_a_token_that_acts_as_somebody_else() -> None:
    ana, ben = person("ana", "admin"), person("ben", "operator")
    with pytest.raises(AccessError, match="by that person only"):
        services.create_token(ben, Scope(), actor(ana))
    mine = services.create_token(ben, Scope(), actor(ben))
    assert subjects.of_token(mine.secret).name == "ben"  # type: ignore[union-attr]


def test_every_change_is_written_with_who_and_from_where() -> None:
    ana, ben = person("ana", "admin"), person("ben")
    services.give(ben, role("viewer"), Scope("prod"), actor(ana))
    entry = last("access.grant_given")
    assert (entry.by_name, entry.source, entry.on_name) == ("ana", "192.0.2.9", "viewer to ben")
    assert entry.environment == "prod"


# ---- Roles ----------------------------------------------------------------------------------------------------
def test_built_in_roles_cannot_be_changed_or_deleted() -> None:
    with pytest.raises(BuiltInRoleError):
        services.change_role(role("viewer"), [P.PURGE], ACTOR, title="")
    with pytest.raises(BuiltInRoleError):
        services.delete_role(role("viewer"), ACTOR)
    assert role("viewer").allowed() == {P.SEE}


def test_migrate_makes_built_in_roles_what_the_code_says() -> None:
    Role.objects.filter(name="viewer").update(permissions=["purge"])
    built_in_roles.install()
    assert role("viewer").allowed() == {P.SEE}


def test_a_custom_role_is_ordinary() -> None:
    made = services.create_role("auditor", [P.READ_AUDIT], ACTOR, title="Reads")
    ana = person("ana", "auditor")
    services.change_role(made, [P.READ_AUDIT, P.SEE], ACTOR, title="Looks")
    assert may(grants.subject_of(ana), P.SEE)
    with pytest.raises(RoleInUseError):
        services.delete_role(made, ACTOR)
    services.take_away(ana.grants.get(), ACTOR)
    services.delete_role(made, ACTOR)
    assert not Role.objects.filter(name="auditor").exists()


def test_a_role_with_nothing_in_it__refused() -> None:
    with pytest.raises(AccessError, match="at least one"):
        services.create_role("empty", [], ACTOR)


def test_a_permission_that_this_version_does_not_know_opens_nothing() -> None:
    Role.objects.create(name="old", permissions=["fly", "see"])
    assert role("old").allowed() == {P.SEE}


# ---- Grants ---------------------------------------------------------------------------------------------------
def test_a_grant_to_a_group_reaches_its_members() -> None:
    ana, night = person("ana"), Group(name="night")
    groups.save_group(night, ACTOR)
    services.give(night, role("operator"), Scope("prod"), ACTOR)
    assert not may(grants.subject_of(ana), P.PURGE)
    services.set_groups(ana, [night], ACTOR)
    assert may(grants.subject_of(ana), P.PURGE, Place("prod"))
    groups.delete_group(night, ACTOR)
    assert not may(grants.subject_of(User.objects.get(pk=ana.pk)), P.PURGE)


def test_giving_twice_is_giving_once() -> None:
    ana = person("ana", "viewer")
    services.give(ana, role("viewer"), Scope(), ACTOR)
    assert ana.grants.count() == 1
    assert Entry.objects.filter(action="access.grant_given").count() == 1


def test_taking_away_twice__refused() -> None:
    ana = person("ana", "viewer")
    grant = ana.grants.get()
    services.take_away(grant, ACTOR)
    grant.pk = 4711
    with pytest.raises(AlreadyGoneError):
        services.take_away(grant, ACTOR)


def test_a_grant_without_exactly_one_holder_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError):
        GrantRow.objects.create(role=role("viewer"))


@pytest.mark.parametrize(
    "change",
    [
        lambda ana: services.take_away(ana.grants.get(), ACTOR),
        lambda ana: services.change_account(ana, ACTOR, is_active=False),
        lambda ana: services.delete_account(ana, ACTOR),
    ],
    ids=["take away", "switch off", "delete"],
)
def test_the_last_manager_stays(change: Callable[[User], None]) -> None:
    ana = person("ana", "admin")
    person("ben", "security", scope=Scope("staging"))
    with pytest.raises(LastManagerError):
        change(ana)
    assert may(grants.subject_of(User.objects.get(username="ana")), P.MANAGE_ACCESS)


def test_the_last_but_one_manager_may_go() -> None:
    ana, _ = person("ana", "admin"), person("ben", "security")
    services.delete_account(ana, ACTOR)
    assert selectors.who_may(P.MANAGE_ACCESS) == ["ben"]


# ---- The stamp ------------------------------------------------------------------------------------------------
def test_every_change_of_access_moves_the_stamp() -> None:
    ana, robot = person("ana", "admin"), machine("robot")
    before = stamp.read()
    for change in (
        lambda: services.give(robot, role("viewer"), Scope(), ACTOR),
        lambda: services.take_away(robot.grants.get(), ACTOR),
        lambda: services.create_token(robot, Scope(), ACTOR),
        lambda: services.revoke_named("robot", ACTOR),
        lambda: services.change_account(ana, ACTOR, email="ana@example.com"),
        lambda: services.change_password(ana, "another long phrase", ACTOR),
        lambda: services.create_role("auditor", [P.SEE], ACTOR),
    ):
        change()
        after = stamp.read()
        assert after > before
        before = after


@pytest.mark.django_db(transaction=True)
def test_eight_changes_at_once_all_move_the_stamp() -> None:
    before = stamp.read()

    def change(_: int) -> None:
        try:
            stamp.bump()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(40)))
    assert stamp.read() == before + 40


# ---- Tokens ---------------------------------------------------------------------------------------------------
def test_a_token_of_a_role_that_writes_is_bound_to_this_environment(settings: Any) -> None:
    made = services.create_named_token("exporter", role("ingest"), None, ACTOR)
    assert made.row.scope == Scope(settings.POSTROOM.environment)
    held = subjects.of_token(made.secret)
    assert held is not None
    assert may(held, P.WRITE_TELEMETRY, Place(settings.POSTROOM.environment))
    assert not may(held, P.WRITE_TELEMETRY, Place("elsewhere"))


def test_a_second_token_of_a_name_has_the_same_rights_or_is_refused() -> None:
    services.create_named_token("ci", role("admin"), None, ACTOR)
    services.create_named_token("ci", role("admin"), None, ACTOR)
    with pytest.raises(OtherRightsError):
        services.create_named_token("ci", role("viewer"), None, ACTOR)


def test_revoking_twice__refused() -> None:
    made = services.create_named_token("ci", role("viewer"), None, ACTOR)
    services.revoke_token(made.row, ACTOR)
    with pytest.raises(AlreadyGoneError):
        services.revoke_token(made.row, ACTOR)


def test_use_is_written_down_at_most_once_a_minute() -> None:
    secret = services.create_named_token("ci", role("viewer"), None, ACTOR).secret
    start = clock.now()
    for seconds, written_at in ((0, 0), (30, 0), (61, 61), (90, 61)):
        with clock.held(start + timedelta(seconds=seconds)):
            subjects.of_authorization(f"Bearer {secret}", "")
            assert Token.objects.get().last_used_at == start + timedelta(seconds=written_at)


def test_the_command_prints_the_token_alone() -> None:
    out, err = StringIO(), StringIO()
    call_command(
        "token", "create", "ci", "--role=viewer", "--scope=prod", "--expires=90d", stdout=out, stderr=err
    )
    held = subjects.of_token(out.getvalue().strip())
    assert held is not None
    assert (held.name, held.bounds) == ("ci", Scope("prod"))
    assert held.until < (clock.now() + timedelta(days=91)).timestamp()
    call_command("token", "revoke", "ci", stdout=StringIO(), stderr=err)
    assert Token.objects.get().state == "revoked"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "ci", "--role=king"], "There is no role king. There are: admin"),
        (["create", "ci", "--role=viewer", "--expires=soon"], "90d|7d"),
        (["create", "ci", "--role=viewer", "--scope=team=a"], "environment=PATTERN"),
        (["revoke", "ci"], "no live token"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("token", *arguments, stdout=StringIO(), stderr=StringIO())


# ---- The first start ------------------------------------------------------------------------------------------
@pytest.fixture
def data(settings: Any, tmp_path: Path) -> DataDir:
    settings.DATA = DataDir(tmp_path)
    return settings.DATA


def test_the_first_admin_is_made_once_with_a_real_grant() -> None:
    password = services.ensure_first_admin(None)
    assert password is not None
    admin = User.objects.get()
    assert admin.check_password(password)
    assert not admin.is_superuser
    assert may(grants.subject_of(admin), P.MANAGE_ACCESS)
    assert services.ensure_first_admin(None) is None
    assert User.objects.count() == 1


def test_the_first_admin_takes_the_password_that_was_set() -> None:
    assert services.ensure_first_admin("a password of mine") is None
    assert User.objects.get().check_password("a password of mine")


def test_a_lost_password_is_reset_by_command() -> None:
    services.ensure_first_admin("a password of mine")
    out = StringIO()
    call_command("admin", "reset-password", stdout=out, stderr=StringIO())
    assert User.objects.get().check_password(out.getvalue().strip())
    assert last("access.password_changed").source == "manage.py admin reset-password"


def test_the_ingest_token_is_the_same_at_every_start(data: DataDir) -> None:
    first = services.ensure_ingest_token()
    assert services.ensure_ingest_token() == first
    held = subjects.of_token(first)
    assert held is not None
    assert may(held, P.WRITE_TELEMETRY, Place("any"))
    assert not may(held, P.SEE)
    assert (data.root / "ingest-token.key").stat().st_mode & 0o777 == 0o600


def test_a_revoked_ingest_token_is_replaced(data: DataDir) -> None:
    first = services.ensure_ingest_token()
    services.revoke_named(first_start.INGEST, ACTOR)
    second = services.ensure_ingest_token()
    assert second != first
    assert subjects.of_token(second) is not None
    assert subjects.of_token(first) is None


def test_sessions_that_are_over_are_removed() -> None:
    signed_in(person("ana", "viewer"))
    assert sweep.drop_expired() == 0
    with clock.held(clock.now() + timedelta(days=1)):
        assert sweep.drop_expired() == 1
    assert not Session.objects.exists()
