"""Retention asks every room, and one that fails does not keep the others from theirs."""

from __future__ import annotations

import pytest

from core import retention


def _fails() -> int:
    raise OSError("disk gone")


def test_every_room_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_sweeps", {})
    retention.register("b", _fails)
    retention.register("a", lambda: 3)
    retention.register("c", lambda: 0)
    assert list(retention.run()) == [
        retention.Outcome("a", 3),
        retention.Outcome("b", problem="OSError: disk gone"),
        retention.Outcome("c", 0),
    ]
