"""Compares the short proof with the thorough one: their verdicts, and their runs of Docker Compose.

    python bench/verdicts.py [--engine PATH] [--results FILE] [PROJECT...]

Each PROJECT is copied. Each command is planned in the copy without any memory, once with the short
proof and once with ``--thorough``; ``join`` for the result of the split with includes. A verdict is
the planned files, the differences and the containers that would be recreated, or the reason why
nothing is planned. Of a project that Docker Compose rejects, only that counts: if several things
are undefined, Docker Compose names any of them.

Prints a table in Markdown, and on stderr a line for each project and command. With FILE, which has
a line of JSON for each of these, projects are added to those of earlier calls.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).parent))

from collected import Figures, collected

from composerefactor.errors import ComposerefactorError, EngineError
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.propose import Proposal, propose, propose_fixes
from composerefactor.planning.selection import EVERYTHING
from composerefactor.planning.split_request import SplitRequest
from composerefactor.proof.engine import Engine, find_engine
from composerefactor.transforms.join import Options, join
from composerefactor.workspace.apply import apply

Planner: TypeAlias = Callable[[OpenProject, Engine], Proposal]


def split_with(strategy: str, opened: OpenProject, engine: Engine) -> Proposal:
    request = SplitRequest().using(strategy=strategy)
    return propose(opened, request.transformation(opened, opened.root), engine)


def fix_with(unsafe: bool, opened: OpenProject, engine: Engine) -> Proposal:  # noqa: FBT001
    chosen = FixRequest(unsafe=unsafe).chosen(opened.settings)
    return propose_fixes(opened, chosen, engine, EVERYTHING)


def joined(opened: OpenProject, engine: Engine) -> Proposal:
    return propose(
        opened,
        lambda project, keep, _: join.plan(project, Options(keep=keep)),
        engine,
    )


SPLIT = "split --strategy include"
COMMANDS: dict[str, Planner] = {
    SPLIT: partial(split_with, "include"),
    "split --strategy extends": partial(split_with, "extends"),
    "fix": partial(fix_with, False),  # noqa: FBT003
    "fix --unsafe": partial(fix_with, True),  # noqa: FBT003
    "join": joined,
}


def verdict(root: Path, planner: Planner, engine: Engine) -> tuple[Any, Proposal | None]:
    """Return the verdict on a plan for the project in *root*, and the plan itself."""
    try:
        proposal = planner(open_project(ProjectSelection(root)), engine)
    except EngineError as error:
        return type(error), None
    except ComposerefactorError as error:
        return (type(error), error.message), None
    proof = proposal.proof
    found = proof and (
        proof.ok,
        sorted({(d.entry.title, d.path) for d in proof.differences}),
        sorted((e.title, sorted(names)) for e, names in proof.recreated.items()),
    )
    return (proposal.changes.as_mapping(), found), proposal


def compare_project(project: Path, choice: str, temporary: Path) -> Iterator[Figures]:
    """Yield the runs and verdicts of all commands in a copy of *project*."""
    root = temporary / project.name
    shutil.copytree(project, root, symlinks=True)
    split: Proposal | None = None
    for name, planner in COMMANDS.items():
        if planner is joined and split is not None and not split.changes.is_empty:
            apply(split.opened.root, split.changes, "")
        short, thorough = find_engine(choice), find_engine(choice, thorough=True)
        found, proposal = verdict(root, planner, short)
        is_equal = found == verdict(root, planner, thorough)[0]
        if name == SPLIT:
            split = proposal
        yield {
            "project": str(project),
            "command": name,
            "equal": is_equal,
            "changed": proposal is not None and not proposal.changes.is_empty,
            "short": short.usage.runs,
            "thorough": thorough.usage.runs,
        }


def table(results: Sequence[Figures]) -> str:
    """Return the sums of *results* by command as a table in Markdown."""
    lines = [
        "| command | projects | with changes | equal verdicts | runs, thorough | runs, short |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in COMMANDS:
        rows = [each for each in results if each["command"] == name]
        sums = [
            sum(each[column] for each in rows)
            for column in ("changed", "equal", "thorough", "short")
        ]
        lines.append(f"| `{name}` | {' | '.join(f'{n:,}' for n in (len(rows), *sums))} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--results", type=Path, default=Path(os.devnull))
    parser.add_argument("project", nargs="*", type=Path)
    chosen = parser.parse_args()
    results = collected(
        chosen.results,
        chosen.project,
        lambda project, temporary: compare_project(project, chosen.engine, temporary),
    )
    print(table(results))


if __name__ == "__main__":
    main()
