"""Who works in the demo: fifteen agents in three workflows. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One agent's part of a workflow: takes from its queue, works, and hands on to the next step's queue."""

    agent: str
    operation: str
    seconds: float
    model: str = ""
    tool: str = ""
    # How often, of a thousand runs, it fails or takes five times as long.
    fails: int = 5
    slow: int = 20

    @property
    def queue(self) -> str:
        return f"{self.agent}.q"


@dataclass(frozen=True, slots=True)
class Workflow:
    """Steps in their order; `fan_out` steps at the end each get the same message."""

    name: str
    steps: tuple[Step, ...]
    fan_out: tuple[Step, ...] = ()


INVOICES = Workflow(
    "invoices",
    (
        Step("web", "receive invoice", 0.02),
        Step("classify", "classify document", 0.35, model="small-1"),
        Step("extract", "extract fields", 0.9, model="large-2", fails=40, slow=80),
        Step("validate", "validate fields", 0.05, tool="tax-table", fails=25),
        Step("store", "store invoice", 0.03),
    ),
    (Step("ledger", "book invoice", 0.06), Step("mailer", "send receipt", 0.12, fails=15)),
)
SUPPORT = Workflow(
    "support",
    (
        Step("chat", "take question", 0.02),
        Step("sentiment", "judge tone", 0.25, model="small-1"),
        Step("search", "find articles", 0.2, tool="search"),
        Step("answer", "write answer", 1.4, model="large-2", fails=20, slow=100),
    ),
)
REPORTS = Workflow(
    "reports",
    (
        Step("schedule", "start report", 0.01),
        Step("collect", "collect figures", 0.4, tool="warehouse", slow=120),
        Step("summarise", "summarise figures", 0.8, model="large-2"),
        Step("publish", "publish report", 0.08, fails=30),
    ),
)
WORKFLOWS = (INVOICES, SUPPORT, REPORTS)
AGENTS = tuple(sorted({step.agent for flow in WORKFLOWS for step in flow.steps + flow.fan_out}))
