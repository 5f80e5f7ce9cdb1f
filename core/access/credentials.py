"""What can be wrong with a credential, as one typed refusal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """Why a credential is refused. The value is what the audit trail and the metrics carry."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET = "not yet valid"
    INACTIVE = "account is off"
    NOT_CONFIGURED = "JWTs are not accepted here"
    ALGORITHM = "algorithm"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    KEYS = "keys unavailable"
    NO_ACCOUNT = "no account"
    SESSION_ENDED = "session ended"
    SESSION_IDLE = "session idle"
    SESSION_OLD = "session too old"
    PROVIDER = "sign-in provider"
    PASSWORD = "password"  # noqa: S105 - a reason, not a password


SAYS: dict[Why, str] = {
    Why.MALFORMED: "The Authorization header must be `Bearer TOKEN`.",
    Why.UNKNOWN: "No token like this was ever made here, or it was deleted. Make one with `manage.py token create`.",
    Why.REVOKED: "This token was revoked. Ask whoever manages access for a new one.",
    Why.EXPIRED: "This credential has expired. Ask for a new one.",
    Why.NOT_YET: "This JWT is not valid yet. Check the clocks.",
    Why.INACTIVE: "The account behind this credential is switched off.",
    Why.NOT_CONFIGURED: "JWTs are not accepted here. Send a Postroom token, or set POSTROOM_JWT_ISSUER and its keys.",
    Why.ALGORITHM: "The JWT is signed by an algorithm that is not on the allow-list.",
    Why.ISSUER: "The JWT's issuer is not the one that is trusted here.",
    Why.AUDIENCE: "The JWT is not meant for this Postroom: its audience is another.",
    Why.SIGNATURE: "The JWT's signature does not match any published key.",
    Why.CLAIMS: "The JWT lacks a claim that is needed: exp, iss, aud and sub.",
    Why.KEYS: "The keys that verify JWTs cannot be fetched now. Try again.",
    Why.NO_ACCOUNT: "No service account has this JWT's subject. Whoever manages access can set it on one.",
    Why.SESSION_ENDED: "This session has ended: the password was changed, or the account was switched off. Sign in.",
    Why.SESSION_IDLE: "This session was idle for too long. Sign in again.",
    Why.SESSION_OLD: "This session has lasted for as long as one may. Sign in again.",
    Why.PROVIDER: "The sign-in provider did not vouch for you. Try again; if it stays so, ask whoever runs Postroom.",
    Why.PASSWORD: "The name or the password is wrong.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be written down about a credential: never the secret itself."""

    kind: str
    label: str


class CredentialRefusedError(Exception):
    """The credential is refused."""

    def __init__(self, why: Why, shown: Shown) -> None:
        super().__init__(SAYS[why])
        self.why = why
        self.shown = shown
