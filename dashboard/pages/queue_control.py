"""What is done to those who consume a queue, from its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agents.queues.control.models import Pause
from agents.queues.control.services import cancelling, pausing
from agents.queues.control.services.cancelling import CannotEndError, Ending
from agents.queues.control.services.pausing import AlreadyPausedError, NotPausedError
from agents.queues.control.values import PauseState
from core.access.api import Permission
from core.access.routes import requires
from core.access.services import of_request
from core.brokers.api import BrokerError
from core.transitions import StaleStateError
from dashboard.api.consumption import running_on
from dashboard.api.problems import ProblemError
from dashboard.pages.queue import address, found

LATER = "It is written down and done as soon as that is possible."


@requires(Permission.CONTROL_AGENTS)
@require_POST
def pause(request: HttpRequest, broker: str, name: str) -> HttpResponse:
    state = found(request, broker, name)
    try:
        made = pausing.pause(state, of_request(request, request.POST.get("reason", "").strip()))
        _say(request, pausing.carry_out(made))
    except AlreadyPausedError as problem:
        messages.error(request, str(problem))
    return redirect(address(request, state))


@requires(Permission.CONTROL_AGENTS)
@require_POST
def resume(request: HttpRequest, broker: str, name: str) -> HttpResponse:
    state = found(request, broker, name)
    try:
        made = pausing.resume(state, of_request(request))
        _say(request, pausing.carry_out(made))
    except (NotPausedError, StaleStateError) as problem:
        messages.error(request, str(problem))
    return redirect(address(request, state))


@requires(Permission.CONTROL_AGENTS)
@require_POST
def cancel(request: HttpRequest, broker: str, name: str) -> HttpResponse:
    """End one task of a worker."""
    state = found(request, broker, name)
    try:
        worker, task = running_on(state, request.POST.get("worker", ""), request.POST.get("task", ""))
        outcome = cancelling.cancel(state, worker, task, of_request(request))
    except ProblemError as problem:
        messages.error(request, problem.problem.detail)
    except (CannotEndError, BrokerError) as problem:
        messages.error(request, str(problem))
    else:
        say = messages.success if outcome.ending is Ending.ENDED else messages.warning
        say(request, outcome.sentence)
    return redirect(address(request, state))


def _say(request: HttpRequest, made: Pause) -> None:
    """What came of it by now, and what is still to come."""
    if made.state in {PauseState.PAUSING, PauseState.RESUMING}:
        messages.warning(request, f"{made.problem}. {LATER}" if made.problem else LATER)
        return
    silent = sorted(name for name, said in made.said.items() if said == "did not answer")
    confirmed = len(made.said) - len(silent)
    done = "Paused" if made.state == PauseState.PAUSED else "Resumed"
    if silent:
        messages.warning(
            request, f"{done} on {confirmed} of {len(made.said)}; no answer from {', '.join(silent)}."
        )
    elif not made.said:
        messages.warning(request, f"{done}, though no worker that answers consumes {made.queue}.")
    else:
        messages.success(request, f"{done}: {confirmed} worker{'s' if confirmed > 1 else ''} said so.")
