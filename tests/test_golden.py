"""Every golden case: what the command line makes of ``before/`` is ``after/``, byte for byte.

``golden/<transform>/<case>/case.toml`` has a description, the *arguments* of the command, what to
*expect* (changed, unchanged or refused), and what the command *says* on stderr with ``-v``. Lines
that it *rewrites* change; all others are in the result, character for character. A case with
``after/`` also has ``expected.diff``; ``--update-golden`` writes both again. *since* names the
first engine that resolves the result as the original; with an older one services are not moved.

Each case is planned without the engine. Docker Compose verifies those in which what the command
says is about the *proof*, and of each other transform the one in the *docs*, unless another test
verifies that transform; ``make test-long`` verifies all.
"""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from codecs import BOM_UTF8
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest

from composerefactor.compose.files import SECTIONS, ComposeFile
from composerefactor.planning.registry import transforms
from composerefactor.proof.engine import find_engine, release
from composerefactor.refactoring.contract import Fixer
from composerefactor.refactoring.modules.include import WHY_ENV_FILE
from composerefactor.transforms import _random_secrets
from composerefactor.yaml.comments import comments_in
from composerefactor.yaml.source import Source
from support.commandline import CommandLine, Outcome, tree

GOLDEN = Path(__file__).parents[1] / "golden"
KEYS = {f"{section}:".encode() for section in SECTIONS}
CODES = {"changed": 0, "unchanged": 0, "refused": 3}


@dataclass(frozen=True, slots=True)
class Case:
    """A folder below ``golden/``; a fix is run by ``fix --select``."""

    folder: Path
    description: str
    expect: Literal["changed", "unchanged", "refused"]
    arguments: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    shares: bool = False
    docs: bool = False
    proof: bool = False
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


PLANNED = [case for case in CASES if case.expect == "changed" or not case.proof]
ELSEWHERE = {
    **dict.fromkeys(("join", "split"), "tests/cli/test_snapshots.py, on a small project"),
    **dict.fromkeys(
        ("add-healthchecks", "add-resource-limits", "harden", "wait-for-healthy"),
        "tests/cli/test_snapshots.py, on the example",
    ),
}
"""Which test verifies a transform in `make test`, if none of its cases is about the proof."""

SEEN = ELSEWHERE.keys() | {case.transform for case in CASES if case.proof}
PROVED = [
    case
    if case.proof or (case.docs and case.transform not in SEEN)
    else pytest.param(case, marks=pytest.mark.long)
    for case in CASES
]
UNPROVEN = ("--engine", "none")


def named(case: Case) -> str:
    return f"{case.transform}/{case.folder.name}"


@pytest.fixture(autouse=True)
def _same_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the transform that makes random secrets the same bytes each time."""
    monkeypatch.setattr(_random_secrets, "token_bytes", lambda size: bytes(range(size)))


@pytest.mark.parametrize("case", PLANNED, ids=named)
def test_golden(
    case: Case, tmp_path: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    """Without the engine: the patch is the expected one, and after it there is nothing to do."""
    project = Path(shutil.copytree(case.folder / "before", tmp_path / "project"))
    preview = command_line(project, *case.command, *case.arguments, *UNPROVEN, "--dry-run", "-v")
    assert preview.code == CODES[case.expect], preview.err
    assert case.proof or [words for words in case.says if words not in preview.err] == []
    assert tree(project) == case.before, "a dry run writes nothing"
    if case.expect != "changed":
        return
    if request.config.getoption("--update-golden"):
        update(case, preview)
    expected = case.folder / "expected.diff"
    assert expected.exists(), "`--update-golden` writes it: read it"
    assert preview.out == expected.read_bytes(), "`--update-golden` writes it anew: read the change"
    assert lost(case) == [], "every line stands somewhere afterwards"
    patch = str(expected.absolute())
    subprocess.run(["git", "apply", "--whitespace=nowarn", patch], cwd=project, check=True)
    assert tree(project) == case.after
    again = command_line(project, *case.command, *case.arguments, *UNPROVEN, "--check")
    assert again.code == 0, again.err


@pytest.mark.engine
@pytest.mark.parametrize("case", PROVED, ids=named)
def test_golden_with_the_engine(case: Case, tmp_path: Path, command_line: CommandLine) -> None:
    """With the engine: what is written is verified, and ``undo`` takes it back."""
    engine = find_engine(command_line.engine)
    if engine.release < release(case.since):
        pytest.skip(f"Docker Compose {engine.version} is older than {case.since}")
    project = Path(shutil.copytree(case.folder / "before", tmp_path / "project"))
    run = command_line(project, *case.command, *case.arguments, "--yes", "-v")
    assert run.code == CODES[case.expect], run.err
    assert [words for words in case.says if words not in run.err] == []
    if case.expect != "changed":
        assert tree(project) == case.before
        return
    assert tree(project) == case.after
    undone = command_line(project, "undo", "--yes")
    assert undone.code == 0, undone.err
    assert tree(project) == case.before


def update(case: Case, preview: Outcome) -> None:
    (case.folder / "expected.diff").write_bytes(preview.out)
    patch = (case.folder / "expected.diff").absolute()
    with TemporaryDirectory() as outside:  # inside of a repository git skips other directories
        after = shutil.copytree(case.folder / "before", Path(outside) / "after")
        subprocess.run(["git", "apply", "--whitespace=nowarn", str(patch)], cwd=after, check=True)
        shutil.rmtree(case.folder / "after", ignore_errors=True)
        shutil.copytree(after, case.folder / "after")


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
        for c in comments_in(source, region.entry, region.lead, region.end)
        if c != WHY_ENV_FILE.strip()
    ]
    lines = [source.text[: region.lead], *kept, source.text[region.end :]]
    return "\n".join(lines).encode()
