"""Every golden case: what the command line makes of ``before/`` is ``after/``, byte for byte.

``golden/<transform>/<case>/case.toml`` has a description, the *arguments* of the command, what to
*expect* (changed, unchanged or refused), and what the command *says* on stderr. Lines that it
*rewrites* change; all others stand somewhere afterwards, character for character. A case with
``after/`` also has ``expected.diff``; ``--update-golden`` writes both anew. *since* names the first
engine that resolves the result as the original; with an older one services stay, rightly.
"""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from codecs import BOM_UTF8
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from composerefactor.compose.files import SECTIONS, ComposeFile
from composerefactor.planning.registry import transforms
from composerefactor.proof.engine import find_engine, release
from composerefactor.refactoring.contract import Fixer
from composerefactor.refactoring.modules.include import WHY_ENV_FILE
from composerefactor.yaml.comments import comments
from composerefactor.yaml.source import Source
from support.commandline import CommandLine, Outcome, tree

GOLDEN = Path(__file__).parents[1] / "golden"
KEYS = {f"{section}:".encode() for section in SECTIONS}
CODES = {"changed": 0, "unchanged": 0, "refused": 3}


@dataclass(frozen=True, slots=True)
class Case:
    """A folder below ``golden/``; a mending is run by ``fix --select``."""

    folder: Path
    description: str
    expect: Literal["changed", "unchanged", "refused"]
    arguments: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    shares: bool = False
    docs: bool = False
    since: str = ""

    @property
    def transform(self) -> str:
        return self.folder.parent.name

    @property
    def command(self) -> tuple[str, ...]:
        """The command that runs the transform."""
        if isinstance(transforms()[self.transform], Fixer):
            return ("fix", "--select", self.transform)
        return (self.transform,)

    @property
    def before(self) -> dict[str, bytes]:
        return tree(self.folder / "before")

    @property
    def after(self) -> dict[str, bytes]:
        return tree(self.folder / "after")


def read(folder: Path) -> Case:
    values = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    for name in ("arguments", "says", "rewrites"):
        values[name] = tuple(values.get(name, ()))
    return Case(folder, **values)


CASES = [read(path.parent) for path in sorted(GOLDEN.glob("*/*/case.toml"))]


def named(case: Case) -> str:
    return f"{case.transform}/{case.folder.name}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_golden(
    case: Case, tmp_path: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    engine = find_engine(command_line.engine)
    if engine.release < release(case.since):
        pytest.skip(f"Docker Compose {engine.version} is older than {case.since}")
    project = tmp_path / "project"
    shutil.copytree(case.folder / "before", project)
    if case.expect != "changed":
        found = command_line(project, *case.command, *case.arguments, "--yes")
        assert found.code == CODES[case.expect], found.err
        assert [words for words in case.says if words not in found.err] == []
        assert tree(project) == case.before
        return
    plain = (*case.arguments, "--engine", "none")
    preview = command_line(project, *case.command, *plain, "--dry-run")
    assert preview.code == 0, preview.err
    assert tree(project) == case.before, "a dry run writes nothing"
    run = command_line(project, *case.command, *case.arguments, "--yes")
    assert run.code == 0, run.err
    assert [words for words in case.says if words not in run.err] == []
    if request.config.getoption("--update-golden"):
        update(case, project, preview)
    assert tree(project) == case.after
    assert preview.out == (case.folder / "expected.diff").read_bytes()
    assert lost(case) == [], "every line stands somewhere afterwards"
    again = command_line(project, *case.command, *plain, "--check")
    assert again.code == 0, again.err
    undone = command_line(project, "undo", "--yes")
    assert undone.code == 0, undone.err
    assert tree(project) == case.before


@pytest.mark.parametrize("case", [c for c in CASES if c.expect == "changed"], ids=named)
def test_the_patch_is_all_that_changes(case: Case, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(case.folder / "before", project)
    patch = (case.folder / "expected.diff").absolute()
    subprocess.run(["git", "apply", "--whitespace=nowarn", str(patch)], cwd=project, check=True)
    assert tree(project) == case.after


def update(case: Case, project: Path, preview: Outcome) -> None:
    shutil.rmtree(case.folder / "after", ignore_errors=True)
    shutil.copytree(project, case.folder / "after")
    (case.folder / "expected.diff").write_bytes(preview.out)


def lost(case: Case) -> list[bytes]:
    """Return the lines of ``before/`` that stand less often in ``after/``, blank ones left out.

    Where equal text of several files is shared, once is enough. A join carries the include list
    out, and writes the key of a section once.
    """
    before, after = (
        Counter(
            line.strip().removeprefix(BOM_UTF8)
            for path, text in files.items()
            for line in without_include(case, path, text).splitlines()
        )
        for files in (case.before, case.after)
    )
    if case.transform == "join":
        before = Counter({k: 1 if k in KEYS else count for k, count in before.items()})
    rewritten = {line.encode() for line in case.rewrites}
    return [
        line
        for line, count in before.items()
        if line and after[line] < (1 if case.shares else count) and line not in rewritten
    ]


def without_include(case: Case, path: str, text: bytes) -> bytes:
    """Return *text* without its include list and the tool's own remark, for a join."""
    if case.transform != "join" or not path.endswith((".yml", ".yaml")):
        return text
    file = ComposeFile.parse(Source.decode(path, text))
    section = (file.sections or {}).get("include")
    if section is None:
        return text
    source, region = file.source, section.region
    kept = [
        c
        for c in comments(source, region.entry, region.lead, region.end)
        if c != WHY_ENV_FILE.strip()
    ]
    lines = [source.text[: region.lead], *kept, source.text[region.end :]]
    return "\n".join(lines).encode()
