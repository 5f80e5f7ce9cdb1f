"""The demo's fault panel: a newcomer breaks something, finds it on the other pages, and puts it right."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core.access.api import Permission, Place, may
from core.access.routes import requires
from core.access.services import of_request
from dashboard import demo_panel
from dashboard.demo_panel import Fault, NoSuchFaultError
from dashboard.pages import frame

LINES = "postroom demo show\npostroom demo break wedge\npostroom demo mend wedge"


@requires(Permission.SEE)
@require_safe
def demo(request: HttpRequest) -> HttpResponse:
    faults = demo_panel.panel()
    decided = [(fault, _decision(request, fault)) for fault in faults]
    return render(request, "pages/demo.html", {"faults": decided, "lines": LINES})


@requires(Permission.CONTROL_AGENTS)
@require_POST
def change(request: HttpRequest, name: str) -> HttpResponse:
    """Break it, or mend it: the button says which."""
    broken = request.POST.get("do") == "break"
    try:
        fault = demo_panel.change(name, broken=broken, actor=of_request(request))
    except NoSuchFaultError as problem:
        messages.error(request, str(problem))
    else:
        said = f"Broken: {fault.about}. See {fault.see}." if broken else f"Mended: {fault.after}."
        messages.success(request, said)
    return redirect(frame.carry(request, reverse("demo")))


def _decision(request: HttpRequest, fault: Fault) -> object:
    place = Place(settings.POSTROOM.environment, agent=fault.agent)
    return may(frame.subject_of(request), Permission.CONTROL_AGENTS, place)
