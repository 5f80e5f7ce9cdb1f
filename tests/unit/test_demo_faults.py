"""The demo's fault panel from a terminal, and which release an agent is then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postroom.cli import main
from postroom.demo import agent, company, faults
from postroom.demo.__main__ import wanted_version


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    faults.write(tmp_path, {})
    return tmp_path


def test_break_and_mend_from_a_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "break", "poison", "--folder", str(folder)]) == 0
    assert "every third invoice" in capsys.readouterr().out
    assert main(["demo", "show", "--json", "--folder", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["poison"] == "broken"
    assert main(["demo", "mend", "poison", "--folder", str(folder)]) == 0
    assert faults.read(folder) == {}


def test_nothing_named__bad_usage(folder: Path) -> None:
    assert main(["demo", "break", "--folder", str(folder)]) == 2
    assert main(["demo", "show", "wedge", "--folder", str(folder)]) == 2


def test_no_demo_here__the_answer_is_no(tmp_path: Path) -> None:
    assert main(["demo", "show", "--folder", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("state", "version"),
    [({}, agent.VERSION), ({"release": "broken"}, agent.BAD), ({"release": "fixed"}, agent.FIXED)],
)
def test_only_the_released_agent_changes_its_version(state: dict[str, str], version: str) -> None:
    assert wanted_version("validate", state) == version
    assert wanted_version("extract", state) == agent.VERSION


def test_every_fault_is_at_an_agent_of_the_demo() -> None:
    assert {fault.agent for fault in faults.FAULTS.values()} <= set(company.AGENTS)
    assert len(company.AGENTS) == 15


def test_each_step_hands_on_to_the_next_and_the_last_to_all_who_follow() -> None:
    flow, validate = company.at_work("validate")
    assert [step.agent for step in flow.after(validate)] == ["store"]
    assert {step.agent for step in flow.after(flow.steps[-1])} == {"ledger", "mailer"}
    assert flow.after(flow.fan_out[0]) == ()
