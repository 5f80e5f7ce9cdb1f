"""Who works in the demo: fifteen agents in three workflows. Values, and where they lead."""

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
    # How often, of a thousand messages, it fails or takes five times as long.
    fails: int = 5
    slow: int = 20
    # Messages at once.
    hands: int = 2


@dataclass(frozen=True, slots=True)
class Workflow:
    """Steps in their order; `fan_out` steps at the end each get the same message."""

    name: str
    steps: tuple[Step, ...]
    fan_out: tuple[Step, ...] = ()

    @property
    def all_steps(self) -> tuple[Step, ...]:
        return self.steps + self.fan_out

    def after(self, step: Step) -> tuple[Step, ...]:
        """Whom a step hands on to."""
        if step not in self.steps:
            return ()
        place = self.steps.index(step) + 1
        return self.steps[place : place + 1] or self.fan_out


INVOICES = Workflow(
    "invoices",
    (
        Step("web", "receive invoice", 0.02),
        Step("classify", "classify document", 0.35, model="small-1"),
        Step("extract", "extract fields", 0.9, model="large-2", fails=40, slow=80, hands=4),
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
        Step("answer", "write answer", 1.4, model="large-2", fails=20, slow=100, hands=4),
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
AGENTS = tuple(sorted({step.agent for flow in WORKFLOWS for step in flow.all_steps}))


def at_work(agent: str) -> tuple[Workflow, Step]:
    """What an agent does, and in which workflow."""
    return next((flow, step) for flow in WORKFLOWS for step in flow.all_steps if step.agent == agent)
