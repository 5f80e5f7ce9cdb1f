"""Edit before redrive: one letter's body and headers as they are, or a patch for many, seen on samples before it is
sealed. The originals are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from agents.deadletters import selectors as deadletters
from agents.deadletters.models import Letter
from agents.deadletters.seal import SealError
from agents.operations import selectors
from agents.operations.api import OptionRefusedError
from agents.operations.editing import EditRefusedError, difference, edited
from agents.operations.message import Message
from agents.operations.models import Plan
from agents.operations.values import Action
from core.access.api import Permission, Subject, may
from core.access.routes import requires
from dashboard.pages import frame, plan, plan_form

SAMPLES = 3
PARTS = ("body", "headers")


@dataclass(frozen=True, slots=True)
class Sample:
    """A member as the edit would change it: lines of the difference, or why it does not fit."""

    letter: Letter
    lines: list[str] = field(default_factory=list)
    problem: str = ""


@requires(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, id: UUID) -> HttpResponse:
    found = plan.one(request, id)
    if found.action != Action.REDRIVE:
        raise Http404
    subject, problem, wanted = frame.subject_of(request), "", found.options.get("edit")
    members = list(_members(subject, found))
    single = members[0][1] if found.count == 1 and members and members[0][1].is_json else None
    if request.method == "POST":
        try:
            wanted = _wanted(request.POST, single)
        except OptionRefusedError as refused:
            problem = str(refused)
        if request.POST.get("do") == "seal" and not problem:
            return _sealed(request, found, wanted)
    context = {
        "plan": found,
        "single": single is not None,
        "fields": _fields(request, single, wanted),
        "samples": [_sample(letter, message, wanted) for letter, message in members],
        "wanted": wanted,
        "problem": problem,
        "masked": found.count and not members,
    }
    return render(request, "pages/plan_edit.html", context, status=422 if problem else 200)


def patch_between(before: Any, after: Any, path: str = "") -> list[dict[str, Any]]:
    """The JSON Patch that makes one of the other. Pure."""
    if isinstance(before, dict) and isinstance(after, dict):
        return list(_of_objects(before, after, path))
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [step for place, (old, new) in pairs for step in patch_between(old, new, f"{path}/{place}")]
    same = type(before) is type(after) and before == after
    return [] if same else [{"op": "replace", "path": path, "value": after}]


def _of_objects(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[dict[str, Any]]:
    for name in [*before, *(each for each in after if each not in before)]:
        below = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in after:
            yield {"op": "remove", "path": below}
        elif name not in before:
            yield {"op": "add", "path": below, "value": after[name]}
        else:
            yield from patch_between(before[name], after[name], below)


def _wanted(data: Mapping[str, Any], single: Message | None) -> dict[str, Any] | None:
    if single is None:
        return plan_form.edit(data)
    patches = {
        "body": patch_between(single.value(), _document("body", str(data.get("body", "")))),
        "headers": patch_between(dict(single.headers), _document("headers", str(data.get("headers", "")))),
    }
    return {part: patch for part, patch in patches.items() if patch} or None


def _document(part: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as problem:
        raise OptionRefusedError(f"edit.{part}", f"it is no JSON: {problem}") from None


def _sealed(request: HttpRequest, found: Plan, wanted: dict[str, Any] | None) -> HttpResponse:
    options = found.options | {"edit": wanted}
    return plan.made(request, Action.REDRIVE, found.selection, options, fallback=request.path)


def _fields(request: HttpRequest, single: Message | None, wanted: Mapping[str, Any] | None) -> dict[str, str]:
    """What stands in the form: what was typed, else the message itself or the patches."""
    if request.method == "POST":
        return {part: request.POST.get(part, "") for part in PARTS}
    if single is None:
        return {part: plan_form.as_text((wanted or {}).get(part)) for part in PARTS}
    shown = edited(single, wanted)
    return {"body": plan_form.as_text(shown.value()), "headers": plan_form.as_text(dict(shown.headers))}


def _members(subject: Subject, found: Plan) -> Iterator[tuple[Letter, Message]]:
    """The first ones whose payload this person may read."""
    items = list(selectors.members(found)[:SAMPLES])
    letters = selectors.letters_of(items, subject)
    for item in items:
        letter = letters.get(item.letter) if item.letter else None
        message = _message(subject, letter) if letter else None
        if letter and message:
            yield letter, message


def _message(subject: Subject, letter: Letter) -> Message | None:
    if not may(subject, Permission.READ_PAYLOADS, letter.place):
        return None
    try:
        contents = deadletters.contents_of(letter)
    except SealError:
        return None
    if contents is None:
        return None
    return Message(
        contents.body, contents.headers, contents.properties, letter.content_type, letter.content_encoding
    )


def _sample(letter: Letter, message: Message, wanted: Mapping[str, Any] | None) -> Sample:
    try:
        return Sample(letter, difference(message, edited(message, wanted)) if wanted else [])
    except EditRefusedError as refused:
        return Sample(letter, problem=str(refused))
