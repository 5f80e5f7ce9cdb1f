"""Writes the pages of docs/ that are made from the code; with --check, says which of them are out of date.

python -m docs.build [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from core import metrics as declared
from core.access.permissions import ABOUT
from core.options import OPTIONS, Option

HERE = Path(__file__).resolve().parent
MADE = "<!-- Made by `make docs` from {source}. Change it there. -->\n\n"


def settings() -> str:
    """docs/settings.md: every option, from the list that the server itself reads."""
    head = MADE.format(source="core/options.py") + (
        "# Settings\n\n"
        "Postroom reads its settings from the environment, once, at the start. `NAME_FILE` in place of `NAME` reads\n"
        "the value from a file, for secrets. A name that begins with `POSTROOM_` and is not in this list stops the\n"
        "start, and so does a value that is not allowed: the message gives the name, the value and what is allowed.\n"
        "Values of secrets are never printed.\n\n"
        "| name | default | what it is for |\n| --- | --- | --- |\n"
    )
    return head + "".join(_option(option) for option in OPTIONS)


def _option(option: Option) -> str:
    about = option.about + (" *Secret.*" if option.secret else "")
    return f"| `{option.name}` | {_default(option)} | {about} |\n"


def _default(option: Option) -> str:
    if option.default is None:
        return "not set"
    return f"`{option.default}`" if option.default else "empty"


def permissions() -> str:
    """docs/permissions.md: every permission, in the words that pages use."""
    head = MADE.format(source="core/access/permissions.py") + (
        "# Permissions\n\n"
        "A role is a set of these. A grant gives a role to an account within a scope.\n\n"
        "| permission | title | what it lets one do |\n| --- | --- | --- |\n"
    )
    return head + "".join(f"| `{name}` | {about.title} | {about.means} |\n" for name, about in ABOUT.items())


def metrics() -> str:
    """docs/metrics.md: every metric of Postroom itself."""
    head = MADE.format(source="core/metrics.py") + (
        "# Metrics\n\n"
        "What `/metrics` says of Postroom itself, for Prometheus. Besides its own labels, each metric carries the\n"
        "kind of the process that counted, and its machine. Those of queues, letters, alerts and operations have only\n"
        "their own: they are read when somebody asks, and what is not known has no sample. Asking needs the right to\n"
        "observe. Rules for Prometheus and a dashboard for Grafana stand in [alerts](guides/alerts.md#prometheus).\n\n"
        "| metric | kind | labels | what it counts |\n| --- | --- | --- | --- |\n"
    )
    every = [each for each in vars(declared).values() if isinstance(each, Counter | Gauge | Histogram)]
    read = "".join(
        f"| `{each.name}` | gauge | {', '.join(f'`{label}`' for label in each.labels)} | {each.about} |\n"
        for each in declared.READ
    )
    return head + "".join(map(_metric, every)) + read


def _metric(metric: Counter | Gauge | Histogram) -> str:
    (about,) = metric.describe()
    name = about.name + ("_total" if about.type == "counter" else "")
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)
    return f"| `{name}` | {about.type} | {labels} | {about.documentation} |\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "permissions.md": permissions,
    "metrics.md": metrics,
}


def outdated() -> list[str]:
    """The pages that are not what the code says."""
    return [name for name, page in PAGES.items() if not _is(HERE / name, page())]


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def main(arguments: list[str]) -> int:
    late = outdated()
    if arguments == ["--check"]:
        for name in late:
            print(f"docs/{name} is not what the code says. Run: make docs", file=sys.stderr)
        return 1 if late else 0
    for name in late:
        (HERE / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
