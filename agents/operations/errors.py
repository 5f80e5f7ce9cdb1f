"""Why something is refused. The docstring is the sentence for whoever asked."""

from __future__ import annotations

from datetime import datetime

from core.clock import rfc3339


class OperationError(Exception):
    """What was asked for cannot be done now; read the state again."""

    def __init__(self, *said: str) -> None:
        super().__init__(*(said or (type(self).__doc__,)))


class SelectionRefusedError(OperationError):
    """Which ones is not clear. `field` names the part, the sentence says what would do."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field, self.detail = field, detail


class ReasonMissingError(OperationError):
    """Say why, in a few words: the reason stands in the operation's history and in the audit trail."""


class EmptyPlanError(OperationError):
    """The plan has no members: nothing matched, or you may not do this where they are. Plan anew."""


class PlanNotSealedError(OperationError):
    """The plan is still being sealed. Ask for it again until its state is `sealed`."""


class PlanUsedError(OperationError):
    """An operation was started with this plan already. Plan anew for another."""


class PlanExpiredError(OperationError):
    """The plan has expired: what it says may no longer be true. Plan anew."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The plan expired at {rfc3339(at)}: what it says may no longer be true. Plan anew.")


class WrongCountError(OperationError):
    """The number that was typed is not the plan's. Read the plan again."""

    def __init__(self, typed: int, count: int) -> None:
        super().__init__(f"{typed} was typed, and the plan has {count}. Read the plan again.")
