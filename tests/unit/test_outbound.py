"""Which addresses Postroom calls, however they are written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from core.outbound import Allowed, why_not


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::10.0.0.1",
    ],
)
def test_what_is_not_public__refused(address: str) -> None:
    assert "POSTROOM_OUTBOUND_ALLOW" in why_not("agent.example", ip_address(address), Allowed())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_what_is_public__called(address: str) -> None:
    assert why_not("agent.example", ip_address(address), Allowed()) == ""


@pytest.mark.parametrize(
    ("entry", "host", "address", "called"),
    [
        ("10.0.0.0/8", "any", "10.1.2.3", True),
        ("10.0.0.0/8", "any", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "any", "192.168.1.1", False),
        ("*.internal", "extract.internal", "10.1.2.3", True),
        ("*.internal", "extract.internal.example", "10.1.2.3", False),
        ("extract", "Extract", "127.0.0.1", True),
        ("::1", "localhost", "::1", True),
    ],
)
def test_what_the_setting_allows(entry: str, host: str, address: str, called: bool) -> None:
    assert (why_not(host, ip_address(address), Allowed.of([entry])) == "") is called
