"""Tokens: made, shown once, and revoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from core import clock
from core.access import built_in_roles, stamp, token_secret
from core.access.api import Kind, Scope
from core.access.audit.api import Action, Target
from core.access.models import Role, ServiceAccount, Token, User
from core.access.services import accounts, grants
from core.access.services.actor import EVERYWHERE, Actor
from core.access.services.errors import AccessError, AlreadyGoneError, OtherRightsError


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the only moment when its secret is known."""

    row: Token
    secret: str = field(repr=False)


@transaction.atomic
def create_token(
    holder: User | ServiceAccount,
    bounds: Scope,
    actor: Actor,
    *,
    name: str = "",
    expires_in: timedelta | None = None,
    secret: str | None = None,
) -> NewToken:
    """Make a token that stands for the holder within the bounds. A person makes tokens only for itself."""
    _check_holder(holder, bounds, actor)
    secret = secret or token_secret.make()
    row = Token.objects.create(
        **{grants.field_of(holder): holder},
        name=name or str(holder),
        prefix=token_secret.prefix(secret),
        digest=token_secret.digest(secret),
        environment=bounds.environment,
        queue=bounds.queue,
        agent=bounds.agent,
        expires_at=clock.now() + expires_in if expires_in else None,
    )
    actor.record(Action.TOKEN_CREATED, _target(row), after=_values(row))
    return NewToken(row, secret)


def _check_holder(holder: User | ServiceAccount, bounds: Scope, actor: Actor) -> None:
    if isinstance(holder, ServiceAccount):
        actor.must_manage(bounds)
    elif not _is(actor, holder):
        raise AccessError("A token that acts as a person is made by that person only.")


@transaction.atomic
def create_named_token(
    name: str,
    role: Role,
    scope: Scope | None,
    actor: Actor,
    *,
    expires_in: timedelta | None = None,
    secret: str | None = None,
) -> NewToken:
    """A service account of that name, the role for it, and a token, in one go.

    An account that is there already must have exactly this role and scope: otherwise a token asked for as a viewer's
    would carry whatever else the account may do.
    """
    scope = scope or default_bounds(role)
    actor.must_manage(scope)
    account = ServiceAccount.objects.filter(name=name).first() or accounts.create_service_account(name, actor)
    held = [(grant.role_id, grant.scope) for grant in account.grants.all()]
    if held and held != [(role.pk, scope)]:
        raise OtherRightsError(
            f"The account {name} has other rights already. Choose another name, or change its grants in the admin."
        )
    if not account.active:
        raise AccessError(f"The account {name} is switched off. Switch it on in the admin first.")
    grants.give(account, role, scope, actor)
    return create_token(account, scope, actor, expires_in=expires_in, secret=secret)


def default_bounds(role: Role) -> Scope:
    """What brings data in is bound to this Postroom's own environment unless somebody says otherwise."""
    writes = not built_in_roles.WRITING.isdisjoint(role.allowed())
    return Scope(settings.POSTROOM.environment) if writes else EVERYWHERE


@transaction.atomic
def revoke_token(token: Token, actor: Actor) -> None:
    """End a token for good. It is refused everywhere within a second."""
    if token.user is None or not _is(actor, token.user):
        actor.must_manage(token.scope)
    if not Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now()):
        raise AlreadyGoneError
    stamp.bump()
    actor.record(Action.TOKEN_REVOKED, _target(token), before=_values(token))


@transaction.atomic
def revoke_named(name: str, actor: Actor) -> int:
    """Revoke every live token of that name; how many there were."""
    live = list(Token.objects.filter(name=name, revoked_at=None))
    for token in live:
        revoke_token(token, actor)
    return len(live)


def _is(actor: Actor, person: User) -> bool:
    return (actor.subject.kind, actor.subject.id) == (Kind.PERSON, str(person.pk))


def _values(token: Token) -> dict[str, object]:
    return {
        "prefix": token.prefix,
        "of": str(token.holder),
        "bound_to": str(token.scope),
        "expires_at": clock.rfc3339(token.expires_at) if token.expires_at else None,
    }


def _target(token: Token) -> Target:
    return Target("token", token.prefix, token.name)
