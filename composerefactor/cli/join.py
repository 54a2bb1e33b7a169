"""``composerefactor join``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import click

from composerefactor.cli.options import (
    GroupedCommand,
    ProjectOptions,
    RunOptions,
    examples,
    path_argument,
    project_options,
    run_options,
)
from composerefactor.cli.run import Run, carry_out
from composerefactor.compose.project import Project
from composerefactor.planning.opening import ProjectSelection, project_root
from composerefactor.planning.propose import propose
from composerefactor.refactoring.contract import FileElement, Plan
from composerefactor.refactoring.join.merge import EarlierText
from composerefactor.transforms.join import Options, join
from composerefactor.workspace.git import find_repository
from composerefactor.workspace.undo import EarlierFiles, files_before_runs

MOST_REVISIONS = 30
"""At most this many revisions of a file are searched for its text before the split."""


@click.command(
    "join",
    cls=GroupedCommand,
    help=f"{join.summary}\n\n{join.explanation}",
    epilog=examples(
        ("composerefactor join --dry-run", "Show the merged files."),
        ("composerefactor undo", "Undo a split instead, byte for byte."),
    ),
)
@path_argument
@project_options
@run_options
def command(path: Path, project: ProjectOptions, options: RunOptions) -> int:
    """Plan, verify and carry out a join."""
    chosen = project.selection(path)
    history = _History(chosen)

    def transformation(
        project: Project, keep: dict[FileElement, str], _move: frozenset[FileElement]
    ) -> Plan:
        before = history.before()
        known = (before.files, before.runs) if before else ({}, "")
        return join.plan(project, Options(*known, history.earlier, keep))

    return carry_out(
        Run("join", options), chosen, lambda opened, *how: propose(opened, transformation, *how)
    )


class _History:
    """The earlier states of the project: from the undo record and from git, each read once."""

    def __init__(self, chosen: ProjectSelection) -> None:
        self.chosen = chosen
        self.before = cache(self._before)
        self.earlier = cache(self._earlier)

    @property
    def _root(self) -> Path:
        """The project directory, same as when the project is opened."""
        path = self.chosen.path
        return path.resolve() if self.chosen.names_entries else project_root(path)

    def _before(self) -> EarlierFiles | None:
        return files_before_runs(self._root, lambda label: label == "composerefactor split")

    def _earlier(self, path: str) -> Sequence[EarlierText]:
        repository = find_repository(self._root)
        if repository is None:
            return ()
        return [EarlierText(*revision) for revision in repository.earlier(path, MOST_REVISIONS)]
