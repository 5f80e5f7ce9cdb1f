"""What is true while a fault is there: which agents hold messages up, and the verdicts that say so. Values and judging.

Where two verdicts are true of the same messages, both are in the list: a message that a killed worker holds is
unacknowledged, and its agent is down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

UNKNOWN = "unknown"


class Named(NamedTuple):
    """Postroom said that this agent holds messages up, and why. What it says beside that is reported, not judged: the
    cause that this one follows from (`behind`), and its sentence."""

    agent: str
    verdict: str
    behind: str = ""
    says: str = ""

    def __str__(self) -> str:
        behind = f", behind {self.behind}" if self.behind else ""
        says = f" ({self.says})" if self.says else ""
        return f"{self.agent}: {self.verdict}{behind}{says}"


@dataclass(frozen=True, slots=True)
class Truth:
    """Any of these agents with any of these verdicts is right."""

    agents: frozenset[str]
    verdicts: frozenset[str]

    def covers(self, named: Named) -> bool:
        return named.verdict in self.verdicts and named.agent in self.agents


def truth(agents: Iterable[str], *verdicts: str) -> Truth:
    return Truth(frozenset(agents), frozenset(verdicts))


@dataclass(frozen=True, slots=True)
class Truths:
    """Each of `wanted` must be named; of `besides` it may be; anything else is wrong."""

    wanted: Sequence[Truth] = ()
    besides: Sequence[Truth] = ()

    def wrong(self, said: Iterable[Named]) -> list[Named]:
        """What is claimed and is not so. `unknown` claims nothing."""
        known = (*self.wanted, *self.besides)
        return [
            named
            for named in said
            if named.verdict != UNKNOWN and not any(each.covers(named) for each in known)
        ]

    def missing(self, said: Iterable[Named]) -> list[Truth]:
        named = list(said)
        return [each for each in self.wanted if not any(each.covers(one) for one in named)]
