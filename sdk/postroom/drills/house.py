"""The Postroom that a drill shows itself on: the one that POSTROOM_URL names, or one of the drill's own.

Its own is `manage.py up` from the checkout that the drill was started in, with its data in the drill's folder and the
drill's broker among its brokers. Whoever watches can sign in there while the drill runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from postroom.drills.brokers import free_port
from postroom.drills.children import Child
from postroom.drills.waiting import until

READY_SECONDS = 120.0
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")


class NoPostroomError(Exception):
    """There is no Postroom to show this on. Set POSTROOM_URL and POSTROOM_TOKEN, or start the drill in a checkout."""


@dataclass(frozen=True, slots=True)
class Postroom:
    """Where it is, and a token that may read what the drill asks and write what its agents tell."""

    url: str
    token: str
    password: str = ""

    def get(self, path: str) -> Any:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The answer; None where there is nothing in it. Raises HTTPError on a refusal."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            said = answer.read()
        return json.loads(said) if said else None

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """All rows of a list, page after page. `path` has a query."""
        after = ""
        while True:
            page = self.get(path + after)
            yield from page["results"]
            if not page["next"]:
                return
            after = f"&cursor={quote(page['next'])}"

    @property
    def environ(self) -> dict[str, str]:
        """For agents: where to tell, and by which token."""
        return {"POSTROOM_URL": self.url, "POSTROOM_TOKEN": self.token}


@contextmanager
def postroom(folder: Path, broker: str, plain: str) -> Iterator[Postroom]:
    """The Postroom of this drill; `broker` is the name that it knows the drill's broker by, `plain` its address."""
    if url := os.environ.get("POSTROOM_URL"):
        yield Postroom(url.rstrip("/"), os.environ.get("POSTROOM_TOKEN", ""))
        return
    manage = _manage()
    environ = _environ(folder, f"{broker}={plain}")
    _build(manage, environ)
    child = Child("postroom", [sys.executable, str(manage), "up"], folder / "postroom.log", environ)
    try:
        until(lambda: _ready(child), "Postroom to be ready", READY_SECONDS, every=0.25)
        yield Postroom(
            f"http://{environ['POSTROOM_BIND']}", _token(manage, environ), environ["POSTROOM_ADMIN_PASSWORD"]
        )
    finally:
        child.end()


def _build(manage: Path, environ: dict[str, str]) -> None:
    """What the pages need, as `make run` does it; nothing when it is there."""
    command = [sys.executable, "-m", "core.up.build"]
    subprocess.run(command, cwd=manage.parent, env=environ, capture_output=True, check=True)


def _manage() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[3]):
        if (folder / "manage.py").exists() and (folder / "core").is_dir():
            return folder / "manage.py"
    raise NoPostroomError(NoPostroomError.__doc__)


def _environ(folder: Path, brokers: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "POSTROOM_DATA_DIR": str(folder / "data"),
        "POSTROOM_ADMIN_PASSWORD": os.environ.get("POSTROOM_ADMIN_PASSWORD", "watch-the-drill-run"),
        "POSTROOM_BIND": f"127.0.0.1:{free_port()}",
        "POSTROOM_OTLP_HTTP_BIND": f"127.0.0.1:{free_port()}",
        "POSTROOM_OTLP_GRPC_BIND": "",
        "POSTROOM_BROKERS": brokers,
    }


def _ready(child: Child) -> bool:
    if not child.alive:
        raise NoPostroomError(f"Postroom did not start:\n{child.tail()}")
    return "Postroom is ready at" in child.log.read_text(encoding="utf-8", errors="replace")


def _token(manage: Path, environ: dict[str, str]) -> str:
    command = [
        sys.executable,
        str(manage),
        "token",
        "create",
        "drill",
        "--role",
        "admin",
        "--scope",
        "environment=*",
    ]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()
