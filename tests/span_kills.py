"""`python -m tests.span_kills [--kills 20] [--engines sqlite,postgres]`: kill −9 of intake and of web, so many times
each on each engine, while spans come in straight and through web; then the figures and a verdict."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.up import build
from tests.support import servers, span_kills


@contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        yield ""
        return
    with servers.postgres_database(servers.postgres_server()) as url:
        yield url


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--engines", default="sqlite,postgres")
    given = parser.parse_args(arguments)
    build.main()
    held = True
    for engine in given.engines.split(","):
        with tempfile.TemporaryDirectory(prefix="postroom-kills-") as folder, _database(engine) as url:
            figures = span_kills.run(Path(folder) / "data", engine, url, span_kills.seed_of(), given.kills)
        print(figures.dump(), flush=True)
        held = held and figures.held
    print("verdict: held" if held else "verdict: BAD")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
