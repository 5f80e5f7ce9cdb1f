"""What Postroom signs for a redrive is what the library lets in, once, and for nothing else."""

from __future__ import annotations

import jwt
import pytest

from agents.deadletters.models import Letter
from agents.operations import authority
from agents.operations.message import Message
from agents.operations.outgoing import Outgoing
from core import clock
from core.access.signing import own_jwk
from postroom.errors import UnauthorisedError
from postroom.security import claims
from postroom.security.claims import Expected, Owner

BODY = b'{"order": 7}'


def letter(**changes: str) -> Outgoing:
    given = {
        "failure_reason": "exception",
        "sender": "shop",
        "environment": "prod",
        "message_id": "m-1",
        "task": "postroom.handle",
        "queue": "orders",
    }
    row = Letter(body_size=len(BODY), **(given | changes))
    return Outgoing(*(getattr(row, name) for name in Outgoing._fields))


def expected(redrive: int = 2, queue: str = "orders", body: bytes = BODY) -> Expected:
    return Expected("shop", queue, "prod", "m-1", redrive, "postroom.handle", body)


def checked(token: str, wanted: Expected) -> None:
    key = own_jwk()
    assert claims.header(token)["kid"] == key["kid"]
    said = claims.opened(token, jwt.PyJWK(key).key)
    claims.owned(said, Owner(key["iss"]))
    claims.check(said, wanted, clock.unix())


def signed(queue: str = "orders", body: bytes = BODY) -> str:
    sign = authority.signer(letter(), queue, 2)
    assert sign
    return sign(Message(body))


def test_signed_for_this_redrive__let_in() -> None:
    checked(signed(), expected())


def test_signed_for_an_edited_body_and_another_queue__let_in_there() -> None:
    checked(signed("repair", b"{}"), expected(queue="repair", body=b"{}"))


@pytest.mark.parametrize("wanted", [expected(redrive=3), expected(queue="other"), expected(body=b"{}")])
def test_signed_for_something_else__refused(wanted: Expected) -> None:
    with pytest.raises(UnauthorisedError):
        checked(signed(), wanted)


@pytest.mark.parametrize("changes", [{"failure_reason": "unauthorised"}, {"sender": ""}])
def test_what_was_refused_for_want_of_authority__gets_none(changes: dict[str, str]) -> None:
    assert authority.signer(letter(**changes), "orders", 2) is None
