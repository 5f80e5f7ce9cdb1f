"""Signing in at an OpenID provider: authorization code, PKCE, nonce. Off unless POSTROOM_OIDC_ISSUER is set.

The provider says who somebody is; what they may do is granted here. Somebody new gets an account with no rights, and
an account that was here before is never taken over by a name or an address that happens to be the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoOAuth2App, OAuth
from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from joserfc.errors import JoseError
from requests import RequestException

from core.access.credentials import CredentialRefusedError, Shown, Why
from core.access.models import User
from core.access.services import accounts
from core.access.services.actor import of_sign_in
from core.env import ASYMMETRIC_ALGORITHMS
from core.options import Config

TIMEOUT_SECONDS = 5
LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is."""

    subject: str
    username: str
    email: str
    first_name: str
    last_name: str


def is_on() -> bool:
    return bool(settings.POSTROOM.oidc_issuer)


def start(request: HttpRequest, back_to: str) -> HttpResponse:
    """Send the browser to the provider, with a state, a nonce and a PKCE challenge that the session remembers."""
    try:
        app = _app(settings.POSTROOM)
        _trust(app)
        response: HttpResponse = app.authorize_redirect(request, back_to)
    except (AuthlibBaseError, JoseError, RequestException, ValueError) as problem:
        raise _refused(problem) from problem
    return response


def finish(request: HttpRequest) -> User:
    """The person whom the provider sent back. Raises CredentialRefusedError when anything does not fit."""
    app = _app(settings.POSTROOM)
    try:
        _trust(app)
        claims = app.authorize_access_token(request).get("userinfo")
    except (AuthlibBaseError, JoseError, RequestException, ValueError) as problem:
        raise _refused(problem) from problem
    if not claims or not claims.get("sub"):
        raise _refused(ValueError("the provider sent no ID token"))
    return _person(_identity(claims))


def _refused(problem: Exception) -> CredentialRefusedError:
    return CredentialRefusedError(Why.PROVIDER, Shown("sign-in", f"provider: {type(problem).__name__}"))


@lru_cache(maxsize=2)
def _app(config: Config) -> DjangoOAuth2App:
    return OAuth().register(
        "provider",
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret,
        server_metadata_url=f"{config.oidc_issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": config.oidc_scopes,
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT_SECONDS,
        },
    )


def _trust(app: DjangoOAuth2App) -> None:
    """Believe the provider's own description only as far as its issuer is ours and its signatures are asymmetric."""
    metadata = app.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != settings.POSTROOM.oidc_issuer:
        metadata.pop("_loaded_at", None)
        raise ValueError("the provider calls itself by another issuer")
    offered = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
    allowed = sorted(ASYMMETRIC_ALGORITHMS.intersection(offered))
    if not allowed:
        raise ValueError("the provider signs with no algorithm that is accepted here")
    metadata["id_token_signing_alg_values_supported"] = allowed


def _identity(claims: dict[str, Any]) -> Identity:
    def text(name: str) -> str:
        return str(claims.get(name) or "")[:LONGEST_NAME]

    return Identity(
        subject=str(claims["sub"])[:255],
        username=text("preferred_username") or text("email"),
        email=text("email"),
        first_name=text("given_name"),
        last_name=text("family_name"),
    )


def _person(identity: Identity) -> User:
    user = User.objects.filter(oidc_subject=identity.subject).first()
    if user is None:
        return accounts.create_person(
            _free_name(identity),
            None,
            of_sign_in(),
            email=identity.email,
            first_name=identity.first_name,
            last_name=identity.last_name,
            oidc_subject=identity.subject,
        )
    if not user.is_active:
        raise CredentialRefusedError(Why.INACTIVE, Shown("sign-in", user.username))
    return user


def _free_name(identity: Identity) -> str:
    """The name the provider uses, if it is a name and nobody here has it; else with a mark of its own."""
    mark = hashlib.sha256(identity.subject.encode()).hexdigest()[:8]
    try:
        UnicodeUsernameValidator()(identity.username)
    except ValidationError:
        return f"person-{mark}"
    taken = User.objects.filter(username__iexact=identity.username).exists()
    return f"{identity.username[:140]}-{mark}" if taken else identity.username
