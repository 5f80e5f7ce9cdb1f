"""Whose address is it? Only trusted proxies are believed."""

from __future__ import annotations

import pytest

from core.access.addresses import TrustedProxies

PROXIES = TrustedProxies.of(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9, 10.9.9.9", "203.0.113.9"),
        # What the client wrote itself stands further out than what the proxy saw, and is never reached.
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"),
    ],
)
def test_forwarded_by_a_trusted_proxy__believed(peer: str, forwarded: str, client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        ("203.0.113.9", "1.1.1.1"),
        ("10.1.2.3", ""),
        ("10.1.2.3", "nonsense"),
        ("10.1.2.3", "1.1.1.1, nonsense"),
    ],
)
def test_anything_else__refused(peer: str, forwarded: str) -> None:
    assert PROXIES.client(peer, forwarded) == peer


def test_nobody_is_trusted_by_default() -> None:
    assert TrustedProxies().client("127.0.0.1", "1.1.1.1") == "127.0.0.1"


def test_what_is_no_network__refused() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        TrustedProxies.of(["example.com"])
