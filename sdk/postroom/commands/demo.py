"""`postroom demo break|mend|show`: the fault panel of the demo that `make run` starts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from postroom.demo import faults

DONE, NO, BAD_USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("do", choices=["break", "mend", "show"], metavar="break|mend|show")
    parser.add_argument("fault", nargs="?", choices=[*faults.FAULTS], metavar="|".join(faults.FAULTS))
    parser.add_argument(
        "--folder", type=Path, help="the demo's folder (in POSTROOM_DATA_DIR, else ./.postroom)"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    folder = options.folder or faults.here()
    if (options.do == "show") == bool(options.fault):
        print("postroom demo: say what to break or to mend; show takes nothing", file=sys.stderr)
        return BAD_USAGE
    if not (folder / faults.FILE).exists():
        print(f"postroom demo: no demo has run here ({folder}). Start one with make run.", file=sys.stderr)
        return NO
    if options.do == "break":
        faults.break_(folder, options.fault)
    elif options.do == "mend":
        faults.mend(folder, options.fault)
    print(as_json(folder) if options.json else as_text(folder, options.do, options.fault))
    return DONE


def as_json(folder: Path) -> str:
    broken = faults.read(folder)
    return json.dumps({name: broken.get(name, "") for name in faults.FAULTS}, indent=2)


def as_text(folder: Path, did: str, fault: str | None) -> str:
    if fault:
        chosen = faults.FAULTS[fault]
        return f"{chosen.about}. See {chosen.see}." if did == "break" else f"Mended: {chosen.after}."
    broken = faults.read(folder)
    return "\n".join(
        f"{name:<8} {broken.get(name) or 'whole':<7} {fault.about}" for name, fault in faults.FAULTS.items()
    )
