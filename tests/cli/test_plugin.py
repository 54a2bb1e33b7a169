"""``composerefactor plugin``: the file, what the Docker CLI asks of it, and the real Docker CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from composerefactor import __version__
from support.commandline import CommandLine, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a plugin must be an .exe there")


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    return tmp_path / "docker"


@pytest.fixture
def docker_line(command_line: CommandLine, configuration: Path) -> CommandLine:
    environ = {**command_line.environ, "DOCKER_CONFIG": str(configuration)}
    return CommandLine(command_line.engine, environ)


@pytest.fixture
def plugin(docker_line: CommandLine, configuration: Path, tmp_path: Path) -> Path:
    """The installed plugin."""
    assert docker_line.plain(tmp_path, "plugin", "install").code == 0
    return configuration / "cli-plugins" / "docker-refactor"


def run(plugin: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [plugin, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_it_answers_what_the_docker_cli_asks(plugin: Path) -> None:
    found = json.loads(run(plugin, "docker-cli-plugin-metadata").stdout)
    assert (found["SchemaVersion"], found["Version"]) == ("0.1.0", __version__)
    assert found["Vendor"]
    assert found["ShortDescription"]


def test_it_runs_commands_after_global_options(plugin: Path) -> None:
    done = run(plugin, "--context", "other", "refactor", "--version")
    assert done.stdout.split()[-1] == __version__
    done = run(plugin, "refactor", "splt")
    assert (done.returncode, "did you mean 'split'" in done.stderr) == (2, True)
    assert "docker refactor [OPTIONS]" in run(plugin, "help", "refactor").stdout


def test_it_completes_and_runs_nothing_meanwhile(plugin: Path, tmp_path: Path) -> None:
    project = write(tmp_path / "shop", {"compose.yml": "version: '3'\nservices: {a: {image: b}}\n"})
    assert run(plugin, "__complete", "refactor", "spl").stdout.splitlines()[0][:6] == "split\t"
    assert "--yes" in run(plugin, "__complete", "refactor", "fix", "--y", cwd=project).stdout
    assert run(plugin, "__complete", "refactor", "fix", "--yes", "", cwd=project).returncode == 0
    assert "version" in (project / "compose.yml").read_text(encoding="utf-8")


def test_modules_of_the_current_directory_are_not_imported(plugin: Path, tmp_path: Path) -> None:
    hostile = write(tmp_path / "shop", {"click.py": "raise SystemExit('imported')\n"})
    assert run(plugin, "refactor", "--version", cwd=hostile).returncode == 0


def test_remove_leaves_the_plugins_of_others_alone(
    plugin: Path, docker_line: CommandLine, tmp_path: Path
) -> None:
    assert docker_line.plain(tmp_path, "plugin", "install").code == 0  # again
    assert docker_line.plain(tmp_path, "plugin", "remove").code == 0
    assert not plugin.exists()
    assert docker_line.plain(tmp_path, "plugin", "remove").code == 0
    plugin.write_text("#!/bin/sh\n", encoding="utf-8")
    for action in ("install", "remove"):
        assert docker_line.plain(tmp_path, "plugin", action).code == 3
    assert plugin.read_text(encoding="utf-8") == "#!/bin/sh\n"


@pytest.mark.skipif(shutil.which("docker") is None, reason="needs the Docker CLI")
def test_the_docker_cli_runs_it(plugin: Path, configuration: Path) -> None:
    assert plugin.exists()
    environ = {**os.environ, "DOCKER_CONFIG": str(configuration)}
    done = subprocess.run(
        ["docker", "--log-level", "error", "refactor", "--version"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == __version__
