"""People and machines with rights, for tests about access."""

from __future__ import annotations

from django.test import Client

from core.access import grants, services
from core.access.api import Scope
from core.access.audit.models import Entry
from core.access.models import Role, ServiceAccount, User
from core.access.services.actor import Actor

ACTOR = services.of_command("test")
PASSWORD = "a long enough phrase"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def role(name: str) -> Role:
    return Role.objects.get(name=name)


def person(name: str, *roles: str, scope: Scope | None = None, password: str | None = None) -> User:
    """Somebody with these roles. Without a password, signing in by form is not possible: it costs no hashing."""
    made = services.create_person(name, password, ACTOR)
    for each in roles:
        services.give(made, role(each), scope or Scope(), ACTOR)
    return made


def actor(user: User) -> Actor:
    """Somebody who acts from a page."""
    return Actor(grants.subject_of(user, via="session"), "192.0.2.9")


def last(action: str) -> Entry:
    """What the trail last says of such an action."""
    return Entry.objects.filter(action=action).latest("sequence")


def machine(
    name: str, *roles: str, scope: Scope | None = None, jwt_subject: str | None = None
) -> ServiceAccount:
    made = services.create_service_account(name, ACTOR, jwt_subject=jwt_subject)
    for each in roles:
        services.give(made, role(each), scope or Scope(), ACTOR)
    return made


def token(account: ServiceAccount, bounds: Scope | None = None) -> str:
    return services.create_token(account, bounds or Scope(), ACTOR).secret


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, BACKEND)
    return client


def bearer(raw: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {raw}"}
