"""What ships for Prometheus and Grafana asks for metrics that exist, and promtool agrees with the rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from core import metrics
from tests.support.up_run import ROOT

RULES, DASHBOARD = ROOT / "docs" / "prometheus" / "rules.yml", ROOT / "docs" / "grafana" / "dashboard.json"
NAME = re.compile(r"\bpostroom_[a-z0-9_]+")


def declared() -> dict[str, set[str]]:
    """Every series that `/metrics` can have, with its own labels and those of its process."""
    found: dict[str, set[str]] = {}
    process = {"process", "instance_name"}
    for each in vars(metrics).values():
        if isinstance(each, Counter | Gauge | Histogram):
            (about,) = each.describe()
            labels = {*each._labelnames, *process}
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(
                about.type, ("",)
            )
            found |= {
                about.name + ending: labels | ({"le"} if ending == "_bucket" else set()) for ending in endings
            }
    found |= {each.name: set(each.labels) for each in metrics.READ}
    return found | {metrics.PROCESS_UP[0]: process, metrics.PROCESS_RESTARTS[0]: process}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def questions() -> list[str]:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked += [each["definition"] for each in board["templating"]["list"] if "definition" in each]
    return [*asked, *(rule["expr"] for rule in rules())]


@pytest.mark.parametrize("asked", questions())
def test_every_metric_exists_with_its_labels(asked: str) -> None:
    known = declared()
    assert NAME.findall(asked)
    for name, _, selector in re.findall(r"\b(postroom_[a-z0-9_]+)(\{([^}]*)\})?", asked):
        assert name in known
        assert set(re.findall(r"(\w+)\s*[=!]~?", selector)) <= known[name]
    for grouped in re.findall(r"by \(([^)]*)\)", asked):
        labels = set().union(*(known[name] for name in NAME.findall(asked)))
        assert {label.strip() for label in grouped.split(",")} <= labels


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_panels_do_not_lie_over_each_other() -> None:
    places = [panel["gridPos"] for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]]
    cells = [
        (x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)


@pytest.mark.parametrize("command", [["check", "rules", RULES.name], ["test", "rules", "rules.test.yml"]])
def test_promtool_agrees(command: list[str]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool on PATH: Debian has it in the package prometheus")
    done = subprocess.run([promtool, *command], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
