"""What travels about access: the shapes of requests and answers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from rest_framework import serializers

from core import clock, env
from core.access import effective, scope_text
from core.access.api import Permission, Scope, Subject
from core.access.models import Approval, ApprovalLimit, GrantRow, Role, ServiceAccount, Token, User
from dashboard.api import query

NAMES = [str(permission) for permission in Permission]
TOKEN_STATES = ["live", "expired", "revoked"]
APPROVAL_STATES = ["waiting", "approved", "rejected", "withdrawn", "expired"]
# Whom a grant can be given to, and the field that names one.
HOLDERS: dict[str, tuple[Any, str]] = {
    "user": (User, "username"),
    "group": (Group, "name"),
    "service_account": (ServiceAccount, "name"),
}


def _pattern(text: str) -> None:
    try:
        scope_text.checked(text)
    except ValueError as problem:
        raise serializers.ValidationError(str(problem)) from None


def pattern() -> serializers.CharField:
    """One pattern of a scope."""
    return serializers.CharField(required=False, default="*", validators=[_pattern])


class ScopeShape(serializers.Serializer[Any]):
    """Patterns (`*`, `?`, `[…]`); what is left out is everywhere."""

    environment = pattern()
    queue = pattern()
    agent = pattern()


def scope_of(data: dict[str, Any]) -> Scope:
    return Scope(data["environment"], data["queue"], data["agent"])


def scope_data(scope: Scope) -> dict[str, str]:
    return {"environment": scope.environment, "queue": scope.queue, "agent": scope.agent}


# ---- Me --------------------------------------------------------------------------------------------------------
class GrantedWhereShape(ScopeShape):
    role = serializers.CharField()
    group = serializers.CharField(help_text="The group that it comes from; empty: the account's own.")


class RightShape(serializers.Serializer[Any]):
    permission = serializers.ChoiceField(choices=NAMES)
    title = serializers.CharField()
    held = serializers.BooleanField()
    where = GrantedWhereShape(many=True)


class MeShape(serializers.Serializer[Any]):
    """Who am I, and what may I do where?"""

    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    via = serializers.CharField(help_text="How it proved who it is: session, token:NAME, jwt:ISSUER.")
    bound_to = ScopeShape(help_text="Nothing outside of this can be done, whatever the roles say.")
    permissions = RightShape(many=True)


def me(subject: Subject) -> dict[str, Any]:
    return {
        "kind": str(subject.kind),
        "id": subject.id,
        "name": subject.name,
        "via": subject.via,
        "bound_to": scope_data(subject.bounds),
        "permissions": [_right(right) for right in effective.rights(subject)],
    }


def _right(right: effective.Right) -> dict[str, Any]:
    where = [{"role": each.role, "group": each.through} | scope_data(each.scope) for each in right.where]
    return {
        "permission": str(right.permission),
        "title": right.title,
        "held": right.held,
        "where": where,
    }


# ---- Roles -----------------------------------------------------------------------------------------------------
class RoleShape(serializers.Serializer[Any]):
    """A role."""

    name = serializers.SlugField(max_length=60)
    title = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=NAMES), allow_empty=False)
    built_in = serializers.BooleanField(read_only=True)


class RoleChange(serializers.Serializer[Any]):
    """What of a role is to change."""

    title = serializers.CharField(required=False, allow_blank=True, max_length=200)
    permissions = serializers.ListField(
        child=serializers.ChoiceField(choices=NAMES), allow_empty=False, required=False
    )


def role(row: Role) -> dict[str, Any]:
    allowed = sorted(str(permission) for permission in row.allowed())
    return {"name": row.name, "title": row.title, "permissions": allowed, "built_in": row.built_in}


# ---- Grants ----------------------------------------------------------------------------------------------------
class NewGrant(ScopeShape):
    """Exactly one of user, group and service_account, by name."""

    role = serializers.CharField()
    user = serializers.CharField(required=False)
    group = serializers.CharField(required=False)
    service_account = serializers.CharField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in HOLDERS) != 1:
            raise serializers.ValidationError("Give one of user, group and service_account.")
        return attrs


class GrantShape(ScopeShape):
    """A role joined to somebody within a scope."""

    id = serializers.IntegerField()
    role = serializers.CharField()
    user = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)
    service_account = serializers.CharField(allow_null=True)
    created_at = query.UtcTime()


class GrantFilters(query.Filters):
    """Whose, and of which role."""

    user = serializers.CharField(required=False)
    group = serializers.CharField(required=False)
    service_account = serializers.CharField(required=False)
    role = serializers.CharField(required=False)


def grant(row: GrantRow) -> dict[str, Any]:
    holders = dict.fromkeys(HOLDERS) | {row.holder_kind: row.holder_name}
    return (
        {"id": row.pk, "role": row.role.name}
        | holders
        | scope_data(row.scope)
        | {"created_at": clock.rfc3339(row.created_at)}
    )


# ---- Tokens ----------------------------------------------------------------------------------------------------
class NewToken(serializers.Serializer[Any]):
    """A token for a machine: the service account of that name, made if need be, with exactly this role and scope."""

    name = serializers.CharField(max_length=150)
    role = serializers.CharField()
    scope = ScopeShape(
        required=False,
        help_text="Without it: everywhere, or for a role that writes, this Postroom's own environment.",
    )
    expires_in = serializers.CharField(required=False, help_text="12h, 90d; without it, never.")

    def validate_expires_in(self, value: str) -> Any:
        try:
            return env.duration(value)
        except ValueError as problem:
            raise serializers.ValidationError(f"{problem}.") from None


class TokenShape(ScopeShape):
    """A token, without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    user = serializers.CharField(allow_null=True)
    service_account = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=TOKEN_STATES)
    created_at = query.UtcTime()
    expires_at = query.UtcTime(allow_null=True)
    last_used_at = query.UtcTime(allow_null=True)
    revoked_at = query.UtcTime(allow_null=True)


class MadeToken(TokenShape):
    """A new token: the only answer that ever holds the secret."""

    token = serializers.CharField()


class TokenFilters(query.Filters):
    """Of which name."""

    name = serializers.CharField(required=False)


def token(row: Token) -> dict[str, Any]:
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    return (
        {
            "id": row.pk,
            "name": row.name,
            "prefix": row.prefix,
            "user": row.user.username if row.user else None,
            "service_account": row.service_account.name if row.service_account else None,
            "state": row.state,
        }
        | scope_data(row.scope)
        | {name: clock.rfc3339(at) if (at := getattr(row, name)) else None for name in times}
    )


# ---- Approval limits -------------------------------------------------------------------------------------------
class LimitShape(ScopeShape):
    """Above a count, an action needs a second person; without a role, for every role with no limit of its own."""

    id = serializers.IntegerField(read_only=True)
    action = serializers.ChoiceField(choices=NAMES)
    role = serializers.CharField(required=False, allow_null=True, default=None)
    above = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


def limit(row: ApprovalLimit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "action": row.action,
        "role": row.role.name if row.role else None,
        "above": row.above,
    } | scope_data(row.scope)


# ---- Approvals -------------------------------------------------------------------------------------------------
class ApprovalShape(serializers.Serializer[Any]):
    """A request for a second person. `sha256` seals what exactly is asked for."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    reference = serializers.CharField()
    sha256 = serializers.CharField()
    count = serializers.IntegerField()
    environment = serializers.CharField(allow_null=True)
    queue = serializers.CharField(allow_null=True)
    agent = serializers.CharField(allow_null=True)
    asked_by = serializers.CharField()
    reason = serializers.CharField()
    asked_at = query.UtcTime()
    expires_at = query.UtcTime(allow_null=True)
    state = serializers.ChoiceField(choices=APPROVAL_STATES)
    decided_by = serializers.CharField()
    decided_at = query.UtcTime(allow_null=True)
    decision_reason = serializers.CharField()
    yours_to_decide = serializers.BooleanField(help_text="It waits, and you may be its second person.")


class ApprovalFilters(query.Filters):
    """In which state, of which kind."""

    state = serializers.CharField(required=False)
    kind = serializers.CharField(required=False)


class Approving(serializers.Serializer[Any]):
    """`sha256` as you were shown it; another is refused."""

    sha256 = serializers.CharField()
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


class Rejecting(serializers.Serializer[Any]):
    """Why not."""

    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


def approval(row: Approval, *, yours: bool) -> dict[str, Any]:
    plain = (
        "kind",
        "reference",
        "sha256",
        "count",
        "environment",
        "queue",
        "agent",
        "reason",
        "decision_reason",
    )
    times = ("asked_at", "expires_at", "decided_at")
    return (
        {"id": str(row.pk), "state": row.state_now, "yours_to_decide": yours}
        | {name: getattr(row, name) for name in plain}
        | {name: clock.rfc3339(at) if (at := getattr(row, name)) else None for name in times}
        | {"asked_by": row.asked_by_name, "decided_by": row.decided_by_name}
    )
