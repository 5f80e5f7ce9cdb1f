"""How alerts of rules and figures of signals read. Pure."""

from __future__ import annotations

from agents.alerts.models import Rule
from agents.alerts.signals import ABOUT
from agents.alerts.values import Reading, Signal

MOST_TITLE, MOST_DETAIL = 300, 5_000
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def title_of(rule: Rule, reading: Reading) -> str:
    """The same for as long as the alert lives: figures are in the detail."""
    spot = reading.spot
    what = reading.title or spot.queue or spot.agent or spot.broker or spot.name
    # A failure's own words may end like a sentence; here they begin one.
    what = what.rstrip(".")
    return f"{what}: {rule.title}"[:MOST_TITLE] if what else rule.title[:MOST_TITLE]


def detail_of(rule: Rule, reading: Reading | None) -> str:
    """What was measured against what, and what to do."""
    if reading is None:
        return "It is not there any more."
    if reading.value is None:
        return f"Unknown: {reading.says}"[:MOST_DETAIL]
    signal = Signal(rule.signal)
    bound = f"it fires from {figure(signal, rule.threshold)} on"
    measured = f"{ABOUT[signal].title.capitalize()}: {figure(signal, reading.value)}; {bound}."
    return " ".join(filter(None, (measured, _sentence(reading.says), rule.advice)))[:MOST_DETAIL]


def figure(signal: Signal, value: float) -> str:
    """A value with its unit, for people."""
    about = ABOUT[signal]
    if signal is Signal.ERROR_RATIO:
        return f"{value * 100:.3g}% {about.unit}"
    if about.unit == "s":
        return lasting(value)
    number = f"{round(value):,}" if about.counted else f"{value:,.1f}"
    return f"{number} {about.unit.removesuffix('s') if number == '1' else about.unit}"


def lasting(seconds: float) -> str:
    """`45 s`, `4 min`, `2 h`, `3 d`: so exactly as it matters."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _sentence(says: str) -> str:
    return f"{says.rstrip('.')}." if says else ""
