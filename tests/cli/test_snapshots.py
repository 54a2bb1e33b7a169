"""One reviewed snapshot per command: every word that it prints on the example.

Other tests pin ids, places and numbers; the sentences are pinned here alone. ``--update-golden``
writes ``snapshots/`` anew; read the difference as a user would.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from composerefactor.cli.main import COMMANDS
from support.commandline import CommandLine, Outcome

SNAPSHOTS = Path(__file__).parent / "snapshots"
EXAMPLE = Path(__file__).parents[2] / "examples" / "legacy-shop"

RUNS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    **{f"help-{name}": (name, "--help") for name in COMMANDS},
    "split": ("split", "--dry-run"),
    "split-extends": ("split", "--strategy", "extends", "--dry-run"),
    "split-json": ("split", "--format", "json", "--dry-run"),
    "split-markdown": ("split", "--format", "markdown", "--dry-run"),
    "split-verbose": ("split", "--check", "-v"),
    "fix": ("fix", "--check"),
    "fix-unsafe": ("fix", "--unsafe", "--dry-run"),
    "fix-unsafe-json": ("fix", "--unsafe", "--format", "json", "--dry-run"),
    "fix-unsafe-markdown": ("fix", "--unsafe", "--format", "markdown", "--dry-run"),
    "join-nothing": ("join", "--check"),
    "analyze": ("analyze",),
    "analyze-github": ("analyze", "--format", "github"),
    "analyze-json": ("analyze", "--format", "json"),
    "analyze-junit": ("analyze", "--format", "junit"),
    "analyze-markdown": ("analyze", "--format", "markdown"),
    "analyze-sarif": ("analyze", "--format", "sarif"),
    "analyze-mermaid": ("analyze", "--format", "mermaid"),
    "analyze-recursive": ("analyze", "--recursive", ".."),
    "transforms": ("transforms",),
    "transforms-one": ("transforms", "add-healthchecks"),
    "unknown-command": ("splt",),
    "unknown-service": ("split", "--group", "shop=api,nobody", "--dry-run"),
    "without-terminal": ("split",),
}
"""Commands on the example as it is, by the name of their snapshot."""


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
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RUNS)
def test_words_of_a_command(
    name: str, project: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    compare(name, shown(command_line(project, *RUNS[name]), project), request)


def test_words_after_a_split(
    project: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    original = shutil.copytree(project, project.parent / "original")
    runs: dict[str, tuple[str, ...]] = {
        "split-applied": ("split", "--yes"),
        "split-again": ("split", "--check"),
        "verify": ("verify", str(original), "."),
        "join": ("join", "--dry-run"),
        "undo": ("undo", "--yes"),
        "undo-nothing": ("undo", "--yes"),
    }
    for name, arguments in runs.items():
        compare(name, shown(command_line(project, *arguments), project), request)


def test_words_on_a_change(
    project: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    original = shutil.copytree(project, project.parent / "original")
    path = project / "docker-compose.yml"
    changed = path.read_text(encoding="utf-8").replace("postgres:16", "postgres:17")
    path.write_text(changed.replace("unless-stopped", "always"), encoding="utf-8")
    runs: dict[str, tuple[str, ...]] = {
        "diff": ("diff", str(original), "."),
        "diff-json": ("diff", "--format", "json", str(original), "."),
        "diff-markdown": ("diff", "--format", "markdown", str(original), "."),
        "verify-different": ("verify", str(original), "."),
        "verify-different-json": ("verify", "--format", "json", str(original), "."),
    }
    for name, arguments in runs.items():
        compare(name, shown(command_line(project, *arguments), project), request)
