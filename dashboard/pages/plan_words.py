"""What a plan says in words: its title, what will happen, and how much of a confirmation that takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.operations.options import Options
from agents.operations.values import Action, Guard, Standing
from dashboard import words

# Above this the count is typed, so that 4 and 400,000 do not feel alike.
LARGE = 100
# What cannot simply be repaired by doing it again takes less to be large.
LARGE_PURGE = 10
WARNED_FROM = 10
VERBS = {
    Action.REDRIVE: "Redrive",
    Action.PURGE: "Purge",
    Action.RESTORE: "Restore",
    Action.MOVE: "Move",
}
LISTED = 3


@dataclass(frozen=True, slots=True)
class Told:
    """A plan as the page says it. `typed`: why the count has to be typed; empty: a press is enough."""

    title: str
    sentence: str
    button: str
    typed: str
    danger: bool


def told(
    action: Action,
    count: int,
    left_out: int,
    how: Options,
    origins: Sequence[str],
    guards: Sequence[Guard],
    limit: str = "",
) -> Told:
    """`origins` are the queues that members came from, or of waiting messages the one that they wait in."""
    verb, going = VERBS[action], count - left_out
    return Told(
        title=f"{verb} {amount(action, count)}",
        sentence=_sentence(action, count, going, how, origins),
        button=f"{verb} {words.number(going)}",
        typed=_typed(action, count, going, guards, limit),
        danger=action is Action.PURGE,
    )


def how(options: Options, origins: Sequence[str]) -> str:
    """How it will be carried out, in one line."""
    speed = (
        f"{options.rate:g} a second"
        if options.rate
        else "follow the consumer"
        if options.follow
        else "full speed"
    )
    ladder = " → ".join(str(step) for step in options.canary)
    parts = [
        speed,
        f"canary {ladder} → rest" if ladder else "no canary",
        _halts(options),
        f"to {options.target_queue}" if options.target_queue else f"to {_target(options, origins)}",
        f"after {options.delay:g} s" if options.delay else "",
        "edited" if options.edit else "",
    ]
    return " · ".join(filter(None, parts))


def _halts(options: Options) -> str:
    halt = options.halt_when
    conditions = [
        f"same failure above {halt.same_failure_ratio:.0%}" if halt.same_failure_ratio is not None else "",
        f"any failure above {halt.failure_ratio:.0%}" if halt.failure_ratio is not None else "",
        f"queue deeper than {words.number(halt.queue_depth)}" if halt.queue_depth is not None else "",
        "nobody consumes" if halt.consumer_down else "",
    ]
    given = [each for each in conditions if each]
    return f"halts when {' or '.join(given)}" if given else "nothing halts it"


def amount(action: Action, count: int) -> str:
    """`1 letter`, `4,812 messages`."""
    what = "message" if action is Action.MOVE else "letter"
    return f"{words.number(count)} {what}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 2 more`."""
    shown, more = list(names[:LISTED]), len(names) - LISTED
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _sentence(action: Action, count: int, going: int, how: Options, origins: Sequence[str]) -> str:
    some = amount(action, count) if going == count else f"{words.number(going)} of {amount(action, count)}"
    if action is Action.REDRIVE:
        return f"You will send {some} to {_target(how, origins)}."
    if action is Action.MOVE:
        return f"You will move {some} from {listed(origins)} to {how.target_queue}."
    if action is Action.PURGE:
        return (
            f"You will throw away {some}. They can be taken back until the purge expires; then they are gone."
        )
    return f"You will take back {some}: they are held again."


def _target(how: Options, origins: Sequence[str]) -> str:
    if how.target_queue:
        return how.target_queue
    if len(origins) == 1:
        return origins[0]
    return f"the {words.number(len(origins))} queues that they came from: {listed(origins)}"


def _typed(action: Action, count: int, going: int, guards: Sequence[Guard], limit: str) -> str:
    if action is Action.RESTORE:
        return ""
    if going > (LARGE_PURGE if action is Action.PURGE else LARGE):
        return f"{amount(action, going).capitalize()} at once is a lot."
    if limit:
        return "It needs a second person."
    warned = [guard for guard in guards if guard.standing is Standing.WARN]
    return "A guard warns." if warned and going > WARNED_FROM else ""
