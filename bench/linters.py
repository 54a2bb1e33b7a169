"""Times ``composerefactor analyze`` beside other linters, and prints a table.

    python bench/linters.py --composerefactor PATH --engine PATH --compose-lint PATH
        --dclint PATH [--runs 9] FILE...

Each FILE is a Compose file that is looked at alone. Every figure is the median CPU time of whole
processes that alternate, so that a machine whose speed drifts slows all of them.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from run import alternating, timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    for tool in ("composerefactor", "engine", "compose-lint", "dclint"):
        parser.add_argument(f"--{tool}", required=True)
    parser.add_argument("file", nargs="+", type=Path)
    chosen = parser.parse_args()
    print("| file | lines | analyze | with the engine | compose-lint | dclint |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for file in chosen.file:
        ours = [chosen.composerefactor, "analyze", file.parent, "-f", file.name]
        sides: list[list[str | Path]] = [
            [*ours, "--engine", "none"],
            [*ours, "--engine", chosen.engine],
            [chosen.compose_lint, file],
            [chosen.dclint, file],
        ]
        # The exit code of a linter says only whether it found something.
        each = (partial(timed, side, Path.cwd(), check=False) for side in sides)
        taken = alternating(chosen.runs, *each)
        lines = len(file.read_bytes().splitlines())
        cells = " | ".join(f"{each.cpu:.3f} s" for each in taken)
        print(f"| {file.parent.name}/{file.name} | {lines:,} | {cells} |")


if __name__ == "__main__":
    main()
