"""How runs of the drill `stuck` came out: right, late, unknown, silent or wrong; and what was taken for what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from postroom.drills.faults.plan import Fault
from postroom.drills.faults.truth import UNKNOWN, Named, Truth
from postroom.drills.figures import Verdict, at_least, at_most, exactly, told

LIMIT_SECONDS = 10.0
# Of forty runs, one may fail to be right; none may be wrong.
RIGHT_SHARE = 39 / 40
RIGHT, LATE, UNSURE, SILENT, WRONG = "right", "late", "unknown", "silent", "wrong"
NOTHING = "nothing"
MOST_SAID = 8


@dataclass(slots=True)
class Run:
    """One fault, and what Postroom said of it."""

    fault: Fault
    # When each part held up its first message; empty until all do.
    held_at: list[float] = field(default_factory=list)
    # When each of what must be named was, in the order of the parts.
    found: dict[Truth, float] = field(default_factory=dict)
    wrong: list[Named] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    # The last answer that said anything.
    last: Sequence[Named] = ()

    def hear(self, said: Sequence[Named], at: float) -> None:
        """One answer of Postroom's."""
        truths = self.fault.truths
        self.wrong = self.wrong or truths.wrong(said)
        self.last = said or self.last
        for verdict in (named.verdict for named in said):
            if verdict not in self.verdicts:
                self.verdicts.append(verdict)
        missing = truths.missing(said)
        for each in truths.wanted:
            if each not in missing:
                self.found.setdefault(each, at)

    @property
    def all_named(self) -> bool:
        return len(self.found) == len(self.fault.truths.wanted)

    @property
    def named_at(self) -> float:
        return max(self.found.values())

    @property
    def seconds(self) -> float:
        """Of the part that took longest, from its first message that was held up."""
        named = (self.found[each] for each in self.fault.truths.wanted)
        return max((at - held for at, held in zip(named, self.held_at, strict=True)), default=0.0)

    @property
    def came_to(self) -> str:
        if self.wrong:
            return WRONG
        if not self.fault.parts:
            return UNSURE if self.verdicts else RIGHT
        if self.all_named and self.held_at:
            return RIGHT if self.seconds <= LIMIT_SECONDS else LATE
        return UNSURE if UNKNOWN in self.verdicts else SILENT

    @property
    def said(self) -> str:
        return " + ".join(sorted(self.verdicts)) or NOTHING

    def __str__(self) -> str:
        took = f" after {self.seconds:.1f} s" if self.all_named and self.held_at else ""
        return f"{self.came_to}{took}: {self.fault}, said {self.said}"

    def report(self) -> list[str]:
        """What there is to know of a run that was not right: all that was said last, and what of it is wrong."""
        return [
            str(self),
            *(
                f"  {'✗' if named in self.wrong else ' '} {named}"
                for named in (*self.wrong, *self.last)[:MOST_SAID]
            ),
        ]


def judge(verdict: Verdict, runs: Sequence[Run]) -> None:
    came_to = Counter(run.came_to for run in runs)
    seconds = sorted(run.seconds for run in runs if run.fault.parts and run.came_to in {RIGHT, LATE})
    verdict.add(
        told("runs", len(runs)),
        told("of them without a fault", sum(not run.fault.parts for run in runs)),
        at_least(f"right within {LIMIT_SECONDS:g} s", came_to[RIGHT], math.ceil(RIGHT_SHARE * len(runs))),
        at_most("unknown", came_to[UNSURE], 1),
        exactly("wrong", came_to[WRONG], 0),
        told("late", came_to[LATE]),
        told("silent", came_to[SILENT]),
    )
    if seconds:
        verdict.add(
            told("seconds, median", round(seconds[len(seconds) // 2], 2)),
            told("seconds, longest", round(seconds[-1], 2)),
        )
    verdict.lines += matrix(runs)
    for run in runs:
        verdict.lines += run.report() if run.came_to != RIGHT else []


def matrix(runs: Sequence[Run]) -> list[str]:
    """What was true, by what was said."""
    counts = Counter((run.fault.name, run.said) for run in runs)
    wide = max(len(name) for name, _ in counts)
    return [f"{name:<{wide}} → {said}: {times}" for (name, said), times in sorted(counts.items())]
