"""`python -m tests.support.judge_corpus FOLDER`: how groups fit a part of the corpus, as it was written and in other
orders, by the fingerprint alone and with what says the same at one place."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("POSTROOM_DATA_DIR", tempfile.mkdtemp())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from tests.support.corpus import Fit, fingerprinted, fit, grouped, in_orders  # noqa: E402


def main(folder: str) -> None:
    for number, failed in enumerate(in_orders(str(Path(folder).resolve()), range(1, 10))):
        if number == 0:
            _say("by the fingerprint alone", fit(fingerprinted(failed)))
        _say(f"order {number}", fit(grouped(failed)))


def _say(name: str, found: Fit) -> None:
    print(f"{name}: {len(found.whole)} of {len(found.whole | found.split)} whole")
    print("  fell apart:", ", ".join(sorted(found.split)) or "none")
    print("  in one group:", "; ".join(" with ".join(sorted(each)) for each in found.mixed) or "none")


if __name__ == "__main__":
    main(sys.argv[1])
