"""Rules, alerts and how their states changed, silences, channels and what went out through them."""

from __future__ import annotations

from agents.alerts.models.alerts import DETAIL, NAME, Alert, AlertChange, Point
from agents.alerts.models.notices import Attempt, Channel, Notice
from agents.alerts.models.rules import Rule, Silence

__all__ = [
    "DETAIL",
    "NAME",
    "Alert",
    "AlertChange",
    "Attempt",
    "Channel",
    "Notice",
    "Point",
    "Rule",
    "Silence",
]
