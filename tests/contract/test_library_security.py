"""Security as a hook, on a real Redis: who gets in, who does not, and what is written down about it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
import redis

from postroom import headers
from postroom.errors import NotNowError, UnauthorisedError
from postroom.http import Answer, AwayError, Client, ForbiddenError, Options
from postroom.runtime.api import Incoming, Outcome
from postroom.security import claims, keys, trail
from postroom.security.secure import Security
from postroom.security.trail import Trail, TrailFullError
from tests.support import library
from tests.support.waiting import until

SUCCEEDED, RETRYING, WAITING = (Outcome(kind) for kind in ("succeeded", "retrying", "waiting"))


class Postroom(Client):
    """Publishes what is registered, has sender policies and a trail; can be away, and can refuse."""

    def __init__(self) -> None:
        super().__init__(Options("http://postroom"))
        self.away = self.forbids = False
        self.keys: list[dict[str, str]] = []
        self.policies: list[dict[str, str]] = []
        self.default = "allow"
        self.trail: dict[str, Mapping[str, Any]] = {}

    def get(self, path: str, query: Mapping[str, Any] | None = None, etag: str = "") -> Answer:
        self._is_there()
        if path == "/.well-known/jwks.json":
            return Answer(200, {"keys": self.keys})
        return Answer(200, {"results": self.policies, "default": self.default})

    def post(self, path: str, body: Any, key: str = "", probe: bool = False) -> Answer:
        self._is_there()
        if path == trail.PATH:
            self.trail[key] = body
            return Answer(201, {"id": key, "sequence": len(self.trail)})
        owner = {"iss": body["agent_id"], "env": body["environment"]}
        self.keys = [each for each in self.keys if each["iss"] != owner["iss"]]
        self.keys += [each | owner for each in body["public_keys"]]
        return Answer(201, {"id": "1"})

    def _is_there(self) -> None:
        if self.away:
            raise AwayError("Postroom is away")
        if self.forbids:
            raise ForbiddenError(403, {"detail": "no"})


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AGENT_DIR", str(tmp_path / "agent"))


class Clock:
    """The time of the test, which it moves on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def postroom() -> Postroom:
    return Postroom()


@pytest.fixture
def sender(postroom: Postroom, redis_url: str, clock: Clock) -> Iterator[Security]:
    about = library.about(agent="classify", queue="classify")
    made = Security(about, client=postroom, redis_url=redis_url, clock=clock)
    yield made
    made.audit.close()


@pytest.fixture
def door(postroom: Postroom, redis_url: str, clock: Clock) -> Iterator[Security]:
    made = Security(library.about(), client=postroom, redis_url=redis_url, clock=clock)
    yield made
    made.audit.close()


def sent(sender: Security, message_id: str = "m-1", **changed: Any) -> Incoming:
    """A message as it arrives, signed by its sender."""
    signed = dict(sender.headers_to_send(library.outgoing(message_id)))
    return library.incoming(message_id, headers=signed, **changed)


def redriven(postroom: Postroom, message: Incoming) -> Incoming:
    """As Postroom sends it again: the same message, signed by Postroom for this redrive."""
    own = keys._make(0.0)
    postroom.keys.append(own.jwk() | {"iss": "postroom"})
    said = jwt.decode(message.headers[headers.SENDER_TOKEN], options={"verify_signature": False})
    token = jwt.encode(
        said | {"iss": "postroom", "rdn": 1}, own.signer(), algorithm="EdDSA", headers={"kid": own.kid}
    )
    return replace(message, headers={headers.SENDER_TOKEN: token}, redrive=1)


def refused(door: Security, message: Incoming, why: str) -> None:
    with pytest.raises(UnauthorisedError, match=why):
        door.authorise(message)
    door.after_handle(message, Outcome("refused"), None)


# ---- Replays ---------------------------------------------------------------------------------------------------
def test_a_signed_message__accepted_and_its_copy__refused(sender: Security, door: Security) -> None:
    message = sent(sender)
    door.authorise(message)
    refused(door, message, "replay")
    door.after_handle(message, SUCCEEDED, None)
    refused(door, message, "replay")
    refused(door, replace(message, attempt=2), "replay")
    # Once it is over, nobody can make it look like a delivery that broke off.
    refused(door, library.incoming("m-1", headers=message.headers, redelivered=True), "replay")


def test_what_the_broker_delivers_again_and_what_is_tried_again__accepted(
    sender: Security, door: Security
) -> None:
    message = sent(sender)
    door.authorise(message)
    door.authorise(sent(sender, redelivered=True))
    door.after_handle(message, RETRYING, None)
    door.authorise(replace(message, attempt=2))
    refused(door, replace(message, attempt=2), "replay")


def test_what_went_back_untried__accepted_with_the_same_number(sender: Security, door: Security) -> None:
    message = sent(sender)
    door.authorise(message)
    door.after_handle(message, WAITING, None)
    door.authorise(message)


def test_an_honest_redrive__accepted_once(
    postroom: Postroom, sender: Security, door: Security, clock: Clock
) -> None:
    message = sent(sender)
    door.authorise(message)
    door.after_handle(message, Outcome("dead"), None)
    again = redriven(postroom, message)
    # The door's keys are older than Postroom's new one, so it asks for them.
    clock.ahead += 6
    door.authorise(again)
    refused(door, again, "replay")
    # Its old token does not fit the redrive, and its new one not the old message.
    refused(door, replace(message, redrive=1), "another redrive")
    refused(door, replace(again, redrive=0), "another redrive")


def test_a_forged_message_under_the_same_id_leaves_the_honest_one_alone(
    sender: Security, door: Security
) -> None:
    message = sent(sender)
    door.authorise(message)
    refused(door, library.incoming("m-1"), "no sender's token")
    door.after_handle(message, RETRYING, None)
    door.authorise(replace(message, attempt=2))


def test_on_rabbitmq_a_lost_acknowledgement_is_no_replay(
    postroom: Postroom, sender: Security, redis_url: str
) -> None:
    about = library.about(broker_url="amqp://broker/")
    door = Security(about, client=postroom, redis_url=redis_url)
    message = sent(sender)
    door.authorise(message)
    door.after_handle(message, SUCCEEDED, None)
    door.authorise(sent(sender, redelivered=True))
    refused(door, message, "replay")
    door.audit.close()


def test_a_door_without_its_book_lets_nobody_in(postroom: Postroom, sender: Security, tmp_path: Path) -> None:
    message = sent(sender)
    door = Security(library.about(), client=postroom, redis_url=f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(NotNowError, match="waits"):
        door.authorise(message)
    door.audit.close()


def test_the_record_is_kept_as_long_as_the_token_holds(
    sender: Security, door: Security, redis_url: str
) -> None:
    door.authorise(sent(sender))
    with redis.Redis.from_url(redis_url) as client:
        left = client.ttl("postroom.passed:extract:m-1:0")
    assert claims.LIFETIME < left <= claims.LIFETIME + claims.LEEWAY + 1


# ---- Policies --------------------------------------------------------------------------------------------------
def test_who_may_not_ask__refused_and_who_may__accepted(
    postroom: Postroom, sender: Security, door: Security
) -> None:
    postroom.default = "deny"
    postroom.policies = [
        {"sender": "class*", "recipient": "extract", "action": "postroom.*", "effect": "allow"},
        {"sender": "*", "recipient": "*", "action": "*", "effect": "deny"},
    ]
    door.authorise(sent(sender))
    assert door.policies.now().allows("classify", "extract", "postroom.handle")
    assert not door.policies.now().allows("scan", "extract", "postroom.handle")
    with pytest.raises(UnauthorisedError, match="classify may not ask extract for wipe"):
        door.policies.require("classify", "wipe")


def test_without_a_word_about_policies_the_message_waits(
    postroom: Postroom, sender: Security, door: Security, clock: Clock
) -> None:
    message = sent(sender)
    postroom.away = True
    with pytest.raises(NotNowError):
        door.authorise(message)
    with pytest.raises(NotNowError):
        door.policies.require("classify", "postroom.handle")
    postroom.away = False
    clock.ahead += 6
    door.authorise(message)


# ---- The audit trail -------------------------------------------------------------------------------------------
def test_each_refusal_is_in_the_trail(postroom: Postroom, door: Security) -> None:
    refused(door, library.incoming("m-1"), "no sender's token")
    (entry,) = until(lambda: list(postroom.trail.values()), "the entry to arrive")
    assert (entry["action"], entry["on"], entry["agent"]) == ("message.refused", "m-1", "extract")
    assert entry["detail"]["sender"] == "classify"
    until(lambda: door.audit.waiting() == 0, "the disk to be empty")


def test_entries_wait_on_disk_for_postroom_and_for_the_right_token(
    postroom: Postroom, door: Security
) -> None:
    postroom.away = True
    door.write({"action": "record.read", "on": "patient-7"})
    assert door.audit.waiting() == 1
    # Another process of this machine, after this one was killed.
    postroom.away, postroom.forbids = False, True
    heir = Trail(postroom)
    with pytest.raises(AwayError):
        heir.flush()
    postroom.forbids = False
    heir.flush()
    assert [entry["on"] for entry in postroom.trail.values()] == ["patient-7"]
    assert heir.waiting() == 0


def test_an_entry_that_fits_nowhere_is_not_lost_in_silence(
    postroom: Postroom, door: Security, caplog: pytest.LogCaptureFixture
) -> None:
    postroom.away = True
    door.audit = Trail(postroom, most=1)
    door.write({"action": "record.read", "on": "patient-7"})
    with pytest.raises(TrailFullError):
        door.write({"action": "record.read", "on": "patient-8"})
    assert "patient-8" in caplog.text
    # The message is refused nevertheless.
    refused(door, library.incoming("m-1"), "no sender's token")


def test_the_waiting_entries_are_for_nobody_elses_eyes(door: Security, tmp_path: Path) -> None:
    door.write({"action": "record.read"})
    path = tmp_path / "agent" / "audit" / "waiting.sqlite3"
    assert path.stat().st_mode & 0o077 == 0
    sqlite3.connect(path).close()


def test_an_entry_says_what_was_done__refused_without() -> None:
    with pytest.raises(ValueError, match="what was done"):
        trail.entry({"on": "patient-7"}, "extract", "default")
    with pytest.raises(ValueError, match="what was done"):
        trail.entry({"action": "read the record"}, "extract", "default")


# ---- Keys ------------------------------------------------------------------------------------------------------
def test_a_sender_signs_while_postroom_is_away_and_publishes_when_it_is_back(
    postroom: Postroom, sender: Security, door: Security, clock: Clock
) -> None:
    postroom.away = True
    message = sent(sender)
    with pytest.raises(NotNowError):
        door.authorise(message)
    postroom.away = False
    clock.ahead += 6
    sender.publish()
    door.authorise(message)
