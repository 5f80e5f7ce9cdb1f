"""The pages over a full store, asked of Django itself: run by span_questions_bench in the house that it fills.

    python -m tests.bench.span_pages FOLDER COUNT START

Topology holds the whole day thinly and its end as it was; agents are those that its spans named. The clock stands
at the end of the day. Prints a line of JSON: milliseconds of each page, cold and warm.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
import gc
import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db.models import Count
from django.test import Client
from django.urls import Resolver404, resolve

from agents.registry.models import Agent
from agents.registry.services.sightings import Memory, see
from agents.spans import services
from agents.spans.api import Condition, Op, Query, Span
from agents.topology.models import RunRow, WorkflowRow
from agents.topology.observed import sightings
from core import clock
from core.access.models import User
from tests.bench import span_asked
from tests.bench.span_asked import Seconds, Took, seconds
from tests.bench.span_data import DataSet
from tests.support import accounts, topology_rows, workflow_rows
from tests.support.span_stores import Home
from tests.support.telemetry import SECOND, Maker

ASKED = 10
READER = "ana"
THIN, LATEST = 20_000, 10_000


def main(folder: str, count: str, start: str) -> None:
    data = DataSet(Path(folder), int(count), int(start))
    settings.ALLOWED_HOSTS = ["*"]
    # Files need not be gathered for pages that no browser shows.
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with clock.held(datetime.fromtimestamp(data.ending // SECOND, UTC)):
        client = accounts.signed_in(User.objects.filter(username=READER).first() or first_reader(data))
        # What was prepared is no page's work: the collector of cycles would go through it again and again.
        gc.freeze()
        print(json.dumps({name: asked(client, path) for name, path in pages(data).items()}))


def first_reader(data: DataSet) -> User:
    """Whoever opens the pages first. A store that was kept has remembered by then."""
    remember(data)
    return accounts.person(READER, "admin")


def remember(data: DataSet) -> None:
    """What the watcher would have made of the spans."""
    thin = list(Maker(7).spans(THIN, data.start, data.ending))
    latest = list(islice(reversed(newest(LATEST)), LATEST))
    topology_rows.write(thin)
    topology_rows.write(latest)
    workflow_rows.write([*thin, *latest])
    see(sightings(thin + latest, data.ending), Memory())


def newest(count: int) -> list[Span]:
    store, cursor = services.store(), ""
    rows: list[Span] = []
    while len(rows) < count:
        page = store.search(Query(), limit=min(count, 10_000), cursor=cursor)
        rows += page.rows
        cursor = page.next
        if not cursor:
            break
    return rows


def pages(data: DataSet) -> dict[str, str]:
    """The addresses, of those pages that there are."""
    found = data.sample()[0]
    failed = Query((Condition("status", Op.IS, 2),))
    trace = next(iter(services.store().search(failed, limit=1).rows), found).trace_id.hex()
    all_of_them = {
        "topology": "/topology",
        "topology as a table": "/topology?view=table",
        "agents": "/agents",
        "traces": "/traces",
        "traces, of the day": "/traces?range=24h",
        "traces, searched": f"/traces?range=24h&q=agent:{found.agent}+status:error",
        "traces, counts and drawing": "/traces/around?range=24h",
        "one trace": f"/traces/{trace}",
        "logs": "/logs",
        "logs, searched": "/logs?range=24h&severity=error",
        "workflows": "/workflows",
        "workflows, of the day": "/workflows?range=24h",
        "one workflow": f"/workflows/{_busiest()}",
        "one workflow, of the day": f"/workflows/{_busiest()}?range=24h",
        "overview": "/",
        "one agent": f"/agents/{Agent.objects.get(agent_id=found.agent).pk}",
        "messages": "/messages",
        "errors": "/errors",
    }
    return {name: path for name, path in all_of_them.items() if _is_there(path)}


def _busiest() -> str:
    """The workflow with the most runs."""
    runs = RunRow.objects.filter(workflow_id__gt=0).values("workflow_id").annotate(runs=Count("pk"))
    busiest = runs.order_by("-runs").values_list("workflow_id", flat=True)[:1].get()
    return str(WorkflowRow.objects.get(pk=busiest).uid)


def _is_there(path: str) -> bool:
    try:
        resolve(path.partition("?")[0])
    except Resolver404:
        return False
    return True


def asked(client: Client, path: str) -> Took:
    home = _home()
    client.get(path)  # templates are compiled once for each process
    cold = []
    for _ in range(ASKED):
        services.store().close()
        span_asked.forget_files(home)
        cold.append(_once(client, path))
    return span_asked.took(cold, [_once(client, path) for _ in range(ASKED)])


def _once(client: Client, path: str) -> Seconds:
    answers = []
    took = seconds(lambda: answers.append(client.get(path)))
    assert answers[0].status_code == 200, f"{path}: {answers[0].status_code}"
    return took


def _home() -> Home:
    if url := os.environ.get("POSTROOM_DATABASE_URL"):
        return Home("postgresql", url)
    return Home("sqlite", str(Path(os.environ["POSTROOM_DATA_DIR"]) / "telemetry" / "spans"))


if __name__ == "__main__":
    main(*sys.argv[1:])
