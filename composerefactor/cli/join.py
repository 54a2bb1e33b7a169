"""``composerefactor join``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import click

from composerefactor.cli.options import (
    Run,
    carry_out,
    choice,
    engine_options,
    examples,
    path_argument,
    project_options,
    proposal_output_options,
    run_options,
)
from composerefactor.compose.project import Project
from composerefactor.planning.opening import ProjectSelection, project_root
from composerefactor.refactoring.contract import Part, Plan
from composerefactor.refactoring.join.merge import Earlier
from composerefactor.transforms.join import Options, join
from composerefactor.workspace.git import find_repository
from composerefactor.workspace.undo import Before, before_runs

MOST_REVISIONS = 30
"""So many revisions of a file are looked at for its text before it was divided."""


@click.command(
    "join",
    short_help=join.summary,
    help=f"{join.summary}\n\n{join.explanation}",
    epilog=examples(
        ("composerefactor join --dry-run", "Show the files that it would be again."),
        ("composerefactor undo", "Take a split back instead, byte for byte."),
    ),
)
@path_argument
@project_options
@run_options
@engine_options
@proposal_output_options
def command(
    path: Path,
    file: tuple[str, ...],
    entry: tuple[str, ...],
    env_file: tuple[str, ...],
    **run: object,
) -> int:
    """Plan, prove and carry out a join."""
    chosen = choice(path, file, entry, env_file)
    history = _History(chosen)

    def transformation(project: Project, keep: dict[Part, str], move: frozenset[Part]) -> Plan:
        before = history.before()
        return join.plan(
            project,
            Options(
                before.files if before else {},
                before.runs if before else "",
                history.earlier,
                keep,
                move,
            ),
        )

    return carry_out(Run.of("join", run), chosen, transformation)


class _History:
    """What the undo record and git know of the project, each asked once."""

    def __init__(self, chosen: ProjectSelection) -> None:
        self.chosen = chosen
        self.before = cache(self._before)
        self.earlier = cache(self._earlier)

    @property
    def _root(self) -> Path:
        """The project directory, as opening the project finds it."""
        path = self.chosen.path
        return path.resolve() if self.chosen.names_entries else project_root(path)

    def _before(self) -> Before | None:
        return before_runs(self._root, lambda label: label == "composerefactor split")

    def _earlier(self, path: str) -> Sequence[Earlier]:
        repository = find_repository(self._root)
        if repository is None:
            return ()
        return [Earlier(*found) for found in repository.earlier(path, MOST_REVISIONS)]
