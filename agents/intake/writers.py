"""Who writes, and where they may: the environment and the agents that a token is bound to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.access.api import Kind, Permission, Place, Subject, may

# A sender may invent agents without end.
MAX_DECIDED = 2_000
PATTERN = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Writer:
    """A sender with the right to write telemetry somewhere, and the environment of what names none."""

    subject: Subject
    default_environment: str
    _decided: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)

    def environment(self, stated: str) -> str:
        """What is stated counts; else the one that the token is bound to; else the default."""
        return stated or _only(self.subject.bounds.environment) or self._granted() or self.default_environment

    def why_not(self, environment: str, agent: str) -> str:
        """Why this agent's items may not be written there, or nothing. Asked once for each pair."""
        found = self._decided.get((environment, agent))
        if found is None:
            if len(self._decided) >= MAX_DECIDED:
                self._decided.clear()
            place = Place(environment=environment, agent=agent)
            decision = may(self.subject, Permission.WRITE_TELEMETRY, place)
            found = "" if decision else f"agent {agent} in environment {environment}: {decision.reason}"
            self._decided[environment, agent] = found
        return found

    def _granted(self) -> str:
        """The environment, when all grants to write name the same single one."""
        named = {_only(scope.environment) for scope in self.subject.scopes(Permission.WRITE_TELEMETRY)}
        return named.pop() if len(named) == 1 else ""


def may_write(subject: Subject) -> bool:
    """May this subject write telemetry anywhere at all?"""
    return subject.kind is not Kind.ANONYMOUS and bool(may(subject, Permission.WRITE_TELEMETRY))


def _only(pattern: str) -> str:
    return "" if PATTERN & set(pattern) else pattern
