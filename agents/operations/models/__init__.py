"""The tables of plans, operations and policies."""

from __future__ import annotations

from agents.operations.models.operations import Claim, Operation, OperationChange, Receipt, Sample
from agents.operations.models.plans import Item, Plan, PlanChange, PlanPart
from agents.operations.models.policies import Cursor, RedrivePolicy, Untold

__all__ = [
    "Claim",
    "Cursor",
    "Item",
    "Operation",
    "OperationChange",
    "Plan",
    "PlanChange",
    "PlanPart",
    "Receipt",
    "RedrivePolicy",
    "Sample",
    "Untold",
]
