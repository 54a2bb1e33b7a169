"""Assertions for tests of fixers, both built-in ones and those of plug-ins.

They run a fixer as ``fix --unsafe`` does, on files in a temporary directory and with Docker
Compose, so that its declared effects are verified too. They do not depend on a test framework.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any

from composerefactor.planning.fixes import ChosenFixer
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.planning.propose import Proposal, propose_fixes
from composerefactor.planning.selection import EVERYTHING
from composerefactor.proof.engine import find_engine
from composerefactor.refactoring.contract import Fixer

Files = Mapping[str, str]
"""The text of each file, by path relative to the project directory."""


def check_changed(
    fixer: Fixer[Any], before: Files, after: Files, *, options: Any = None, engine: str = "auto"
) -> None:
    """Check that *fixer* turns *before* into *after*, and that a second run changes nothing.

    *after* contains only the files that change. *options* are the options of the fixer, or None
    for its defaults. *engine* is the argument of ``--engine``. Raises AssertionError with a diff,
    or with the differences of the resolved configuration that the fixer does not declare.
    """
    proposal = _propose(fixer, before, options, engine)
    changed = {c.path: (c.after or b"").decode() for c in proposal.changes.changes}
    assert changed == dict(after), _diff(after, changed)
    assert proposal.proof is not None
    undeclared = [found.message for found in proposal.proof.differences]
    assert not undeclared, f"undeclared differences: {'; '.join(undeclared)}"
    check_unchanged(fixer, {**before, **after}, options=options, engine=engine)


def check_unchanged(
    fixer: Fixer[Any], files: Files, *, options: Any = None, engine: str = "auto"
) -> None:
    """Check that *fixer* does not change *files*; raises AssertionError with a diff."""
    changes = _propose(fixer, files, options, engine).changes.changes
    changed = {change.path: (change.after or b"").decode() for change in changes}
    assert not changed, _diff({path: files.get(path, "") for path in changed}, changed)


def _propose(fixer: Fixer[Any], files: Files, options: Any, engine: str) -> Proposal:
    """Return what ``fix --unsafe`` proposes with *fixer* for *files*."""
    with tempfile.TemporaryDirectory(prefix="composerefactor-") as directory:
        for path, text in files.items():
            target = Path(directory, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        opened = open_project(ProjectSelection(Path(directory)))
        chosen = ChosenFixer(fixer, fixer.options() if options is None else options, unsafe=True)
        return propose_fixes(opened, [chosen], find_engine(engine), EVERYTHING)


def _diff(expected: Files, actual: Files) -> str:
    """Return a unified diff of all files."""
    lines: list[str] = []
    for path in sorted({*expected, *actual}):
        old, new = expected.get(path, ""), actual.get(path, "")
        lines += unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            f"expected/{path}",
            f"actual/{path}",
        )
    return "".join(lines)
