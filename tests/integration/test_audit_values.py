"""Whatever is recorded comes back as it was hashed, on every database."""

from __future__ import annotations

import json
import secrets
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from core import clock
from core.access.api import Place
from core.access.audit.api import Action, Target, record
from core.access.audit.models import Entry
from core.access.audit.verify import verify
from core.data_dir import DataDir
from tests.support.trail import ANA, ROLE, write

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, settings: Any) -> None:
    settings.DATA = DataDir(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NUL \0 inside",
        "half a pair \ud800",
        "naïve 名前 🦉",
        "line\r\nbreak\u2028",
        "x" * 100_000,
        secrets.token_hex(20_000),
        "'; DROP TABLE",
    ],
    ids=["empty", "nul", "surrogate", "unicode", "breaks", "long", "random", "quote"],
)
def test_any_text__chain_holds(text: str) -> None:
    target = Target(text, text, text, Place(text, text, text))
    (entry,) = write(1, why=text, source=text, on=target)
    assert len(entry.why) == len(text)
    assert verify().holds


@pytest.mark.parametrize(
    "value",
    [1e16, 0.1, 10**30, -0.0, 1.0, True, None, [1, {"a": "\0"}], {"ü": 1, "a": 2}, uuid.uuid4(), clock.now()],
)
def test_any_value_before_and_after__chain_holds(value: Any) -> None:
    record(Action.AGENT_REPORTED, by=ANA, on=ROLE, before={"value": value}, after={})
    entry = Entry.objects.latest("sequence")
    assert "value" in json.loads(entry.before or "")
    assert (entry.after, verify().holds) == ("{}", True)


def test_change_that_is_rolled_back__leaves_no_entry_and_no_gap() -> None:
    write(1)
    with transaction.atomic():
        write(2)
        transaction.set_rollback(True)
    (entry,) = write(1)
    assert entry.sequence == 2
    assert verify().holds
