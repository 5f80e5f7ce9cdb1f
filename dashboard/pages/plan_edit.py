"""Edit before redrive: one letter's body and headers as they are once it was asked to see them, or a patch, seen on
samples before it is sealed. The originals are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from agents.deadletters.models import Letter
from agents.operations.api import OptionRefusedError
from agents.operations.editing import edited
from agents.operations.message import Message
from agents.operations.models import Plan
from agents.operations.values import Action
from core.access.api import Permission, may
from core.access.routes import requires
from dashboard.edit_samples import Sample, sample, samples
from dashboard.pages import frame, plan, plan_form, reveal

PARTS = ("body", "headers")


@requires(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, id: UUID) -> HttpResponse:
    found = plan.one(request, id)
    if found.action != Action.REDRIVE:
        raise Http404
    subject, problem, wanted = frame.subject_of(request), "", found.options.get("edit")
    shown = samples(subject, found, None, lambda letter: _is_open(request, letter))
    single = _single(found, shown)
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
        "samples": [sample(each.letter, wanted, is_open=not each.masked) for each in shown],
        "wanted": wanted,
        "problem": problem,
        "may_reveal": may(subject, Permission.READ_PAYLOADS, shown[0].letter.place) if shown else False,
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


def _is_open(request: HttpRequest, letter: Letter) -> bool:
    may_read = may(frame.subject_of(request), Permission.READ_PAYLOADS, letter.place)
    return bool(may_read) and reveal.is_open(request, letter.pk)


def _single(found: Plan, shown: list[Sample]) -> Message | None:
    """The message itself, where there is one that is open and is JSON: then it is changed in place."""
    message = shown[0].message if found.count == 1 and shown else None
    return message if message and message.is_json and _is_json(message) else None


def _is_json(message: Message) -> bool:
    try:
        message.value()
    except ValueError:
        return False
    return True


def _wanted(data: Mapping[str, Any], single: Message | None) -> dict[str, Any] | None:
    if single is None and data.get("is") == "message":
        raise OptionRefusedError("edit", "the letter is masked again by now: show it and change it anew")
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
