"""Members looked into one by one: past their deadline, part of a canvas, a tool call that succeeded before they failed.

A large plan is looked into at its beginning, and says how far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from agents.deadletters import selectors as custody
from agents.deadletters.models import Letter, StoredContents
from agents.deadletters.seal import SealError
from agents.operations.message import is_canvas
from agents.operations.models import Item, Plan
from agents.operations.options import Expiry
from agents.operations.renewal import is_expired
from agents.operations.services.composing import message_of
from agents.operations.values import Flag
from agents.spans.api import StoreError, Trace
from agents.spans.services import store
from agents.spans.values import Span, Status, trace_id_of
from core import clock

LOOKED_INTO, TRACES = 200, 50
SECOND = 1_000_000_000


def look(plan: Plan) -> tuple[int, dict[UUID, int]]:
    """How many were looked into, and the flags of those that bear one."""
    ids = Item.objects.filter(plan=plan).order_by("ordinal").values_list("letter", flat=True)[:LOOKED_INTO]
    letters = list(Letter.objects.filter(pk__in=[id for id in ids if id]).order_by("pk"))
    traces, kept = _traces(letters[:TRACES]), plan.how.expiry is Expiry.KEEP
    stored = custody.last_stored([letter.pk for letter in letters])
    found = {
        letter.pk: _of_contents(letter, stored.get(letter.pk), kept) | _of_trace(letter, traces)
        for letter in letters
    }
    return len(letters), {id: flags for id, flags in found.items() if flags}


def _of_contents(letter: Letter, row: StoredContents | None, kept: bool) -> int:
    """A deadline only matters where it is kept: else it is cleared or shifted."""
    if row is None:
        return 0
    try:
        message = message_of(letter, custody.opened(row))
    except SealError:
        return 0
    expired = Flag.EXPIRED if kept and is_expired(message, clock.now()) else 0
    return int(expired) | (int(Flag.CANVAS) if is_canvas(message) else 0)


def _traces(letters: Sequence[Letter]) -> Mapping[bytes, Trace]:
    """A store that is away leaves the guard silent, not the plan unsealed."""
    ids = {id for letter in letters if (id := trace_id_of(letter.trace_id))}
    try:
        return store().get_traces(ids, limit=500)
    except StoreError:
        return {}


def _of_trace(letter: Letter, traces: Mapping[bytes, Trace]) -> int:
    id = trace_id_of(letter.trace_id)
    if id is None:
        return 0
    trace = traces.get(id)
    died = int(letter.last_died_at.timestamp() * SECOND)
    tools = trace is not None and any(_succeeded(span, letter.agent, died) for span in trace.spans)
    return int(Flag.TOOL_SUCCEEDED) if tools else 0


def _succeeded(span: Span, agent: str, before: int) -> bool:
    """A tool of this agent that ended well before the message died: to do it again may do it twice."""
    return (
        bool(span.tool)
        and span.agent == agent
        and span.status != Status.ERROR
        and span.start + span.duration <= before
    )
