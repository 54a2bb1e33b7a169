"""Options and fixtures that all tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from support.commandline import CommandLine, installed_engine
from support.examples import load_profile

load_profile()
gc.disable()  # until all tests are collected: nothing of them is garbage


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the project's own options."""
    parser.addoption(
        "--engine",
        metavar="PATH",
        help="test with this docker-compose binary, as --engine=PATH (default: the installed one)",
    )
    parser.addoption(
        "--without-c-parser",
        action="store_true",
        help="hide ruamel.yaml's C parser, as on a system that has none",
    )
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden cases (after/, expected.diff) and snapshots anew",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Hide the C parser before anything imports it."""
    if config.getoption("--without-c-parser"):
        if "_ruamel_yaml" in sys.modules:
            raise pytest.UsageError("the C parser was imported before it could be hidden")
        sys.modules["_ruamel_yaml"] = None  # type: ignore[assignment]


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Return one more than there are cores: tests on a terminal wait much of their time."""
    return (yield) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test that asks for the engine; leave out those with a daemon unless asked for."""
    without_daemon = "daemon" not in str(config.getoption("-m"))
    for item in items:
        if without_daemon and "daemon" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="`make daemon` runs the tests with a daemon"))
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later garbage collection, which it would slow down."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The docker-compose binary: what ``--engine`` names, else the installed one.

    In this process it answers each question once.
    """
    # A conftest is read before --without-c-parser can hide the C parser.
    from support.sharedruns import shared_runs  # noqa: PLC0415

    chosen: str | None = request.config.getoption("--engine")
    path = Path(chosen).absolute() if chosen is not None else installed_engine()
    if not path.is_file():
        pytest.fail(f"--engine: no such file: {path}")
    with shared_runs(path):
        yield path


@pytest.fixture
def command_line(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line with the real engine, a state directory of its own, and git as new."""
    home = tmp_path_factory.mktemp("home")
    environ = {
        "COMPOSEREFACTOR_STATE_HOME": str(home / "state"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(home),
        "PATH": os.environ["PATH"],
    }
    return CommandLine(str(engine), environ)


@pytest.fixture
def new_plugins() -> Iterator[None]:
    """Find the plug-ins that the test installs, and forget them after it."""
    # A conftest is read before --without-c-parser can hide the C parser.
    from support.plugins import forget_plugins  # noqa: PLC0415

    forget_plugins()
    yield
    forget_plugins()
