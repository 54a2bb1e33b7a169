"""One reviewed snapshot per command: every word that it prints on the example.

Proofs of the example take long: a command proves it once, the others run without the engine or on
a small project.

Other tests pin ids, places and numbers; the sentences are pinned here alone. ``--update-golden``
writes ``snapshots/`` anew; read the difference as a user would.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from composerefactor.cli.main import COMMANDS
from support.commandline import CommandLine, Outcome, write
from support.wizards import SHOP

SNAPSHOTS = Path(__file__).parent / "snapshots"
EXAMPLE = Path(__file__).parents[2] / "examples" / "legacy-shop"

UNPROVEN = ("--engine", "none")

RUNS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    **{f"help-{name}": (name, "--help") for name in COMMANDS},
    "split": ("split", "--dry-run"),
    "split-extends": ("split", "--strategy", "extends", "--dry-run", *UNPROVEN),
    "split-verbose": ("split", "--check", "-v", *UNPROVEN),
    "fix": ("fix", "--check", *UNPROVEN),
    "fix-unsafe": ("fix", "--unsafe", "--dry-run"),
    "join-nothing": ("join", "--check", *UNPROVEN),
    "analyze": ("analyze",),
    "analyze-full": ("analyze", "--full"),
    "analyze-github": ("analyze", "--format", "github"),
    "analyze-json": ("analyze", "--format", "json"),
    "analyze-junit": ("analyze", "--format", "junit"),
    "analyze-markdown": ("analyze", "--format", "markdown"),
    "analyze-sarif": ("analyze", "--format", "sarif"),
    "analyze-mermaid": ("analyze", "--format", "mermaid"),
    "analyze-recursive": ("analyze", "--recursive", ".."),
    "explain": ("explain", "api"),
    "explain-key": ("explain", "worker", "environment.DATABASE_URL"),
    "explain-json": ("explain", "redis", "image", "--format", "json"),
    "unknown-key": ("explain", "api", "resart"),
    "transforms": ("transforms",),
    "transforms-one": ("transforms", "add-healthchecks"),
    "unknown-command": ("splt",),
    "unknown-service": ("split", "--group", "shop=api,nobody", "--dry-run", *UNPROVEN),
}
"""Commands on the example as it is, by the name of their snapshot."""

SMALL_RUNS: dict[str, tuple[str, ...]] = {
    "split-small": ("split", "--check", *UNPROVEN),
    "split-json": ("split", "--force", "--format", "json", "--dry-run"),
    "split-markdown": ("split", "--force", "--format", "markdown", "--dry-run"),
    "fix-unsafe-json": ("fix", "--unsafe", "--format", "json", "--dry-run"),
    "fix-unsafe-markdown": ("fix", "--unsafe", "--format", "markdown", "--dry-run"),
    "without-terminal": ("split", "--force"),
}
"""Commands on a small project."""


def shown(outcome: Outcome, project: Path) -> str:
    """Return what a command printed, without what differs from machine to machine."""
    text = f"exit code: {outcome.code}\n--- stdout\n{outcome.out.decode()}--- stderr\n{outcome.err}"
    text = text.replace(str(project.parent), "DIR")
    text = re.sub(r"v\d+\.\d+\.\d+(-\w+)?\b", "vENGINE", text)
    text = re.sub(r"in \d+(\.\d+)? s\b", "in N s", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+(\+00:00|Z)", "TIME", text)
    return re.sub(r'"(version|semanticVersion)": "[^"]+"', r'"\1": "VERSION"', text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "legacy-shop"))


def compare(name: str, text: str, request: pytest.FixtureRequest) -> None:
    """Compare *text* with the snapshot *name*, or write it anew."""
    path = SNAPSHOTS / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), "`--update-golden` writes it: read it"
    assert text == path.read_text(encoding="utf-8"), "`--update-golden` writes it anew: read it"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of four services."""
    return write(tmp_path / "small", {"docker-compose.yml": SHOP})


@pytest.mark.parametrize("name", RUNS)
def test_words_of_a_command(
    name: str, project: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    compare(name, shown(command_line(project, *RUNS[name]), project), request)


@pytest.mark.parametrize("name", SMALL_RUNS)
def test_words_on_a_small_project(
    name: str, small: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    compare(name, shown(command_line(small, *SMALL_RUNS[name]), small), request)


def test_words_after_a_split(
    small: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    original = shutil.copytree(small, small.parent / "original")
    runs: dict[str, tuple[str, ...]] = {
        "split-applied": ("split", "--force", "--yes"),
        "split-again": ("split", "--force", "--check"),
        "verify": ("verify", str(original), "."),
        "join": ("join", "--dry-run"),
        "undo": ("undo", "--yes"),
        "undo-nothing": ("undo", "--yes"),
    }
    for name, arguments in runs.items():
        compare(name, shown(command_line(small, *arguments), small), request)


def test_words_on_a_change(
    project: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    words_on_a_change(project, command_line, request, "diff")


def test_words_on_a_change_of_a_small_project(
    small: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    names = ("diff-json", "diff-markdown", "verify-different", "verify-different-json")
    words_on_a_change(small, command_line, request, *names)


def words_on_a_change(
    project: Path, command_line: CommandLine, request: pytest.FixtureRequest, *names: str
) -> None:
    """Change the data store's image and a policy, and compare what the commands print."""
    original = shutil.copytree(project, project.parent / "original")
    path = project / "docker-compose.yml"
    changed = path.read_text(encoding="utf-8").replace("postgres:16", "postgres:17")
    changed = changed.replace("unless-stopped", "always").replace("redis:7", "redis:8")
    path.write_text(changed, encoding="utf-8")
    for name in names:
        command = name.partition("-")[0]
        form = name.rpartition("-")[2]
        options = ("--format", form) if form in {"json", "markdown"} else ()
        outcome = command_line(project, command, *options, str(original), ".")
        compare(name, shown(outcome, project), request)
