"""Compares projects before and after a split with several versions of Docker Compose.

    python bench/engines.py [--results FILE] --engine DOCKER_COMPOSE... -- PROJECT...

Each PROJECT is copied and split, with the last of the programs DOCKER_COMPOSE, once with includes
and once with extends. Each of the programs then compares the copy with the original, for every
start command, without any memory. A version is too old if the plan says that the new files need a
later one; if it accepts them all the same, it still has to resolve them as before.

Prints a table in Markdown, and on stderr a line for each project, strategy and version. With FILE,
which has a line of JSON for each of these, projects are added to those of earlier calls.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from collected import Figures, collected

from composerefactor.errors import ComposerefactorError
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.planning.propose import oldest_engine, propose
from composerefactor.planning.split_request import SplitRequest
from composerefactor.planning.verify import compare
from composerefactor.proof.engine import Engine, find_engine, release
from composerefactor.workspace.apply import apply

STRATEGIES = ("include", "extends")
RESULTS = ("equal", "rejected before", "too old", "different")


def split(root: Path, strategy: str, engine: Engine) -> str | None:
    """Split the project in *root*; return the version that it needs, None if nothing moves."""
    opened = open_project(ProjectSelection(root))
    request = SplitRequest().using(strategy=strategy)
    proposal = propose(opened, request.transformation(opened, opened.root), engine)
    if proposal.changes.is_empty:
        return None
    apply(opened.root, proposal.changes, "")
    return oldest_engine(proposal)


def result(old: Path, new: Path, engine: Engine, needed: str) -> str:
    """Return the result of comparing *old* with *new*, whose files need the version *needed*."""
    before = open_project(ProjectSelection(old))
    after = open_project(ProjectSelection(new), before.project.entries)
    is_old = bool(needed) and engine.release < release(needed)
    try:
        comparison = compare(before, after, engine)
    except ComposerefactorError:
        return "rejected before"
    proof = comparison.proof
    if proof.ok and not any(proof.recreated.values()):
        return "equal"
    return "too old" if is_old and not proof.ok else "different"


def compare_project(project: Path, engines: Sequence[Engine], temporary: Path) -> Iterator[Figures]:
    """Yield the results of all *engines* for the splits of *project*."""
    old = temporary / "old" / project.name
    shutil.copytree(project, old, symlinks=True)
    for strategy in STRATEGIES:
        new = temporary / strategy / project.name
        shutil.copytree(project, new, symlinks=True)
        try:
            needed = split(new, strategy, engines[-1])
        except ComposerefactorError as error:
            print(project, strategy, error, file=sys.stderr)
            continue
        for engine in engines if needed is not None else ():
            yield {
                "project": str(project),
                "strategy": strategy,
                "version": engine.version,
                "result": result(old, new, engine, needed or ""),
            }


def table(results: Sequence[Figures]) -> str:
    """Return the numbers of projects by version and result as a table in Markdown."""
    columns = [f"{strategy}: {name}" for strategy in STRATEGIES for name in RESULTS]
    lines = [f"| version | {' | '.join(columns)} |", f"| --- {'| ---: ' * len(columns)}|"]
    for version in sorted({each["version"] for each in results}, key=release):
        counts = [
            sum(
                (each["version"], each["strategy"], each["result"]) == (version, strategy, name)
                for each in results
            )
            for strategy in STRATEGIES
            for name in RESULTS
        ]
        lines.append(f"| {version} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", nargs="+", default=["auto"])
    parser.add_argument("--results", type=Path, default=Path(os.devnull))
    parser.add_argument("project", nargs="*", type=Path)
    chosen = parser.parse_args()
    engines = [find_engine(name) for name in chosen.engine]
    results = collected(
        chosen.results,
        chosen.project,
        lambda project, temporary: compare_project(project, engines, temporary),
    )
    print(table(results))


if __name__ == "__main__":
    main()
