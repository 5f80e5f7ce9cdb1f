"""How long letters take when there are very many: what lists and searches ask, whole pages, sealing a plan for all of
them, an export, and a group that goes into another one; on the database that the settings name.

    python -m tests.bench.letters_bench [--letters 20000] [--groups 200] [--parts questions,pages,seal,export,move]
                                        [--keep]

It fills a test database of its own and leaves nothing; with --keep it stays, in POSTROOM_DATA_DIR or on the server,
and is asked again at the next run (one without --keep removes it). Times of questions are of the selectors and the
database; those of pages are of Django whole, without a network; beside them stands this process's own work, which
says more on a busy machine. Required, also with --letters 1000000 --groups 2000: 19
of 20 answers within 200 ms, a text within a second, and a plan for all letters sealed within 20 s, which holds no
request.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
import psutil
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from django.urls import reverse

from agents.deadletters import facets, groups, selectors
from agents.deadletters.groups import GroupFilter
from agents.deadletters.models import FailureGroup, Letter
from agents.deadletters.selectors import Filter
from agents.deadletters.services import merging, moving
from agents.deadletters.values import State
from agents.operations import api as operations
from agents.operations.models import Item, Plan, PlanPart
from agents.operations.services import sealing
from agents.operations.values import Action, PlanState, Selection
from core.access import grants
from core.access.api import Grant, Kind, Permission, Scope, Subject
from core.access.models import User
from core.access.services import Actor
from dashboard.exporting import Export, Wanted
from tests.bench import letters_data
from tests.support import accounts, servers

ALL = frozenset({Permission.SEE, Permission.READ_PAYLOADS})
WHO = Subject(Kind.PERSON, "1", "ana", (Grant("admin", ALL),))
NARROW = Subject(Kind.PERSON, "2", "bo", (Grant("operator", ALL, Scope(queue="queue-1*")),))
TIMES = 20
# In milliseconds: what a page, and what a search for text may take. In seconds: what sealing may.
MOST, MOST_OF_TEXT, MOST_OF_SEALING = 200, 1_000, 20
PARTS = ("questions", "pages", "seal", "export", "move")


# ---- Questions -------------------------------------------------------------------------------------------------
def listed(subject: Subject, **wanted: Any) -> Callable[[], object]:
    def ask() -> object:
        rows = selectors.seen_by(subject).filter(selectors.letters(Filter(**wanted), subject))
        return list(rows.order_by(*selectors.NEWEST)[:51])

    return ask


def made_of(subject: Subject, **wanted: Any) -> Callable[[], object]:
    return lambda: facets.of(selectors.seen_by(subject).filter(selectors.letters(Filter(**wanted), subject)))


def grouped(subject: Subject, order: str, **wanted: Any) -> Callable[[], object]:
    def ask() -> object:
        rows = groups.visible_to(subject).filter(groups.groups(GroupFilter(**wanted)))
        page = list(rows.order_by(*groups.ORDERS[order])[:51])
        return groups.numbers(subject, [each.pk for each in page])

    return ask


def largest() -> FailureGroup:
    return FailureGroup.objects.filter(merged_into=None).order_by("-deaths")[0]


def questions() -> dict[str, Callable[[], object]]:
    largest_ = str(largest().pk)
    return {
        "letters, held": listed(WHO, state="held"),
        "letters, held, of a scope": listed(NARROW, state="held"),
        "letters of a queue": listed(WHO, state="held", queue="queue-7"),
        "letters of an agent": listed(WHO, agent="agent-7"),
        "letters of the largest group": listed(WHO, group=largest_, state="held"),
        "letters of an error's type": listed(WHO, error="Error77"),
        "groups, newest": grouped(WHO, "last", held=True),
        "groups, most deaths": grouped(WHO, "deaths"),
        "groups of a scope": grouped(NARROW, "last"),
        "text, rare": listed(WHO, q="word77 word78"),
        "text, one word in 250": listed(WHO, q="word777"),
        "text, in every letter": listed(WHO, q="invoice"),
        "text, phrase": listed(WHO, q='"cause 77"'),
        "header": listed(WHO, q="header.tenant=t7"),
        "header and state": listed(WHO, q="header.tenant=t7 state:held"),
        "facets, held": made_of(WHO, state="held"),
        "facets of a scope": made_of(NARROW, state="held"),
        "facets of a text in every letter": made_of(WHO, q="invoice"),
        "facets of an error's type": made_of(WHO, error="Error77"),
        "message id": listed(WHO, q="message:m-77"),
    }


# ---- Pages -----------------------------------------------------------------------------------------------------
def pages(client: Client) -> dict[str, Callable[[], object]]:
    group, letter = largest(), Letter.objects.filter(state=State.HELD).order_by("pk")[0]
    few = FailureGroup.objects.filter(merged_into=None, deaths__gt=0).order_by("deaths")[0]
    facets_ = reverse("letters-facets")
    addresses = {
        "page: overview": "/",
        "page: groups": "/letters",
        "page: groups, all": "/letters?view=groups&show=any",
        "page: groups, most deaths": "/letters?view=groups&sort=deaths",
        "page: groups, of a word": "/letters?view=groups&q=cause",
        "page: groups, of a week": "/letters?view=groups&range=7d",
        "page: letters": "/letters?view=letters",
        "page: letters, any state": "/letters?view=letters&state=any",
        "page: letters of a queue": "/letters?view=letters&queue=queue-7",
        "text, page: a rare word": "/letters?view=letters&q=word777",
        "text, page: in every letter": "/letters?view=letters&q=invoice",
        "page: facets": f"{facets_}?view=letters",
        "page: the largest group": f"/letters/groups/{group.pk}",
        "page: the largest group, a week": f"/letters/groups/{group.pk}?range=7d",
        "page: a small group": f"/letters/groups/{few.pk}",
        "page: its letters": f"/letters?view=letters&group={group.pk}&state=any",
        "page: one letter": f"/letters/{letter.pk}",
        "page: operations": "/operations",
        "API: groups": "/api/v1/failure-groups",
        "API: the largest group": f"/api/v1/failure-groups/{group.pk}",
        "API: letters": "/api/v1/dead-letters?state=held",
        "API: one letter": f"/api/v1/dead-letters/{letter.pk}",
        "API: facets": "/api/v1/dead-letters/facets?state=held",
    }
    return {name: asked(client, path) for name, path in addresses.items()}


def asked(client: Client, path: str) -> Callable[[], object]:
    def ask() -> object:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.content

    return ask


def measure(name: str, ask: Callable[[], object]) -> bool:
    taken, own = [], []
    for _ in range(TIMES):
        before, worked = perf_counter(), process_time()
        ask()
        taken.append((perf_counter() - before) * 1_000)
        own.append((process_time() - worked) * 1_000)
    taken.sort()
    p95, most = taken[int(TIMES * 0.95) - 1], MOST_OF_TEXT if name.startswith("text") else MOST
    holds = p95 < most
    verdict = "" if holds else f"   NOT under {most} ms"
    figures = f"median {median(taken):8.1f} ms   p95 {p95:8.1f} ms   own work {median(own):7.1f} ms"
    print(f"{name:34} {figures}{verdict}", flush=True)
    return holds


# ---- What takes longer -----------------------------------------------------------------------------------------
def seal(actor: Actor, client: Client) -> bool:
    """A plan for all that are held: the request, what a worker does, and the plan's page."""
    before = perf_counter()
    plan = operations.plan(
        Action.REDRIVE, Selection(everything=True), operations.parse(Action.REDRIVE, {}), actor
    )
    request, before, worked = perf_counter() - before, perf_counter(), process_time()
    while Plan.objects.get(pk=plan.pk).state == PlanState.SEALING:
        sealing.go_on(plan.pk)
    worker, work = perf_counter() - before, process_time() - worked
    plan.refresh_from_db()
    print(
        f"a plan for {plan.count:,} letters: the request {request * 1_000:.0f} ms, sealed in {worker:.1f} s "
        f"(own work {work:.1f} s)" + ("" if worker < MOST_OF_SEALING else f"   NOT under {MOST_OF_SEALING} s")
    )
    held = [
        worker < MOST_OF_SEALING,
        measure("page: the plan", asked(client, f"/plans/{plan.pk}")),
        measure("API: the plan", asked(client, f"/api/v1/plans/{plan.pk}")),
    ]
    forget(plan)
    return all(held)


def forget(plan: Plan) -> None:
    """So that a database that is kept stays as it was."""
    with connection.cursor() as cursor:
        table = Item._meta.db_table
        plan_id = Item._meta.get_field("plan").get_db_prep_value(plan.pk, connection)
        cursor.execute(f"DELETE FROM {table} WHERE plan_id = %s", [plan_id])
    PlanPart.objects.filter(plan=plan).delete()
    plan.delete()


def export(actor: Actor, kind: str, *, contents: bool = False) -> bool:
    """All letters, as a client that takes them at once."""
    process = psutil.Process()
    begun, worked, first, size, most = perf_counter(), process_time(), 0.0, 0, 0
    memory = process.memory_info().rss
    for part in Export(Wanted(Filter(), kind, contents), actor, {}).parts():
        first = first or perf_counter() - begun
        size += len(part)
        most = max(most, process.memory_info().rss)
    took, work, number = perf_counter() - begun, process_time() - worked, Letter.objects.count()
    print(
        f"export of {number:,} as {kind}{' with contents' if contents else ''}: {number / took:,.0f} letters/s "
        f"({number / work:,.0f} in a second of its own work), "
        f"{size / 2**20:.0f} MB in {took:.1f} s, the first after {first * 1_000:.0f} ms; "
        f"memory {most / 2**20:.0f} MB, {(most - memory) / 2**20:.0f} MB more than before",
        flush=True,
    )
    return True


def move(actor: Actor) -> bool:
    """The largest group into another one, and back."""
    source = largest()
    into = FailureGroup.objects.filter(merged_into=None, deaths__gt=0).order_by("deaths")[0]
    begun, worked = perf_counter(), process_time()
    (merge,) = merging.merge(into, [source], actor)
    request = perf_counter() - begun
    while moving.due():
        moving.go_on(merge.pk)
    merge.refresh_from_db()
    took, work = perf_counter() - begun, process_time() - worked
    print(
        f"a merge of {merge.moved:,} letters: the request {request * 1_000:.0f} ms, all in {took:.1f} s, "
        f"{merge.moved / took:,.0f} letters/s ({merge.moved / work:,.0f} in a second of its own work)"
    )
    begun = perf_counter()
    back = merging.undo(merge, actor)
    request = perf_counter() - begun
    while moving.due():
        moving.go_on(back.pk)
    back.refresh_from_db()
    took = perf_counter() - begun
    print(f"taken back: the request {request * 1_000:.0f} ms, {back.moved:,} letters in {took:.1f} s")
    return True


# ---- All of it -------------------------------------------------------------------------------------------------
def everything(parts: list[str]) -> list[bool]:
    person = User.objects.filter(username="ana").first() or accounts.person("ana", "admin")
    client, actor = accounts.signed_in(person), Actor(grants.subject_of(person))
    held: list[bool] = []
    if "questions" in parts:
        held += [measure(name, ask) for name, ask in questions().items()]
    if "pages" in parts:
        held += [measure(name, ask) for name, ask in pages(client).items()]
    if "seal" in parts:
        held.append(seal(actor, client))
    if "export" in parts:
        held += [export(actor, "jsonl"), export(actor, "csv"), export(actor, "jsonl", contents=True)]
    if "move" in parts:
        held.append(move(actor))
    return held


def main() -> int:
    asked_ = argparse.ArgumentParser(description=__doc__)
    asked_.add_argument("--letters", type=int, default=20_000)
    asked_.add_argument("--groups", type=int, default=200)
    asked_.add_argument("--parts", default=",".join(PARTS))
    asked_.add_argument("--keep", action="store_true")
    given = asked_.parse_args()
    logging.disable(logging.INFO)
    settings.ALLOWED_HOSTS = ["*"]
    # Files need not be gathered for pages that no browser shows.
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with servers.redis_server() as settings.REDIS_URL:
        return run(given.letters, given.groups, given.parts.split(","), keep=given.keep)


def run(letters: int, number_of_groups: int, parts: list[str], *, keep: bool) -> int:
    databases = setup_databases(verbosity=0, interactive=False, keepdb=keep, aliases=None)
    try:
        if Letter.objects.count() != letters:
            before = perf_counter()
            letters_data.fill(letters, number_of_groups)
            print(f"{letters:,} letters on {connection.vendor}: filled in {perf_counter() - before:.0f} s")
        held = everything(parts)
    finally:
        teardown_databases(databases, verbosity=0, keepdb=keep)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
