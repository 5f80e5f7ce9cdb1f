"""`postroom letters` and `postroom ops` against Postroom's own API, over HTTP. Nothing is sent: no worker runs."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from pytest_django.live_server_helper import LiveServer

from agents.deadletters.api import keep
from agents.operations.models import Operation
from core.access import services
from core.access.models import Role
from postroom import cli
from tests.support.letters import arrival

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])
DONE, NO, BAD_USAGE = 0, 1, 2


@pytest.fixture
def postroom(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = services.create_named_token(
        "robot", Role.objects.get(name="operator"), None, services.of_command("test")
    )
    monkeypatch.setenv("POSTROOM_URL", live_server.url)
    monkeypatch.setenv("POSTROOM_TOKEN", made.secret)


@pytest.fixture
def ids(postroom: None) -> list[str]:
    return [
        str(kept.letter_id) for kept in keep([arrival(queue="extract", body=b"\0\xff") for _ in range(3)])
    ]


def said(capfd: pytest.CaptureFixture[str], *arguments: str, status: int = DONE) -> Any:
    """What the command prints for programs."""
    capfd.readouterr()
    assert cli.main([*arguments, "--json"]) == status
    return json.loads(capfd.readouterr().out)


def redriven(capfd: pytest.CaptureFixture[str], *which: str) -> Any:
    return said(capfd, "letters", "redrive", *which, "--reason", "repaired", "--yes")


def test_letters_are_listed_by_filters_and_an_empty_list_is_a_no(
    ids: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    found = said(capfd, "letters", "list", "--queue", "extract")
    assert {letter["id"] for letter in found} == {*ids}
    assert cli.main(["letters", "list", "--queue", "extract", "--limit", "2"]) == DONE
    text = capfd.readouterr().out
    assert text.count("held") == 2
    assert said(capfd, "letters", "list", "--queue", "nowhere", status=NO) == []


def test_a_letter_is_shown_with_why(ids: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["letters", "show", ids[0]]) == DONE
    assert "ValueError: amount is negative" in capfd.readouterr().out


def test_a_body_comes_byte_for_byte(ids: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["letters", "show", ids[0], "--body"]) == DONE
    assert capfdbinary.readouterr().out == b"\0\xff"


def test_redrive_by_filter__an_operation_with_what_was_asked_for(
    ids: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    found = redriven(capfd, "--queue", "extract", "--rate", "5", "--canary", "1,2", "--delay", "3")
    assert found["tally"]["selected"] == 3
    options = Operation.objects.get(pk=found["id"]).plan.how
    assert (options.rate, options.canary, options.delay) == (5.0, (1, 2), 3.0)


def test_redrive_without_a_yes_and_without_a_terminal__nothing_is_done(
    ids: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["letters", "redrive", *ids, "--reason", "repaired"]) == NO
    assert "redrive 3 letters · sealed" in capfd.readouterr().err
    assert not Operation.objects.exists()


def test_redrive_of_nothing__no(postroom: None) -> None:
    assert cli.main(["letters", "redrive", "--queue", "nowhere", "--reason", "repaired", "--yes"]) == NO


@pytest.mark.parametrize(
    "which", [["redrive", "--reason", "x"], ["redrive"], ["redrive", "--canary", "a", "--reason", "x"]]
)
def test_it_is_not_said_which_ones_or_why_or_how__bad_usage(postroom: None, which: list[str]) -> None:
    try:
        status = cli.main(["letters", *which])
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == BAD_USAGE


def test_an_operation_is_held_up_goes_on_and_is_cancelled(
    ids: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    operation = redriven(capfd, *ids)["id"]
    assert said(capfd, "ops", "pause", operation, "--reason", "wait")["state"] == "paused"
    assert said(capfd, "ops", "watch", operation, status=NO)["state"] == "paused"
    assert said(capfd, "ops", "resume", operation)["state"] == "running"
    assert said(capfd, "ops", "cancel", operation)["state"] in {"cancelling", "cancelled"}
    assert [each["id"] for each in said(capfd, "ops", "list")] == [operation]
    assert cli.main(["ops", "show", operation]) == DONE
    assert "paused" in capfd.readouterr().out


@pytest.mark.parametrize("arguments", [("letters", "show"), ("ops", "show"), ("ops", "pause")])
def test_what_is_not_there__no_with_a_sentence(
    postroom: None, arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments, str(UUID(int=7))]) == NO
    assert "There is no" in capfd.readouterr().err
