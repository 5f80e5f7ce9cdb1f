"""Signing in: how often it may be tried, and what is written down about it."""

from __future__ import annotations

from typing import Any

from axes.utils import reset as axes_reset
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

LOCKED_OUT = 429


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any]
) -> HttpResponse:
    """What somebody sees who guessed too often."""
    return render(request, "errors/429.html", {"minutes": 15}, status=LOCKED_OUT)


def unlock(username: str) -> None:
    """Forget the wrong guesses for a name."""
    axes_reset(username=username)
