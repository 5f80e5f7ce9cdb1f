"""Senders' tokens: what is let in, and everything that is not. Keys are real; the server is a list of keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest

from postroom import kept
from postroom.errors import ConfigurationError, NotNowError, UnauthorisedError
from postroom.http import Answer, AwayError, Client, Options, Tls
from postroom.security import claims, keys
from postroom.security.claims import Expected
from postroom.security.keys import KeyRing, SigningKey
from postroom.security.tls import broker_use_ssl
from postroom.security.validator import TokenValidator

NOW = 1_790_000_000.0
MESSAGE = Expected("classify", "extract", "production", "m-1", 0, "postroom.handle", b'{"a": 1}')


class Published(Client):
    """A Postroom that answers with these keys, or is away."""

    def __init__(self, *said: Mapping[str, str]) -> None:
        super().__init__(Options("http://keys"))
        self.said, self.away, self.asked = list(said), False, 0
        self.active: Mapping[str, Any] = {}

    def get(self, path: str, query: Mapping[str, Any] | None = None, etag: str = "") -> Answer:
        self.asked += 1
        if self.away:
            raise AwayError("away")
        return Answer(200, {"keys": [dict(each) for each in self.said]})

    def form(self, path: str, fields: Mapping[str, str]) -> Answer:
        self.asked += 1
        if self.away:
            raise AwayError("away")
        return Answer(200, dict(self.active))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AGENT_DIR", str(tmp_path / "agent"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key() -> SigningKey:
    return keys._make(0.0)


def owned(key: SigningKey, iss: str = "classify", env: str = "production") -> dict[str, str]:
    return key.jwk() | {"iss": iss} | ({"env": env} if env else {})


def validator(said: Published, clock: Clock, **more: Any) -> TokenValidator:
    return TokenValidator("http://keys", client=said, clock=clock, **more)


def token(key: SigningKey, **changed: Any) -> str:
    """A token of the key's, with claims changed after its making."""
    said = jwt.decode(claims.sign(MESSAGE, key, NOW), options={"verify_signature": False}) | changed
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key.signer(), algorithm="EdDSA", headers={"kid": key.kid})


def part(said: Mapping[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=")


def unsigned(key: SigningKey) -> str:
    payload = claims.sign(MESSAGE, key, NOW).split(".")[1].encode()
    return (part({"alg": "none", "kid": key.kid}) + b"." + payload + b".").decode()


def confused(key: SigningKey) -> str:
    """HS256 with the public key as its secret."""
    head = (
        part({"alg": "HS256", "kid": key.kid}) + b"." + claims.sign(MESSAGE, key, NOW).split(".")[1].encode()
    )
    return (
        head + b"." + base64.urlsafe_b64encode(hmac.digest(key.public, head, hashlib.sha256)).rstrip(b"=")
    ).decode()


def forged(key: SigningKey) -> str:
    """Says the name of a published key, and is signed by another."""
    return claims.sign(MESSAGE, replace(keys._make(0.0), kid=key.kid), NOW)


def test_the_token_of_this_message__accepted(key: SigningKey, clock: Clock) -> None:
    said = validator(Published(owned(key)), clock).validate(claims.sign(MESSAGE, key, NOW), MESSAGE)
    assert (said["sub"], said["act"]) == ("classify", "postroom.handle")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda key: "", "no sender's token"),
        (lambda key: "not.a.token", "cannot be read"),
        (lambda key: "x" * 9_000, "longer"),
        (unsigned, "'none'"),
        (confused, "'HS256'"),
        (forged, "not signed by the key"),
        (lambda key: token(key, exp=int(NOW) - 60), "expired"),
        (lambda key: token(key, iat=int(NOW) + 600), "future"),
        (lambda key: token(key, exp=None), "exp"),
        (lambda key: token(key, exp="soon"), "cannot be accepted|no numbers"),
        (lambda key: token(key, aud="elsewhere"), "not for extract"),
        (lambda key: token(key, env="staging"), "belongs to|environment"),
        (lambda key: token(key, jti="m-2"), "another message"),
        (lambda key: token(key, rdn=1), "another redrive"),
        (lambda key: token(key, act="other.task"), "allows 'other.task'"),
        (lambda key: token(key, bdy=claims.body_hash(b"{}")), "changed after"),
        (lambda key: token(key, sub="boss"), "may not sign for boss"),
        (lambda key: token(key, iss="boss", sub="boss"), "belongs to classify"),
        (lambda key: token(key, iss="postroom"), "belongs to classify"),
    ],
)
def test_any_other_token__refused(
    key: SigningKey, clock: Clock, made: Callable[[SigningKey], str], why: str
) -> None:
    with pytest.raises(UnauthorisedError, match=why):
        validator(Published(owned(key)), clock).validate(made(key), MESSAGE)


def test_a_message_that_says_another_sender_than_its_token__refused(key: SigningKey, clock: Clock) -> None:
    with pytest.raises(UnauthorisedError, match="from 'boss'"):
        validator(Published(owned(key)), clock).validate(token(key), replace(MESSAGE, sender="boss"))


def test_postrooms_own_key_signs_a_redrive_for_the_sender__accepted(key: SigningKey, clock: Clock) -> None:
    ours = Published(owned(key, "postroom", ""))
    again = replace(MESSAGE, redrive=1)
    assert validator(ours, clock).validate(token(key, iss="postroom", rdn=1), again)


def test_an_agent_called_postroom_signs_for_nobody_else__refused(key: SigningKey, clock: Clock) -> None:
    pretender = Published(owned(key, "postroom", "production"))
    with pytest.raises(UnauthorisedError):
        validator(pretender, clock).validate(token(key, iss="postroom"), MESSAGE)


def test_a_key_that_two_publish_is_nobodys__refused(key: SigningKey, clock: Clock) -> None:
    said = Published(owned(key), owned(key, "boss"))
    with pytest.raises(UnauthorisedError):
        validator(said, clock).validate(token(key, iat=int(NOW) - 60), MESSAGE)


# ---- Keys that are not there -----------------------------------------------------------------------------------
def test_without_any_keys_the_message_waits(key: SigningKey, clock: Clock) -> None:
    said = Published(owned(key))
    said.away = True
    with pytest.raises(NotNowError):
        validator(said, clock).validate(token(key), MESSAGE)


def test_keys_that_were_fetched_serve_while_postroom_is_away_and_over_a_restart(
    key: SigningKey, clock: Clock
) -> None:
    said = Published(owned(key))
    validator(said, clock).validate(token(key), MESSAGE)
    said.away = True
    clock.now += 3600
    assert validator(said, clock).validate(token(key), MESSAGE)


def test_keys_older_than_a_day_let_nobody_in(key: SigningKey, clock: Clock) -> None:
    said = Published(owned(key))
    door = validator(said, clock)
    door.validate(token(key), MESSAGE)
    said.away, clock.now = True, NOW + 25 * 3600
    with pytest.raises(NotNowError):
        door.validate(token(key, exp=int(NOW) + 10**6), MESSAGE)


def test_a_key_that_is_new_is_asked_for__accepted(key: SigningKey, clock: Clock) -> None:
    said = Published()
    door = validator(said, clock)
    with pytest.raises(NotNowError):
        door.validate(token(key), MESSAGE)
    said.said.append(owned(key))
    clock.now += 6
    assert door.validate(token(key), MESSAGE)


def test_a_flood_of_unknown_keys_asks_postroom_once_in_a_while(key: SigningKey, clock: Clock) -> None:
    said = Published(owned(key))
    door = validator(said, clock)
    for _ in range(50):
        with pytest.raises((UnauthorisedError, NotNowError)):
            door.validate(token(keys._make(0.0)), MESSAGE)
    assert said.asked == 1
    clock.now += 60
    with pytest.raises(UnauthorisedError, match="nobody has published"):
        door.validate(token(keys._make(0.0)), MESSAGE)


def test_introspection_lets_in_what_is_active_and_says_the_same(clock: Clock, key: SigningKey) -> None:
    said = Published()
    door = validator(said, clock, introspection=True)
    claimed = jwt.decode(claims.sign(MESSAGE, key, NOW), options={"verify_signature": False})
    said.active = claimed | {"active": True}
    assert door.validate("opaque", MESSAGE)["sub"] == "classify"
    with pytest.raises(UnauthorisedError, match="another message"):
        door.validate("opaque", replace(MESSAGE, message_id="m-2"))
    said.active = {"active": False}
    with pytest.raises(UnauthorisedError, match="not active"):
        door.validate("other", MESSAGE)
    said.away = True
    with pytest.raises(NotNowError):
        door.validate("third", MESSAGE)


# ---- An agent's own keys ---------------------------------------------------------------------------------------
def test_a_key_is_made_once_for_all_processes_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    rings = [KeyRing("extract") for _ in range(2)]
    assert rings[0].current() == rings[1].current()
    assert rings[0].path.stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_may_read__refused() -> None:
    ring = KeyRing("extract")
    ring.current()
    ring.path.chmod(0o644)
    with pytest.raises(Exception, match="chmod 600"):
        KeyRing("extract").current()


def test_a_new_key_is_published_before_it_is_used_and_the_old_one_after(clock: Clock) -> None:
    ring = KeyRing("extract", clock=clock)
    first = ring.current().kid
    clock.now += keys.ROTATED_AFTER
    assert (ring.current().kid, len(ring.public())) == (first, 2)
    clock.now += keys.PUBLISHED_FOR
    second = ring.current().kid
    assert second != first
    assert first in {each["kid"] for each in ring.public()}
    clock.now += keys.OVERLAP
    assert [each["kid"] for each in ring.public()] == [second]


def test_a_key_that_got_out_is_replaced_at_once() -> None:
    ring = KeyRing("extract")
    first = ring.current()
    new = ring.rotate(at_once=True)
    assert ring.current() == new != first
    assert [each["kid"] for each in ring.public()] == [new.kid]


def test_a_kept_answer_from_a_time_to_come_counts_as_of_now(clock: Clock) -> None:
    shelf = kept.Shelf("test", clock)
    clock.now += 10_000
    shelf.put("a", [1])
    clock.now -= 10_000
    found = kept.Shelf("test", clock).get("a")
    assert found is not None
    assert found.at == NOW


# ---- TLS to the broker -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "amqps://broker/",
            {"ca_certs": "ca", "certfile": "pem", "keyfile": "key", "cert_reqs": ssl.CERT_REQUIRED},
        ),
        (
            "postroom+rediss://broker/0",
            {
                "ssl_ca_certs": "ca",
                "ssl_certfile": "pem",
                "ssl_keyfile": "key",
                "ssl_cert_reqs": ssl.CERT_REQUIRED,
            },
        ),
    ],
)
def test_mutual_tls_as_each_broker_wants_it_said(url: str, said: dict[str, Any]) -> None:
    assert broker_use_ssl(url, Tls("ca", "pem", "key")) == said


@pytest.mark.parametrize(
    ("url", "tls"), [("redis://broker/", Tls("ca")), ("amqps://broker/", Tls("ca", "", "key"))]
)
def test_tls_that_would_be_none__refused(url: str, tls: Tls) -> None:
    with pytest.raises(ConfigurationError):
        broker_use_ssl(url, tls)
