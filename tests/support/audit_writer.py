"""A process that adds entries to the trail: `python -m tests.support.audit_writer NAME COUNT`. Prints each number."""

from __future__ import annotations

import os
import sys


def main(name: str, count: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings"
    import django

    django.setup()
    from core.access.api import Kind, Subject
    from core.access.audit.api import Action, Target, record

    by = Subject(Kind.SERVICE, name, name, via="test")
    for number in range(count):
        after = {"number": number}
        print(record(Action.AGENT_REPORTED, by=by, on=Target("order", str(number)), after=after), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
