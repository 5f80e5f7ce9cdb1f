"""Finds links in our Markdown that lead nowhere: to a file that is not there, or to a heading that no page has.

    python -m docs.links

Addresses outside the repository are left alone: whether they answer is not ours to promise.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = frozenset({".venv", "node_modules", ".build", ".git", ".postroom"})
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*.md")):
        if not SKIPPED.intersection(path.relative_to(root).parts):
            yield path


def broken(root: Path) -> list[str]:
    """One sentence for each link that leads nowhere."""
    return [
        f"{page.relative_to(root)}: {link} leads nowhere"
        for page in pages(root)
        for link in links(page.read_text(encoding="utf-8"))
        if not leads_somewhere(page, link)
    ]


def links(text: str) -> list[str]:
    """The targets of a page's links. What stands in code is an example, not a link."""
    return LINK.findall(CODE.sub("``", FENCE.sub("", text)))


def leads_somewhere(page: Path, link: str) -> bool:
    if ELSEWHERE.match(link):
        return True
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


def anchors(text: str) -> set[str]:
    """A page's headings as addresses: small letters, hyphens for spaces, no other marks."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def main() -> int:
    found = broken(ROOT)
    for sentence in found:
        print(sentence, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
