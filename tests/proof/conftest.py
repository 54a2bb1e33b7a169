"""Fixtures for the proof: projects on disk, and the real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from composerefactor.compose.interpolation import Variable, variables
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.engine import Engine, find_engine, release
from composerefactor.proof.prover import Prover

Project: TypeAlias = Callable[[Mapping[str, str]], Path]
ProverOf: TypeAlias = Callable[..., Prover]


@pytest.fixture(scope="session")
def compose(engine: Path) -> Engine:
    """The real Docker Compose, found like a user's."""
    return find_engine(str(engine))


@pytest.fixture
def since(compose: Engine) -> Callable[[str], None]:
    """Skip a test of a feature that the given version of Docker Compose introduced."""

    def require(version: str) -> None:
        if compose.release < release(version):
            pytest.skip(f"Docker Compose {compose.version} does not do this, {version} does")

    return require


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Write files, given as texts by path, into a project directory."""

    def write(files: Mapping[str, str]) -> Path:
        root = tmp_path / "shop"
        root.mkdir(exist_ok=True)
        for path, text in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return root

    return write


@pytest.fixture
def prover_of(compose: Engine, project: Project) -> Iterator[ProverOf]:
    """Make a prover for files, given as texts by path; ``entry`` is the start command."""
    with ExitStack() as stack:

        def make(
            files: Mapping[str, str],
            entry: Invocation | None = None,
            profiles: tuple[str, ...] = (),
            timeout: float = 60,
            more: Sequence[Invocation] = (),
            *,
            thorough: bool = False,
        ) -> Prover:
            found: list[Variable] = [
                variable for text in files.values() for variable in variables(text)
            ]
            return stack.enter_context(
                Prover(
                    replace(compose, is_thorough=thorough),
                    project(files),
                    [entry or Invocation(("compose.yaml",), implicit=True), *more],
                    files,
                    variables_of=lambda _: found,
                    profiles_of=lambda _: profiles,
                    timeout=timeout,
                    probes=True,
                )
            )

        yield make
