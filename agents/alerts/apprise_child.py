"""The process that hands one notice over through Apprise: JSON in on standard input, one line of JSON out."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

from core.outbound_guard import keep_to

LONGEST = 300
# Shorter parts of an address are words such as `smtp`.
SECRET_FROM = 6


def main() -> None:
    asked = json.load(sys.stdin)
    # Only now: what it imports may start programs, to look what there is.
    import apprise

    heard = _Heard()
    logging.getLogger("apprise").addHandler(heard)
    keep_to(asked["allow"])
    print(json.dumps(_hand_over(apprise, asked, heard)))  # noqa: T201 - it is the answer


def _hand_over(apprise: Any, asked: dict[str, Any], heard: _Heard) -> dict[str, Any]:
    service = apprise.Apprise()
    if not service.add(asked["address"]):
        return {"ok": False, "says": "Apprise does not understand the address."}
    try:
        ok = bool(service.notify(body=asked["text"], title=asked["title"], notify_type=asked["looks"]))
    except Exception as problem:  # whatever a service's own code raises is its answer
        return {"ok": False, "says": hidden(f"{type(problem).__name__}: {problem}", asked["address"])}
    return {"ok": ok, "says": "It took it." if ok else hidden(heard.last, asked["address"])}


class _Heard(logging.Handler):
    """What Apprise says of a failure goes to its log, and nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = "It did not take it, and Apprise does not say why."

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def hidden(says: str, address: str) -> str:
    """Without anything of the address that may be a secret."""
    for part in sorted(set(re.split(r"[/:@?&=,;]+", address)), key=len, reverse=True):
        if len(part) >= SECRET_FROM:
            says = says.replace(part, "…")
    return says[:LONGEST]


if __name__ == "__main__":
    main()
