"""The wizard on a real terminal, and its screens as files to review."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest

from support.commandline import write

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

from support.pseudoterminal import Terminal

SCREENS = Path(__file__).parent / "screens"
_VARYING = (
    (re.compile(r"Docker Compose v[\d.]+"), "Docker Compose vX.Y.Z"),
    (re.compile(r"\d+\.\d s\b"), "N.N s"),
)

Start: TypeAlias = Callable[..., Terminal]


@pytest.fixture
def environ(engine: Path, tmp_path: Path) -> dict[str, str]:
    """An environment with this engine, git, and nothing of whoever runs the tests."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker-compose").symlink_to(engine)
    git = shutil.which("git")
    if git:
        (programs / "git").symlink_to(git)
    return {
        "PATH": str(programs),
        "HOME": str(tmp_path),
        "COMPOSEREFACTOR_STATE_HOME": str(tmp_path / "state"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
    }


@pytest.fixture
def start(
    request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, str]
) -> Iterator[Start]:
    """Start the wizard on these files, on a copy of a directory, or on what is there already.

    Proofs take most of the time, and without them nothing can be written: a test that needs them
    says that it *proves*.
    """
    if request.config.getoption("--engine") is not None:
        pytest.skip("what a terminal shows is looked at with the installed engine")
    terminals = []

    def started(
        files: Mapping[str, str | bytes] | Path,
        *,
        columns: int = 80,
        lines: int = 24,
        proves: bool = False,
        **others: str | None,
    ) -> Terminal:
        directory = tmp_path / "shop"
        if not directory.exists():
            if isinstance(files, Path):
                shutil.copytree(files, directory)
            else:
                write(directory, files)
        merged = {k: v for k, v in {**environ, **others}.items() if v is not None}
        program = Path(sys.executable).with_name("composerefactor")
        arguments = [str(program), "wizard", *(() if proves else ("--engine", "none"))]
        terminals.append(Terminal(arguments, directory, merged, columns=columns, lines=lines))
        return terminals[-1]

    yield started
    for terminal in terminals:
        terminal.close()


@dataclass
class Film:
    """Screens one after the other; *path* is the file that they are compared with."""

    path: Path
    update: bool
    frames: list[str] = field(default_factory=list)

    def take(self, terminal: Terminal, title: str) -> None:
        """Add the screen as it is now."""
        text = terminal.text()
        for pattern, shown in _VARYING:
            text = pattern.sub(shown, text)
        self.frames.append(f"=== {title} ===\n{text}")

    def check(self) -> None:
        """Compare the screens with the file, or update it."""
        text = "\n".join(self.frames)
        if self.update:
            self.path.parent.mkdir(exist_ok=True)
            self.path.write_text(text, encoding="utf-8")
        else:
            assert text == self.path.read_text(encoding="utf-8")


@pytest.fixture
def film(request: pytest.FixtureRequest) -> Film:
    """Screens to compare with the file named after the test; ``--update-golden`` writes it."""
    name = request.node.name.removeprefix("test_").replace("_", "-")
    return Film(SCREENS / f"{name}.txt", update=request.config.getoption("--update-golden"))
