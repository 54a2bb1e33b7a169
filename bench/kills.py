"""Kill whole commands at every step by which they change the disk, and count what is left wrong.

    python bench/kills.py PROJECT...

For each PROJECT, `split`, `fix --unsafe`, `join` and `undo` run in a copy of it, without Docker
Compose: they write the same files with it. A run is killed by SIGKILL before its first such step,
another one before its second, and so on; killed while it brings a file to the disk, it leaves half
of that file. Whatever runs next repairs the project first: then its tree has to be that before the
command or that after it, byte for byte and mode for mode. A command that refuses the project is
left out. Prints a table in Markdown, and on stderr the kills of each project and what is wrong.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from composerefactor.cli.main import cli
from composerefactor.planning.opening import project_root
from composerefactor.workspace.undo import recover
from workspace.crash_driver import Tree, do_not_wait, killed_before, tree

UNPROVEN = ("--yes", "--engine", "none", "--unproven")
SPLIT = ("split", "--force", *UNPROVEN)
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "split": (SPLIT,),
    "fix --unsafe": (("fix", "--unsafe", *UNPROVEN),),
    "join": (SPLIT, ("join", *UNPROVEN)),
    "undo": (SPLIT, ("undo", "--yes")),
}
"""The command lines of each command: the last one is killed, those before it have finished."""


class Places(NamedTuple):
    """The directories of one command: the copy of the project, the journal, a copy of both."""

    work: Path
    state: Path
    saved: Path

    def save(self) -> None:
        """Remember the project and the journal as they are."""
        shutil.rmtree(self.saved, ignore_errors=True)
        for path in (self.work, self.state):
            path.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, self.saved / path.name, symlinks=True)

    def restore(self) -> None:
        """Make the project and the journal as they were."""
        for path in (self.work, self.state):
            shutil.rmtree(path)
            shutil.copytree(self.saved / path.name, path, symlinks=True)

    def is_killed(self, arguments: tuple[str, ...], step: int) -> bool:
        """Run the command *arguments* and kill it before *step*; return whether it got there."""
        with Path(os.devnull).open("w") as nowhere:

            def action() -> None:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
                os.chdir(self.work)
                cli.main(list(arguments), standalone_mode=False)

            return killed_before(step, action)

    def run(self, arguments: tuple[str, ...]) -> Tree:
        """Run the command *arguments* to its end, and return the tree that it leaves."""
        self.is_killed(arguments, 0)
        return tree(self.work)


def wrong_after_kills(
    places: Places, arguments: tuple[str, ...], root: Path, before: Tree, after: Tree
) -> Iterator[str]:
    """Kill *arguments* in *root* at each step; yield what is wrong after each kill, or ``""``."""
    for step in count(1):
        places.restore()
        if not places.is_killed(arguments, step):
            return
        recover(root)
        now = tree(places.work)
        if now not in (before, after):
            names = sorted(
                path for path in {*before, *after, *now} if now.get(path) != before.get(path)
            )
            yield f"step {step}: neither state: {names[:5]}"
        else:
            yield ""


def kills_in(project: Path, *command: tuple[str, ...]) -> list[str]:
    """Return what is wrong after each kill of *command* in a copy of *project*."""
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary).resolve()
        places = Places(base / project.resolve().name, base / "state", base / "saved")
        os.environ["COMPOSEREFACTOR_STATE_HOME"] = str(places.state)
        shutil.copytree(project, places.work, symlinks=True)
        try:
            for arguments in command[:-1]:
                places.run(arguments)
            places.save()
            root = project_root(places.work)
            before, after = tree(places.work), places.run(command[-1])
        except SystemExit:  # it is refused
            return []
        if before == after:
            return []
        return list(wrong_after_kills(places, command[-1], root, before, after))


def main(projects: list[str]) -> None:
    """Print the table for *projects*."""
    os.fsync = do_not_wait  # a kill loses nothing that the system has
    rows = []
    for name, command in COMMANDS.items():
        changed, kills, wrong = 0, 0, 0
        for project in projects:
            found = kills_in(Path(project), *command)
            problems = [*filter(None, found)]
            changed, kills, wrong = changed + bool(found), kills + len(found), wrong + len(problems)
            for problem in (f"{len(found)} kills", *problems):
                print(f"{project}: {name}: {problem}", file=sys.stderr, flush=True)
        rows.append(f"| `{name}` | {changed} | {kills} | {wrong} |")
    print("| command | projects | kills | wrong |", "| --- | ---: | ---: | ---: |", *rows, sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
