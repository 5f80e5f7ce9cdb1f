"""The demo's fault panel: as the demo writes it, the page shows it; what the page writes, the demo reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core.access.audit.models import Entry
from core.data_dir import DataDir
from postroom.demo import faults
from tests.support.accounts import person, signed_in

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """A demo's, while it runs: its process is this one."""
    settings.DATA = DataDir(tmp_path)
    faults.show_panel(tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture
def operator() -> Client:
    return signed_in(person("olga", "operator"))


def text(client: Client, path: str = "/demo") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def test_what_there_is_to_break_is_shown_in_the_demos_own_words(folder: Path, operator: Client) -> None:
    page = text(operator)
    for fault in faults.FAULTS.values():
        assert fault.see in page
        assert f'action="/demo/{fault.name}"' in page


def test_broken_on_the_page__the_demo_reads_it_and_the_trail_says_who(folder: Path, operator: Client) -> None:
    answer = operator.post("/demo/wedge", {"do": "break"}, follow=True)
    assert "Broken: summarise does not come back" in answer.content.decode()
    assert faults.read(folder) == {"wedge": "broken"}
    entry = Entry.objects.latest("sequence")
    assert (entry.action, entry.by_name, entry.on_id) == ("demo.broken", "olga", "wedge")


def test_mended_on_the_page__whole_again(folder: Path, operator: Client) -> None:
    faults.break_(folder, faults.WEDGE)
    operator.post("/demo/wedge", {"do": "mend"})
    assert faults.read(folder) == {}


def test_a_bad_release_is_followed_by_a_good_one(folder: Path, operator: Client) -> None:
    faults.break_(folder, faults.RELEASE)
    operator.post("/demo/release", {"do": "mend"})
    assert faults.read(folder) == {"release": faults.FIXED}


def test_who_may_not_control_agents__sees_and_is_told_why(folder: Path) -> None:
    viewer = signed_in(person("vera", "viewer"))
    page = text(viewer)
    assert 'action="/demo/' not in page
    assert "aria-disabled" in page
    assert viewer.post("/demo/wedge", {"do": "break"}).status_code == 403
    assert faults.read(folder) == {}


def test_what_the_demo_cannot_break__is_said(folder: Path, operator: Client) -> None:
    answer = operator.post("/demo/everything", {"do": "break"}, follow=True)
    assert "has no such thing to break" in answer.content.decode()


def test_no_demo__no_link_and_a_page_that_says_so(tmp_path: Path, settings: Any, operator: Client) -> None:
    settings.DATA = DataDir(tmp_path)
    assert "No demo runs here" in text(operator)
    assert "Break something" not in text(operator, "/")


def test_a_demo_that_was_killed__is_gone(folder: Path, operator: Client, monkeypatch: Any) -> None:
    def dead(pid: int, signal: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr("dashboard.demo_panel.os.kill", dead)
    assert "No demo runs here" in text(operator)


def test_while_it_runs__the_overview_leads_there(folder: Path, operator: Client) -> None:
    faults.break_(folder, faults.KILL)
    page = text(operator, "/")
    assert 'href="/demo"' in page
    assert "Search is killed" in page
