"""What somebody does to people's access and to what is live, in a process of its own that takes commands.

    python -m tests.support.live_people

takes a JSON list a line, the command and its arguments, and answers each with a line `= ANSWER`. The answer to
`sign-in` is the session's cookie, to `token` an Authorization header.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import login, logout  # noqa: E402
from django.http import HttpRequest  # noqa: E402

from core import hints  # noqa: E402
from core.access import scope_text, services  # noqa: E402
from core.access.models import Role, User  # noqa: E402

ACTOR = services.of_command("live_people")
STORE = import_module(settings.SESSION_ENGINE).SessionStore


def sign_in(name: str, role: str, scope: str = "*") -> str:
    user = services.create_person(name, "a long enough password", ACTOR)
    give(name, role, scope)
    request: Any = HttpRequest()
    request.session = STORE()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}"


def give(name: str, role: str, scope: str = "*") -> None:
    user = User.objects.get(username=name)
    services.give(user, Role.objects.get(name=role), scope_text.parse(scope), ACTOR)


def password(name: str) -> None:
    services.change_password(User.objects.get(username=name), "another long password", ACTOR)


def sign_out(cookie: str) -> None:
    request: Any = HttpRequest()
    request.session = STORE(cookie.partition("=")[2])
    request.user = User.objects.get(pk=request.session["_auth_user_id"])
    logout(request)


def token(name: str, role: str = "viewer", scope: str = "*") -> str:
    made = services.create_named_token(name, Role.objects.get(name=role), scope_text.parse(scope), ACTOR)
    return f"Bearer {made.secret}"


def revoke(name: str) -> None:
    services.revoke_named(name, ACTOR)


COMMANDS: dict[str, Any] = {
    "sign-in": sign_in,
    "give": give,
    "password": password,
    "sign-out": sign_out,
    "token": token,
    "revoke": revoke,
    "hint": hints.hint,
}

if __name__ == "__main__":
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        print(f"= {COMMANDS[command](*arguments) or ''}", flush=True)
