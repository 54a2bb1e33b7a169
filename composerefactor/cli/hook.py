"""The program of the pre-commit hooks: runs a command for each project with a changed file.

``python -P -m composerefactor.cli.hook fix --check FILE...`` runs ``composerefactor fix --check``
in the project of the working directory, or, in a repository with several projects, in each that
contains one of the files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from composerefactor.cli.main import main
from composerefactor.errors import InputError
from composerefactor.planning.opening import project_root


def run(arguments: Sequence[str]) -> int:
    """Run the command in *arguments* for the files that they end with.

    Returns:
        The highest exit code; 0 if no file belongs to a project.
    """
    words, files = _without_files(arguments)
    codes = [0]
    for project in projects_of(files):
        codes.append(_exit_code([*words, project]))
        if codes[-1] == 1 and "--check" in words:
            shown = "" if project == "." else f" {project}"
            click.echo(f"to change the files, run: composerefactor {words[0]}{shown}", err=True)
    return max(codes)


def projects_of(files: Iterable[str]) -> list[str]:
    """Return the project directories of *files*: the working directory, or some below it."""
    if _is_project(Path()):
        return ["."]
    found = {_project_of(Path(file)) for file in files}
    return sorted(project for project in found if project)


def _project_of(file: Path) -> str:
    """Return the outermost directory of *file* that is one project, ``""`` if there is none."""
    for directory in [*reversed(file.parents)][1:]:
        if _is_project(directory):
            return directory.as_posix()
    return ""


def _is_project(directory: Path) -> bool:
    try:
        return project_root(directory).samefile(directory)
    except InputError:
        return False


def _without_files(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    words = list(arguments)
    files = []
    while len(words) > 1 and not words[-1].startswith("-") and Path(words[-1]).is_file():
        files.append(words.pop())
    return words, files


def _exit_code(words: Sequence[str]) -> int:
    try:
        main(words)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
