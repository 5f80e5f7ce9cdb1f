"""Letters: what died, and why? The list; dashboard/pages/letter.py shows one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.deadletters import bounded, selectors
from agents.deadletters.bounded import TooDearError
from agents.deadletters.models import Letter
from agents.deadletters.selectors import Filter
from agents.deadletters.showing import Veil
from agents.deadletters.trouble import Trouble, What, troubles
from agents.deadletters.values import State
from agents.searches.values import SearchOf
from core import live_redis
from core.access.api import Permission, Subject, may
from core.access.routes import requires
from core.brokers.api import configured
from dashboard.api import paging
from dashboard.api.problems import ProblemError
from dashboard.pages import doing, frame, groups, letters_facets, saved
from dashboard.pages.letters_asked import TEXTS, USUAL, as_query, wanted_by

ANY = "any"
# "All that match" is counted no further than this; a plan counts them all.
MOST_COUNTED, SECONDS = 20_000, 0.05


@dataclass(frozen=True, slots=True)
class Waiting:
    """Capture on a broker that cannot go on, as a sentence."""

    trouble: Trouble

    @property
    def since(self) -> datetime:
        return datetime.fromtimestamp(self.trouble.since, UTC)

    @property
    def sentence(self) -> str:
        if self.trouble.what is What.UNREACHABLE:
            return f"Cannot reach {self.trouble.broker}, so its letters are not seen"
        return f"Letters stay on {self.trouble.broker}: the database takes nothing"


@requires(Permission.SEE)
@require_safe
def letters(request: HttpRequest) -> HttpResponse:
    subject, wanted = frame.subject_of(request), wanted_by(request)
    grouped = groups.any_yet(subject)
    if grouped and _asks_for_groups(request):
        return groups.page(request, {"waiting": waiting(), **saved.offered(request, SearchOf.GROUPS)})
    # Once: a search may have to ask the index how many it finds.
    rows = selectors.seen_by(subject).filter(selectors.letters(wanted, subject))
    page, problem = _page(request, rows)
    narrowed = [(name, value) for name in TEXTS[1:] if (value := getattr(wanted, name))]
    context = {
        "page": page,
        "grouped": grouped,
        "problem": problem,
        "wanted": wanted,
        "state": request.GET.get("state") or str(USUAL),
        "states": [*State],
        "any": ANY,
        "narrowed": narrowed,
        "filtered": bool(wanted.q or narrowed),
        "newest": _newest(page, request),
        "waiting": waiting(),
        "brokers": [broker.name for broker in configured()],
        "curl_path": f"{reverse('api-letters')}?{urlencode(as_query(wanted))}",
        "export": may(subject, Permission.EXPORT),
        "facets_url": f"{reverse('letters-facets')}?{request.GET.urlencode()}",
        "facets": letters_facets.of(request) if request.GET.get("facets") else None,
        **saved.offered(request, SearchOf.LETTERS),
        **_doing(subject, wanted, rows),
        **_empty(page, subject),
    }
    return render(request, "pages/letters.html", context)


@requires(Permission.SEE)
@require_safe
def newer(request: HttpRequest) -> HttpResponse:
    """How many came since the list was drawn: they wait behind a link, so that nothing moves under the cursor."""
    subject, wanted, number = frame.subject_of(request), wanted_by(request), 0
    after = _id(request.GET.get("after", ""))
    if after is not None:
        rows = selectors.seen_by(subject).filter(selectors.letters(wanted, subject), pk__gt=after)
        number = rows.count()
    query = request.GET.copy()
    for name in ("after", "cursor"):
        query.pop(name, None)
    url = f"{reverse('letters')}?{query.urlencode()}"
    context = {"number": number, "url": url, "route": reverse("letters-newer")}
    return render(request, "pages/letters_newer.html", context)


def _asks_for_groups(request: HttpRequest) -> bool:
    """Groups first, unless the address says which letters."""
    view = request.GET.get("view", "")
    return view == "groups" or not (
        view or any(request.GET.get(name) for name in (*TEXTS, "state", "cursor"))
    )


def waiting() -> list[Waiting]:
    """Where capture waits. When Redis cannot be asked, the overview says that already."""
    try:
        return [Waiting(each) for each in troubles()]
    except live_redis.Unreachable:
        return []


def _page(request: HttpRequest, rows: QuerySet[Letter]) -> tuple[paging.Page[Letter] | None, str]:
    try:
        found = paging.page(request, rows, selectors.NEWEST)
    except ProblemError as refused:
        return None, refused.problem.detail
    Veil().over(found.rows)
    return found, ""


def _doing(subject: Subject, wanted: Filter, rows: QuerySet[Letter]) -> dict[str, Any]:
    """What can be done to these: to those that are ticked, or to all that match."""
    actions = doing.offered(subject, wanted.state)
    if not actions:
        return {"actions": []}
    fields = as_query(wanted)
    first = actions[0].action
    return {
        "actions": actions,
        "fields": [(name, value) for name, value in fields.items() if name != "state"],
        "matching": _matching(rows),
        "most_counted": MOST_COUNTED,
        "plan_body": {"action": str(first), "select": {"filter": fields}},
        "plan_line": doing.line(first, fields),
    }


def _matching(rows: QuerySet[Letter]) -> int | None:
    """How many there are, no further than it is shown; None where that takes too long."""
    try:
        return bounded.within(SECONDS, rows.order_by().values("pk")[: MOST_COUNTED + 1].count)
    except TooDearError:
        return None


def _newest(page: paging.Page[Letter] | None, request: HttpRequest) -> str:
    """The last that came, for counting newer ones; ids grow with time. Older pages are not watched."""
    if page is None or request.GET.get("cursor"):
        return ""
    return str(max((row.pk for row in page.rows), default=UUID(int=0)))


def _empty(page: paging.Page[Letter] | None, subject: Subject) -> dict[str, Any]:
    """What an empty list is to say: whether there ever was a letter, and what became of the last one."""
    if page is None or page.rows:
        return {}
    last = selectors.seen_by(subject).order_by("-since").first()
    return {"last": last, "nothing_at_all": last is None}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
