"""The docs say what the code says, and their links lead somewhere."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from docs import build, links
from tests.support.commands import ROOT


def toml(path: str) -> dict[str, Any]:
    with (ROOT / path).open("rb") as file:
        return tomllib.load(file)


def section(title: str) -> set[str]:
    """The packages that a section of docs/dependencies.md gives a reason for."""
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (?!package|---)(\S+) \| \S.*\|$", page.partition(f"## {title}\n")[2].partition("\n## ")[0], re.M
    )
    assert len(rows) == len(set(rows)), "a package stands there twice"
    return set(rows)


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~; ]", line, maxsplit=1)[0] for line in requirements}


def test_every_dependency_has_its_reason_and_no_other_has() -> None:
    server, library = toml("pyproject.toml"), toml("sdk/pyproject.toml")
    npm = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert section("Server") == names(server["project"]["dependencies"])
    assert section("Development") == names(server["dependency-groups"]["dev"])
    assert section("Library") == names(library["project"]["dependencies"])
    assert section("JavaScript") == {*npm.get("dependencies", {}), *npm["devDependencies"]}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "package-lock.json"])
def test_no_lock_names_an_address_that_is_downloaded_from(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    if lock.endswith(".json"):
        packages = json.loads(text)["packages"].values()
        assert not [package for package in packages if "resolved" in package]
        assert all("integrity" in package for package in packages if "version" in package)
    else:
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


@pytest.mark.parametrize("page", build.PAGES)
def test_a_page_that_is_made_is_what_the_code_says(page: str) -> None:
    assert page not in build.outdated(), "run: make docs"


def test_every_link_leads_somewhere() -> None:
    assert links.broken(ROOT) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[here](there.md)", 0),
        ("[here](there.md#two-words)", 0),
        ("[here](#our-own)\n# Our own!", 0),
        ("[away](https://example.org/gone)", 0),
        ("`[code](nowhere.md)`", 0),
        ("```\n[code](nowhere.md)\n```", 0),
        ("[here](nowhere.md)", 1),
        ("![picture](nowhere.png)", 1),
        ("[here](there.md#three-words)", 1),
        ("[here](#not-ours)", 1),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, text: str, count: int) -> None:
    (tmp_path / "there.md").write_text("# Two words\n", encoding="utf-8")
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert len(links.broken(tmp_path)) == count


def test_every_decision_has_its_number_and_its_parts() -> None:
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    numbers = [int(path.name[:3]) for path in records]
    assert numbers == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert [h for h in ("## Context", "## Decision", "## Consequences") if h not in text] == [], path.name
