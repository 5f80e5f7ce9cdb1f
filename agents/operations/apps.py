"""Operations as a Django app; they must survive everything, so their tables lie in `default`, beside the letters."""

from __future__ import annotations

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "agents.operations"
    label = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from agents.deadletters.signals import died_again
        from agents.operations.services import outcomes, starting
        from core.access.services import approvals

        approvals.ended.connect(starting.approval_ended, dispatch_uid="operations")
        died_again.connect(outcomes.died_again, dispatch_uid="operations")
