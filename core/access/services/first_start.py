"""What a first start needs: somebody who may do everything, and a token for telemetry."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from core.access import built_in_roles, sign_in, token_secret
from core.access.api import Scope
from core.access.models import Role, Token, User
from core.access.services import accounts, grants, tokens
from core.access.services.actor import Actor, of_command

ADMIN = "admin"
INGEST = "ingest"
DEMO = "demo"


def ensure_first_admin(password: str | None) -> str | None:
    """Make the first admin if there is no person yet, with a real grant like everybody's.

    Answers the password when it was made up here, so that it can be printed; otherwise None. Safe to call always.
    """
    if User.objects.exists():
        return None
    made_up = None if password else accounts.made_up_password()
    actor = of_command("up")
    with transaction.atomic():
        built_in_roles.install()
        admin = accounts.create_person(ADMIN, password or made_up, actor)
        grants.give(admin, Role.objects.get(name="admin"), Scope(), actor)
    return made_up


def reset_password(username: str, actor: Actor) -> str:
    """Give somebody a made-up password and lift what wrong guesses locked. Answers the password."""
    user = User.objects.get(username=username)
    password = accounts.made_up_password()
    accounts.change_password(user, password, actor)
    sign_in.unlock(username)
    return password


def ensure_ingest_token() -> str:
    """A token that may write telemetry in every environment, the same at every start; safe to call always.

    The database keeps only its hash, so the secret lies in the data directory, in `ingest-token.key`, readable by
    the owner alone: beside the database and the key that signs sessions, which are worth more. A token that was
    revoked or has expired is replaced by a new one.
    """
    return _ensure(INGEST, "ingest")


def ensure_demo_token() -> str:
    """The same for the demo's agents, with the role of agents."""
    return _ensure(DEMO, "agent")


def _ensure(name: str, role: str) -> str:
    secret = _kept_secret(name)
    row = Token.objects.filter(digest=token_secret.digest(secret)).first()
    if row is not None and row.state != "live":
        settings.DATA.forget_secret(f"{name}-token")
        secret, row = _kept_secret(name), None
    if row is None:
        granted = Role.objects.get(name=role)
        tokens.create_named_token(name, granted, Scope("*"), of_command("up"), secret=secret)
    return secret


def _kept_secret(name: str) -> str:
    return token_secret.MARK + str(settings.DATA.secret(f"{name}-token"))
