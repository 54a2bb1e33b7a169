"""Count what a comparison gets wrong with several versions of Docker Compose.

Usage: ``python bench/planted.py DOCKER_COMPOSE...``. Prints a table in Markdown: for each program,
how many planted changes of attributes and files are called equal, how many services without a
change are called different, and how many containers are wrongly called kept or recreated.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from composerefactor.proof.engine import find_engine

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.planted import overlooked


def main(programs: list[str]) -> None:
    """Print the table for *programs*."""
    print("| version | changes | false equal | false different | false kept | false recreated |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for program in programs:
        engine = find_engine(program)
        with tempfile.TemporaryDirectory() as temporary:
            planted, wrong = overlooked(engine, Path(temporary))
        named = (wrong.equal, wrong.different, wrong.kept, wrong.recreated)
        counts = " | ".join(str(len(names)) for names in named)
        print(f"| {engine.version} | {len(planted)} | {counts} |")
        for name in (name for names in named for name in names):
            print(f"v{engine.version}: {name}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
