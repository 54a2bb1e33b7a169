"""What follows from other scenarios is left out only if nothing is overlooked without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from composerefactor.compose.interpolation import variables
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine
from composerefactor.proof.prover import Prover
from composerefactor.proof.scenarios import Definitions, Needed, needed_scenarios
from proof.test_short_proof import FILES, MODULE, MUTANTS, ROOTS, changed

OVERRIDE = 'services: {api: {environment: {MODE: "${MODE:-test}"}}}\n'
ALONE = Invocation(("compose.yaml",), implicit=True)
MERGED = Invocation(("compose.yaml", "override.yaml"))
BEFORE = {**FILES, "override.yaml": OVERRIDE}
DEFINITIONS = Definitions(
    frozenset({"compose.yaml", "parts/all.yaml", "override.yaml"}),
    frozenset({"app.env"}),
    frozenset({("volumes", "store"), ("volumes", "unused")}),
)


def needed(
    changes: Mapping[str, bytes | None], files: Mapping[str, str] = BEFORE, lost: str = ""
) -> dict[Invocation, Needed]:
    texts = {path: text.encode() for path, text in files.items()}
    before = DEFINITIONS
    after = replace(before, resources=before.resources - {("volumes", lost)})
    return needed_scenarios([ALONE, MERGED], texts, changes, before, after)


def proved(
    compose: Engine, root: Path, changes: Mapping[str, bytes | None]
) -> tuple[ProofResult, int]:
    """Return the short proof for known changes, and its number of runs."""
    for path, text in BEFORE.items():
        (root / path).write_text(text, encoding="utf-8")
    found = [each for text in BEFORE.values() for each in variables(text)]
    with Prover(
        compose,
        root,
        [ALONE, MERGED],
        BEFORE,
        variables_of=lambda _: found,
        profiles_of=lambda _: ("shop", "jobs"),
        needed=needed(changes),
    ) as prover:
        return prover.check(changes), prover.runs


SPLIT = {name: changed(MODULE.replace(*pair)) for name, pair in MUTANTS.items()}
SPLIT |= {name: changed(root=root) for name, root in ROOTS.items()}
IN_PLACE: dict[str, dict[str, bytes | None]] = {
    name: {"compose.yaml": MODULE.replace(*pair).encode()} for name, pair in MUTANTS.items()
}


@pytest.mark.parametrize("mutants", [SPLIT, pytest.param(IN_PLACE, marks=pytest.mark.long)])
def test_every_mutant_is_rejected(
    compose: Engine, tmp_path: Path, mutants: Mapping[str, Mapping[str, bytes | None]]
) -> None:
    accepted = [n for n, changes in mutants.items() if proved(compose, tmp_path, changes)[0].ok]
    assert accepted == []


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ({}, 2),
        ({"compose.yaml": f"# A note.\n{MODULE}".encode()}, 6),
        (changed(), 8),  # no service uses one of the volumes
    ],
)
def test_equal_states_take_few_runs(
    compose: Engine,
    since: Callable[[str], None],
    tmp_path: Path,
    changes: dict[str, bytes | None],
    runs: int,
) -> None:
    since("2.29.0")  # older versions run one scenario alone
    proof, number = proved(compose, tmp_path, changes)
    assert (proof.ok, number) == (True, runs), proof.differences


def test_what_is_needed() -> None:
    follows = Needed(raw=False, combined=False, follows=ALONE)
    in_place = {"compose.yaml": MODULE.replace("postgres:16", "postgres:17").encode()}
    assert needed(in_place) == {ALONE: Needed(combined=False), MERGED: follows}
    assert needed(changed()) == {
        ALONE: Needed(raw=False, resources=DEFINITIONS.resources),
        MERGED: follows,
    }
    assert needed(changed(MODULE.replace("TAG:-1.0", "TAG:-1.1"))) == {
        ALONE: Needed(resources=DEFINITIONS.resources),
        MERGED: follows,
    }
    assert needed(changed(), lost="unused")[ALONE].raw
    assert needed(changed(MODULE.replace("env_file: [./app.env]", "env_file: []")))[ALONE].raw
    nothing = Needed(raw=False, combined=False)
    assert needed({}) == {ALONE: nothing, MERGED: follows}


@pytest.mark.parametrize(
    "changes",
    [
        {"override.yaml": OVERRIDE.replace("test", "live").encode()},
        {"override.yaml": None},
    ],
)
def test_a_changed_override_file_does_not_follow(changes: dict[str, bytes | None]) -> None:
    assert needed(changes)[MERGED].follows is None


@pytest.mark.parametrize("text", ["include: [more.yaml]\n", "services: {a: {extends: api}}\n"])
def test_an_override_file_that_reads_others_does_not_follow(text: str) -> None:
    changes = {"compose.yaml": b"services: {}\n"}
    assert needed(changes, {**BEFORE, "override.yaml": text})[MERGED].follows is None


@pytest.mark.parametrize("path", [".env", "app.env"])
def test_a_changed_env_file_needs_everything(path: str) -> None:
    assert needed({path: b"TAG=3.0\n"}) == {}
    assert needed({path: None}) == {}
    assert needed({"empty.env": b"# nothing\n"}) != {}
