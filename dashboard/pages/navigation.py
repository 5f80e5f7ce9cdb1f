"""The pages of the console, in the order of the rail: the one list that rail, palette and `g` keys are made from.

A page joins the list when it stands; the rail never names one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from core.access.api import Decision, Permission, Subject, may


@dataclass(frozen=True, slots=True)
class Page:
    """A page as the rail shows it. `route` is its url name; routes that begin with it belong to it.

    `counts` names the field of the live topic `counts` whose figure stands beside the title.
    """

    route: str
    title: str
    key: str
    permission: Permission | None
    answers: str
    counts: str = ""
    # In the rail's foot, and in no phone's bar.
    apart: bool = False

    def holds(self, route: str) -> bool:
        return route == self.route or route.startswith((f"{self.route}-", f"{self.route}:"))


PAGES: tuple[Page, ...] = (
    Page("overview", "Overview", "o", Permission.SEE, "Is everything fine, and if not, what first?"),
    Page("topology", "Topology", "p", Permission.SEE, "Who talks to whom, and where does it hurt?"),
    Page("workflows", "Workflows", "w", Permission.SEE, "What runs here, how often, and how well?"),
    Page("messages", "Messages", "m", Permission.SEE, "Where is each message, and since when?"),
    Page("queues", "Queues", "q", Permission.SEE, "What waits where, does it get less, and who takes it?"),
    Page("stuck", "Stuck", "s", Permission.SEE, "What does not move, and why?", counts="stuck"),
    Page("letters", "Letters", "l", Permission.SEE, "What died, and why?", counts="letters"),
    Page(
        "operations",
        "Operations",
        "r",
        Permission.SEE,
        "What is sent back or thrown away now, and how does it go?",
        counts="operations",
    ),
    Page("agents", "Agents", "a", Permission.SEE, "Who is there, in what state, and who can do what?"),
    Page("traces", "Traces", "t", Permission.SEE, "Which runs were slow or failed, and why?"),
    Page("logs", "Logs", "g", Permission.SEE, "What did the agents say?"),
    Page("alerts", "Alerts", "e", Permission.SEE, "What should somebody know about now?", counts="alerts"),
    Page(
        "approvals",
        "Approvals",
        "v",
        None,
        "What waits for a second person?",
        counts="approvals",
    ),
    Page("audit", "Audit", "u", Permission.READ_AUDIT, "Who did what, on what, and why?"),
    Page("my-permissions", "My permissions", "i", None, "What may I do, and where?", apart=True),
    Page(
        "admin:index",
        "Admin",
        "d",
        Permission.MANAGE_ACCESS,
        "Accounts, roles, grants, tokens, limits.",
        apart=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page for one subject: where it is, and whether they may open it."""

    page: Page
    url: str
    decision: Decision
    current: bool

    @property
    def icon(self) -> str:
        return self.page.route.partition(":")[0].removeprefix("my-")


def entries(subject: Subject, route: str = "") -> list[Entry]:
    """Every page, for this subject; a denied one stays in its place, with the reason."""
    return [Entry(page, reverse(page.route), _decision(subject, page), page.holds(route)) for page in PAGES]


def _decision(subject: Subject, page: Page) -> Decision:
    if page.permission is None:
        return Decision(True, "Everyone who is signed in may open it.")
    return may(subject, page.permission)
