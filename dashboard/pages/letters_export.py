"""What the list of letters shows as a file, with the right to export."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_POST

from core.access.api import Permission
from core.access.routes import requires
from core.access.services import of_request
from dashboard import exporting
from dashboard.exporting import TYPES, Wanted
from dashboard.pages.letters_asked import as_query, wanted_by


@requires(Permission.EXPORT)
@require_POST
def export(request: HttpRequest) -> StreamingHttpResponse:
    """What the list in the address shows, all pages of it; `contents`: with headers and bodies."""
    wanted = wanted_by(request)
    kind = request.POST.get("format", "jsonl") if request.POST.get("format") in TYPES else "jsonl"
    contents = kind == "jsonl" and bool(request.POST.get("contents"))
    export = exporting.Export(Wanted(wanted, kind, contents), of_request(request), as_query(wanted))
    return exporting.answer(request, export, kind)
