"""What goes out: signed so that the guide's own lines check it, worded, and only to what may be called."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agents.alerts import telling, webhook
from agents.alerts.apprise_child import hidden
from agents.alerts.telling import Told
from agents.alerts.values import NoticeKind, Signal
from agents.alerts.wording import figure
from core import sealing
from core.outbound import Allowed, RefusedError, Reply
from core.outbound_guard import check
from tests.support.answering import answering
from tests.support.up_run import ROOT

AT = datetime(2026, 11, 26, 14, 3, 12, tzinfo=UTC)


def of_the_guide() -> Callable[..., bool]:
    guide = (ROOT / "docs" / "guides" / "alerts.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", guide, re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    found: Callable[..., bool] = names["is_genuine"]
    return found


def told(**facts: Any) -> Told:
    usual: dict[str, Any] = dict.fromkeys(
        ("environment", "broker", "queue", "agent", "rule", "detail", "link"), ""
    )
    given: dict[str, Any] = {
        "id": "1",
        "state": "firing",
        "severity": "warning",
        "title": "orders wait",
        "since": AT,
    }
    return Told(**usual | given | {"value": 12.0, "threshold": 10.0} | facts)


def test_signature__checked_with_the_guides_lines() -> None:
    key, body, is_genuine = webhook.new_key(), b'{"id":"7"}', of_the_guide()
    signature = webhook.signature(key, "7", 1_700_000_000, body)
    headers = {"webhook-id": "7", "webhook-timestamp": "1700000000", "webhook-signature": signature}
    assert is_genuine(key, headers, body)
    assert not is_genuine(key, headers, body + b" ")
    assert not is_genuine(key, headers | {"webhook-timestamp": "1700000001"}, body)
    assert not is_genuine(webhook.new_key(), headers, body)


@pytest.mark.parametrize(
    ("status", "headers", "ok", "again"),
    [
        (204, {}, True, None),
        (503, {"retry-after": "30"}, False, timedelta(seconds=30)),
        (429, {"retry-after": "999999"}, False, timedelta(hours=1)),
        (503, {"retry-after": "Thu, 26 Nov 2026 14:03:12 GMT"}, False, None),
        (302, {"location": "https://elsewhere.example"}, False, None),
        (404, {}, False, None),
    ],
)
def test_answers(status: int, headers: dict[str, str], ok: bool, again: timedelta | None) -> None:
    handed = webhook.judged(Reply(status, headers, b"", "https://hooks.example"))
    assert (handed.ok, handed.again_in) == (ok, again)


def test_few_alerts__a_notice_each_and_many__one() -> None:
    assert [len(parcel) for parcel in telling.in_parcels([told()] * 3)] == [1, 1, 1]
    assert [len(parcel) for parcel in telling.in_parcels([told()] * 4)] == [4]


def test_words__of_the_worst_first_of_many() -> None:
    words = telling.worded(NoticeKind.FIRED, [told(), told(severity="critical", title="x", queue="orders.q")])
    assert words.title == "[FIRING] critical: 2 alerts, orders wait and others"
    assert "queue orders.q" in words.text
    assert telling.worded(NoticeKind.CLEARED, [told()]).title == "[over] warning: orders wait"


def test_body__is_what_the_guide_shows() -> None:
    body = json.loads(telling.body("7", NoticeKind.FIRED, [told(queue="orders.q")], AT))
    assert (body["id"], body["kind"], body["at"]) == ("7", "fired", "2026-11-26T14:03:12.000Z")
    guide = (ROOT / "docs" / "guides" / "alerts.md").read_text(encoding="utf-8")
    shown = re.search(r"```json\n(.*?)```", guide, re.DOTALL)
    assert shown
    assert set(json.loads(shown[1])["alerts"][0]) == set(body["alerts"][0])


@pytest.mark.parametrize(
    ("signal", "value", "words"),
    [
        (Signal.QUEUE_DEPTH, 1, "1 message"),
        (Signal.QUEUE_DEPTH, 12_345, "12,345 messages"),
        (Signal.QUEUE_AGE, 90, "90 s"),
        (Signal.QUEUE_AGE, 900, "15 min"),
        (Signal.QUEUE_GROWTH, 2.54, "2.5 messages/s"),
        (Signal.ERROR_RATIO, 0.254, "25.4% of its work"),
    ],
)
def test_figures(signal: Signal, value: float, words: str) -> None:
    assert figure(signal, value) == words


# ---- Only where it may -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "target",
    [("127.0.0.1", 80), ("169.254.169.254", 80), ("::1", 80, 0, 0), ("localhost", 80), "/run/dbus/socket"],
)
def test_connection_that_may_not_be__refused(target: Any) -> None:
    with pytest.raises(RefusedError):
        check(target, Allowed(), {})


def test_connection_that_may_be() -> None:
    check(("93.184.216.34", 443), Allowed(), {})
    check(("10.1.2.3", 25), Allowed.of(["10.0.0.0/8"]), {})
    check(("10.1.2.3", 25), Allowed.of(["mail.internal"]), {"10.1.2.3": {"mail.internal"}})
    with pytest.raises(RefusedError):
        check(("10.1.2.3", 25), Allowed.of(["mail.internal"]), {"10.1.2.3": {"evil.example"}})


GUARDED = """
import socket, subprocess, sys, urllib.request
from core.outbound_guard import keep_to
keep_to(sys.argv[2:])
def tried(do):
    try:
        do()
    except Exception as problem:
        return type(problem).__name__ if not getattr(problem, "reason", None) else type(problem.reason).__name__
    return "done"
print(tried(lambda: urllib.request.urlopen(sys.argv[1], timeout=3)))
print(tried(lambda: socket.socket(socket.AF_UNIX).connect("/tmp/x")))
print(tried(lambda: subprocess.run(["true"])))
"""


@pytest.mark.parametrize(("allowed", "first"), [([], "RefusedError"), (["127.0.0.1"], "done")])
def test_a_process_that_is_guarded__reaches_only_what_may_be_called(allowed: list[str], first: str) -> None:
    with answering() as server:
        server.says("/")
        done = subprocess.run(
            [sys.executable, "-c", GUARDED, server.url("/"), *allowed],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == [first, "RefusedError", "RefusedError"]
    assert len(server.asked) == len(allowed)


def test_what_a_service_says__without_its_secrets() -> None:
    address = "slack://TokenA0000/TokenB0000/secret-token-c?channel=x"
    said = "Failed to send to https://hooks/TokenA0000/TokenB0000/secret-token-c: 404"
    assert hidden(said, address) == "Failed to send to https://hooks/…/…/…: 404"


def test_sealed__opened_with_an_older_key_and_not_without_it(settings: Settings) -> None:
    from dataclasses import replace

    settings.POSTROOM = replace(settings.POSTROOM, encryption_keys=("a" * 32,))
    sealed = sealing.seal("secret", "channels")
    assert b"secret" not in sealed
    settings.POSTROOM = replace(settings.POSTROOM, encryption_keys=("b" * 32, "a" * 32))
    assert sealing.unseal(sealed, "channels") == "secret"
    with pytest.raises(sealing.UnsealError):
        sealing.unseal(sealed, "something else")
    settings.POSTROOM = replace(settings.POSTROOM, encryption_keys=("b" * 32,))
    with pytest.raises(sealing.UnsealError):
        sealing.unseal(sealed, "channels")
