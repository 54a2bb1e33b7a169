"""Checks for the tests of a transform, its own or a plug-in's.

They run it as ``fix --unsafe`` does, on files in a temporary directory, with the real engine, so
that its declared effects are proved too. Nothing of a test framework is needed.
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
"""Texts by path, relative to the project directory."""


def check_changed(
    fixer: Fixer[Any], before: Files, after: Files, *, options: Any = None, engine: str = "auto"
) -> None:
    """Check that *fixer* makes *after* of *before*, as it declares, and then nothing more.

    *after* has the files that change. *options* are those of the transform, its defaults if None;
    *engine* is what ``--engine`` takes. Raises AssertionError with a diff or the proof's words.
    """
    proposal = _proposed(fixer, before, options, engine)
    made = {c.path: (c.after or b"").decode() for c in proposal.changes.changes}
    assert made == dict(after), _diff(after, made)
    assert proposal.proof is not None
    undeclared = [found.words for found in proposal.proof.differences]
    assert not undeclared, f"not declared: {'; '.join(undeclared)}"
    check_unchanged(fixer, {**before, **after}, options=options, engine=engine)


def check_unchanged(
    fixer: Fixer[Any], files: Files, *, options: Any = None, engine: str = "auto"
) -> None:
    """Check that *fixer* leaves *files* as they are; raises AssertionError with a diff."""
    changes = _proposed(fixer, files, options, engine).changes.changes
    made = {change.path: (change.after or b"").decode() for change in changes}
    assert not made, _diff({path: files.get(path, "") for path in made}, made)


def _proposed(fixer: Fixer[Any], files: Files, options: Any, engine: str) -> Proposal:
    with tempfile.TemporaryDirectory(prefix="composerefactor-") as directory:
        for path, text in files.items():
            place = Path(directory, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())
        opened = open_project(ProjectSelection(Path(directory)))
        chosen = ChosenFixer(fixer, fixer.options() if options is None else options, unsafe=True)
        return propose_fixes(opened, [chosen], find_engine(engine), EVERYTHING)


def _diff(expected: Files, made: Files) -> str:
    lines: list[str] = []
    for path in sorted({*expected, *made}):
        old, new = expected.get(path, ""), made.get(path, "")
        lines += unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            f"expected/{path}",
            f"made/{path}",
        )
    return "".join(lines)
