"""Measures start-up and planning beside the interpreter and the engine, and prints a table.

    python bench/run.py [--runs 5] [--sizes 10 100 1000 3000] [--variants 30 300]

Every figure is the median of runs that alternate between the two sides, so that a machine whose
speed drifts slows both. The seconds are CPU time of all processes and threads, so that other work
on the machine matters less; the ratios are given by the clock, too. Ratios count; seconds are this
machine's.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from monolith import monolith, variants

import composerefactor
import composerefactor.transforms
from composerefactor.proof.engine import find_engine

TOOL = [sys.executable, "-m", "composerefactor"]

_HEADER = """\
| services | lines | engine `config` | plan | x CPU | x clock | with proof | x CPU | x clock |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
"""``x CPU`` and ``x clock`` are how many times as long as ``config`` it takes."""


class Seconds(NamedTuple):
    """What a command and the processes that it starts take."""

    cpu: float
    clock: float


def timed(command: Sequence[str | Path], cwd: Path, *, check: bool = True) -> Seconds:
    """Return how long *command* takes. With *check* it must succeed."""
    cpu, clock = cpu_of_children(), time.monotonic()
    subprocess.run(command, cwd=cwd, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return Seconds(cpu_of_children() - cpu, time.monotonic() - clock)


def cpu_of_children() -> float:
    """Return the CPU seconds of the processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def alternating(runs: int, *sides: Callable[[], Seconds]) -> list[Seconds]:
    """Return the medians of each side, measured in turn."""
    for side in sides:
        side()
    taken = [[side() for side in sides] for _ in range(runs)]
    medians = (map(statistics.median, zip(*each, strict=True)) for each in zip(*taken, strict=True))
    return [Seconds(*each) for each in medians]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000, 3000])
    parser.add_argument("--variants", type=int, nargs="*", default=[30, 300])
    chosen = parser.parse_args()
    engine = find_engine()
    here = Path.cwd()
    # An installed package has its bytecode; a checkout may not (PYTHONDONTWRITEBYTECODE).
    for package in (composerefactor, composerefactor.transforms):
        compileall.compile_dir(package.__path__[0], quiet=1)
    bare, help_ = alternating(
        chosen.runs,
        lambda: timed([sys.executable, "-c", "pass"], here),
        lambda: timed([*TOOL, "--help"], here),
    )
    print(
        f"start-up: python {bare.cpu * 1000:.0f} ms, "
        f"composerefactor --help {help_.cpu * 1000:.0f} ms\n"
    )
    python = sys.version.split()[0]
    print(f"Docker Compose v{engine.version}, Python {python}, {os.cpu_count()} cores\n")
    print(_HEADER)
    for size in chosen.sizes:
        print(measured(engine.command, chosen.runs, {"docker-compose.yml": monolith(size)}))
    print("\nThe same of three environments with these services, `config` of one of them:\n")
    print(_HEADER)
    for size in chosen.variants:
        print(measured(engine.command, chosen.runs, variants(size)))


def measured(engine: Sequence[str], runs: int, files: Mapping[str, str]) -> str:
    """Return the row of a table for the project with *files*, all of them of one size."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory, "monolith")
        root.mkdir()
        for name, text in files.items():
            root.joinpath(name).write_text(text, encoding="utf-8")
        split = [*TOOL, "split", "--dry-run", "-q", "--no-cache"]
        resolved, plan, proved = alternating(
            runs,
            partial(timed, [*engine, "-f", next(iter(files)), "config", "-q"], root),
            partial(timed, [*split, "--engine", "none"], root),
            partial(timed, split, root),
        )
    services = next(iter(files.values())).count("    image:")
    lines = sum(text.count("\n") for text in files.values())
    cells = [f"{services:,}", f"{lines:,}", f"{resolved.cpu:.2f} s"]
    for each in (plan, proved):
        cells += [f"{each.cpu:.2f} s", f"{each.cpu / resolved.cpu:.2f}"]
        cells += [f"{each.clock / resolved.clock:.2f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
