"""A channel that Apprise knows: mail, chat, pagers. Each notice is handed over by a process of its own, in which
nothing can be reached that outbound would not call, and which is ended when it takes too long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from django.conf import settings

from agents.alerts.api import Envelope
from agents.alerts.values import Handed

SECONDS = 30.0
# Nothing else of our environment is its business: no key of ours, no proxy.
PASSED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV", "SYSTEMROOT")
LOOKS = {"notice": "info", "warning": "warning", "critical": "failure"}


@dataclass(frozen=True, slots=True)
class Service:
    """Hands over through one Apprise address."""

    address: str

    def hand_over(self, envelope: Envelope) -> Handed:
        asked = {
            "address": self.address,
            "title": envelope.title,
            "text": f"{envelope.text}\n\nNotice {envelope.id}",
            "looks": "success" if envelope.over else LOOKS[envelope.severity],
            "allow": list(settings.POSTROOM.outbound_allow),
        }
        try:
            done = _child(json.dumps(asked))
        except subprocess.TimeoutExpired:
            return Handed(False, f"It did not take it within {SECONDS:g} s.")
        if done.returncode:
            return Handed(False, "The process that hands over crashed; the worker's log says more.")
        return Handed(**json.loads(done.stdout.splitlines()[-1]))


def _child(asked: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in PASSED if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "agents.alerts.apprise_child"],
        input=asked,
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
        check=False,
        timeout=SECONDS,
        cwd=settings.ROOT,
        env=environment,
    )
