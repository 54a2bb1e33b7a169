"""The pre-commit hooks: their commands, and in `make test-long` the real pre-commit.

It installs the package from a repository beside this one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.commandline import write
from support.nodes import values

ROOT = Path(__file__).parents[2]
IGNORED = shutil.ignore_patterns(
    ".git", ".*cache*", ".hypothesis", ".venv", ".engines", "__pycache__", "*.egg-info", "build"
)
BAD = (
    "version: '3'\nservices:\n  web:\n    image: nginx:1.27  # pinned\n    ports:\n      - 22:22\n"
)
MENDED = 'services:\n  web:\n    image: nginx:1.27  # pinned\n    ports:\n      - "22:22"\n'

HOOKS = {
    hook["id"]: hook
    for hook in values((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}

PreCommit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository, as pre-commit clones it."""
    if shutil.which("pre-commit", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("pre-commit is not installed")
    place = tmp_path_factory.mktemp("hooks") / "composerefactor"
    shutil.copytree(ROOT, place, symlinks=True, ignore=IGNORED)
    _git(place, "init", "-q")
    _git(place, "add", "-A")
    _git(place, "commit", "-qm", "as it is")
    return place


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the installed hooks."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def pre_commit(hooks: Path, home: Path, tmp_path: Path) -> PreCommit:
    """A project with a bad Compose file; runs one hook in it."""
    write(tmp_path, {"docker-compose.yml": BAD, "notes.txt": "x\n"})
    revision = _git(hooks, "rev-parse", "HEAD")

    def run(hook: str, *files: str) -> subprocess.CompletedProcess[str]:
        config = f"repos:\n- repo: file://{hooks}\n  rev: {revision}\n  hooks: [{{id: {hook}}}]\n"
        write(tmp_path, {".pre-commit-config.yaml": config})
        if not (tmp_path / ".git").exists():
            _git(tmp_path, "init", "-q")
        _git(tmp_path, "add", "-A")
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--files", *files],
            cwd=tmp_path,
            env={**_environ(), "PRE_COMMIT_HOME": str(home), "HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def _environ() -> dict[str, str]:
    kept = (
        "PATH",
        "LANG",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_CONFIG_FILE",
        "SSL_CERT_FILE",
    )
    return {name: os.environ[name] for name in kept if name in os.environ}


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    return subprocess.run(
        command, cwd=directory, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_commands_of_the_hooks(tmp_path: Path, engine: Path) -> None:
    project = write(tmp_path / "shop", {"docker-compose.yml": BAD, "click.py": "1 / 0\n"})
    _git(project, "init", "-q")

    assert run_hook("composerefactor-check", project, engine, "docker-compose.yml") == 1
    assert (project / "docker-compose.yml").read_text(encoding="utf-8") == BAD
    assert run_hook("composerefactor-fix", project, engine, "docker-compose.yml") == 0
    assert (project / "docker-compose.yml").read_text(encoding="utf-8") == MENDED
    assert run_hook("composerefactor-check", project, engine, "docker-compose.yml") == 0
    assert run_hook("composerefactor-split-check", project, engine, "docker-compose.yml") == 0


def run_hook(hook: str, directory: Path, engine: Path, *files: str) -> int:
    """Run a hook as pre-commit does; return its exit code."""
    program, *arguments = HOOKS[hook]["entry"].split()
    assert program == "python"
    return subprocess.run(
        [sys.executable, *arguments, f"--engine={engine}", *files],
        cwd=directory,
        env={**_environ(), "HOME": str(directory.parent)},
        check=False,
    ).returncode


def test_several_projects_in_one_repository(tmp_path: Path, engine: Path) -> None:
    bad, good = {"compose.yml": BAD}, {"compose.yml": MENDED, "more/compose.web.yml": MENDED}
    write(tmp_path / "sub/bad", bad)
    write(tmp_path / "sub/good", good)
    changed = "sub/good/more/compose.web.yml"
    assert run_hook("composerefactor-check", tmp_path, engine, changed) == 0
    assert run_hook("composerefactor-check", tmp_path, engine, changed, "sub/bad/compose.yml") == 1


@pytest.mark.parametrize("hook", HOOKS)
def test_the_files_of_the_hooks(hook: str) -> None:
    for name in ("docker-compose.yml", "a/compose.prod.yaml", "docker-compose/compose.web.yml"):
        assert re.search(HOOKS[hook]["files"], name)
    for name in ("notes.txt", "my-docker-compose.yml", "compose.json"):
        assert not re.search(HOOKS[hook]["files"], name)


@pytest.mark.long
@pytest.mark.xdist_group("hooks")
def test_check_and_fix(pre_commit: PreCommit, tmp_path: Path) -> None:
    checked = pre_commit("composerefactor-check", "docker-compose.yml")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "docker-compose.yml:1" in checked.stdout
    assert (tmp_path / "docker-compose.yml").read_text(encoding="utf-8") == BAD

    fix_plan = pre_commit("composerefactor-fix", "docker-compose.yml")
    assert fix_plan.returncode == 1, fix_plan.stdout + fix_plan.stderr
    assert "files were modified by this hook" in fix_plan.stdout
    assert (tmp_path / "docker-compose.yml").read_text(encoding="utf-8") == MENDED

    for hook in ("composerefactor-check", "composerefactor-fix"):
        again = pre_commit(hook, "docker-compose.yml")
        assert again.returncode == 0, again.stdout + again.stderr
        assert "Passed" in again.stdout


@pytest.mark.long
@pytest.mark.xdist_group("hooks")
def test_other_files_start_nothing(pre_commit: PreCommit) -> None:
    done = pre_commit("composerefactor-check", "notes.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no files to check" in done.stdout
