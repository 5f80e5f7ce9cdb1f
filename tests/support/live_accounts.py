"""Many accounts with a token each: `python -m tests.support.live_accounts COUNT ROLE` prints a header a line."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from core.access import services  # noqa: E402
from core.access.models import Role  # noqa: E402


def main() -> None:
    count, role = int(sys.argv[1]), Role.objects.get(name=sys.argv[2])
    actor = services.of_command("live_accounts")
    for number in range(count):
        made = services.create_named_token(f"{role.name}-{number}", role, None, actor)
        print(f"Bearer {made.secret}")


if __name__ == "__main__":
    main()
