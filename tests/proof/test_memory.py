"""What is remembered from one command to the next, and that it is never more than it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from composerefactor.compose.interpolation import variables
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine, find_engine
from composerefactor.proof.intended import Intention
from composerefactor.proof.memory import DIGEST_SIZE, Memory
from composerefactor.proof.prover import Prover

TEXT = """\
x-common: &common
  restart: always
services:
  api:
    <<: *common
    image: shop/api:${TAG:-1.0}
    environment: {PASSWORD: hunter2, LEVEL: "${LEVEL:-info}"}
  db:
    image: postgres:16
"""
ROOT = """\
x-common: {restart: always}
include:
  - project_directory: .
    env_file: /dev/null
    path: [parts/all.yaml]
"""


def split(module: str = TEXT) -> dict[str, bytes | None]:
    return {"compose.yaml": ROOT.encode(), "parts/all.yaml": module.encode()}


ProofOf = Callable[..., tuple[ProofResult, int]]


@pytest.fixture
def proof_of(
    compose: Engine, project: Callable[[Mapping[str, str]], Path], tmp_path: Path
) -> ProofOf:
    """Prove changes with a new prover and the memory of the test; return its runs, too."""

    def prove(
        changes: Mapping[str, bytes | None],
        text: str = TEXT,
        moved: frozenset[str] = frozenset(),
        intended: str = "",
        rejected: str = "",
    ) -> tuple[ProofResult, int]:
        engine = replace(compose, memory=Memory(tmp_path / "cache"))
        with Prover(
            engine,
            project({"compose.yaml": text, "rejected.yaml": rejected}),
            [
                Invocation((name,))
                for name in ("compose.yaml", "rejected.yaml")[: 1 + bool(rejected)]
            ],
            ["compose.yaml", "rejected.yaml"],
            variables_of=lambda _: variables(text),
            profiles_of=lambda _: (),
            probes=not intended,
        ) as prover:
            assert len(prover.rejected()) == bool(rejected)
            if intended:
                proof = prover.check(
                    changes,
                    expected=lambda found: intended in {*found.path, found.service},
                    intention=Intention(
                        intended,
                        ("api", "db"),
                        places=(),
                        at=lambda place: intended if intended in place else "",
                    ),
                )
                return proof, prover.runs
            proof = prover.check(changes, moved=moved)
            if changes:
                assert prover.sensitivities(changes, insensitive=proof.probed) == []
            return proof, prover.runs

    return prove


def test_the_same_proof_runs_nothing(proof_of: ProofOf) -> None:
    first, runs = proof_of(split())
    assert (first.ok, runs) == (True, 6)
    again, runs = proof_of(split())
    assert (again, runs) == (first, 0)


def test_an_unchanged_project_that_was_accepted_runs_nothing(proof_of: ProofOf) -> None:
    first, runs = proof_of({})
    assert (first.ok, runs) == (True, 2)
    assert proof_of({}) == (first, 0)
    assert proof_of(split())[0].ok


def test_only_what_changed_runs(proof_of: ProofOf) -> None:
    proof_of(split())
    proof, runs = proof_of(split(f"# a comment\n{TEXT}"))
    assert (proof.ok, runs) == (True, 3)


def test_a_remembered_original_does_not_hide_a_difference(proof_of: ProofOf) -> None:
    proof_of(split())
    proof, _ = proof_of(split(TEXT.replace("LEVEL:-info", "LEVEL:-debug")))
    assert {found.path for found in proof.differences} >= {
        ("services", "api", "environment", "LEVEL")
    }


def test_an_intended_change_is_remembered(proof_of: ProofOf) -> None:
    changes: dict[str, bytes | None] = {
        "compose.yaml": TEXT.replace("postgres:16", "postgres:17").encode()
    }
    first, runs = proof_of(changes, intended="db")
    assert runs > 0
    again, runs = proof_of(changes, intended="db")
    assert runs == 0
    entry = next(iter(first.recreated))
    assert again.recreated == first.recreated == {entry: ["db"]}
    assert (again.covered, again.assumptions) == (first.covered, first.assumptions)
    # the same change is not what another intention declares
    other, runs = proof_of(changes, intended="api")
    assert runs > 0
    assert {found.service for found in other.differences} == {"db"}
    assert proof_of(changes, intended="api")[1] > 0


def test_an_intended_change_is_remembered_by_its_places(proof_of: ProofOf) -> None:
    def changes(text: str) -> dict[str, bytes | None]:
        return {"compose.yaml": text.encode()}

    both = TEXT.replace("postgres:16", "postgres:17") + "    restart: always\n"
    first, _ = proof_of(changes(both), intended="db")
    one, runs = proof_of(changes(TEXT.replace("postgres:16", "postgres:17")), intended="db")
    assert (one.ok, runs) == (True, 3)
    assert (one.recreated, one.covered) == (first.recreated, first.covered)
    # elsewhere, and at a place that was another one before
    for other in (both.replace("hunter2", "hunter3"), both.replace(":17", ":18")):
        proof, runs = proof_of(changes(other), intended="db")
        assert {found.path[:3] for found in proof.differences} >= {("services", "db", "image")}
        assert runs > 3
    assert {found.service for found in proof.differences} == {"db"}


def test_a_rejection_is_remembered_without_its_message(
    proof_of: ProofOf, since: Callable[[str], None]
) -> None:
    since("2.29.7")
    text = "services: {a: {image: a, networks: [n]}}\n"
    first, _ = proof_of(split(), rejected=text)
    again, runs = proof_of(split(), rejected=text)
    assert (again, runs) == (first, 1)
    assert "undefined network n" in again.not_covered[0].message
    change: dict[str, bytes | None] = {"compose.yaml": TEXT.replace(":16", ":17").encode()}
    first, _ = proof_of(change, intended="db", rejected=text)
    again, runs = proof_of(change, intended="db", rejected=text)
    assert (again.recreated, again.not_covered) == (first.recreated, first.not_covered)
    assert runs == 1


def test_an_original_that_needs_values_is_not_remembered(proof_of: ProofOf) -> None:
    text = TEXT.replace("${TAG:-1.0}", "${TAG:?missing}")
    changes: dict[str, bytes | None] = {
        "compose.yaml": text.replace("postgres:16", "postgres:17").encode()
    }
    first, _ = proof_of(changes, text=text, intended="db")
    again, runs = proof_of(changes, text=text, intended="db")
    assert again == first
    assert first.assumptions
    assert runs > 0


def test_an_extension_that_is_lost_is_not_equal_unless_it_moved(proof_of: ProofOf) -> None:
    proof_of(split())
    lost: dict[str, bytes | None] = {**split(), "compose.yaml": ROOT.partition("\n")[2].encode()}
    assert not proof_of(lost)[0].ok
    proof, _ = proof_of(lost, moved=frozenset({"x-common"}))
    assert proof.ok
    assert proof_of(lost, moved=frozenset({"x-common"}))[1] == 0


def test_another_original_is_asked(proof_of: ProofOf) -> None:
    proof_of(split())
    other = TEXT.replace("postgres:16", "postgres:17")
    proof, runs = proof_of(split(), text=other)
    assert not proof.ok
    assert runs > 3


def test_files_contain_digests_only_and_belong_to_the_user(
    proof_of: ProofOf, tmp_path: Path
) -> None:
    proof_of(split())
    files = sorted((tmp_path / "cache").iterdir())
    assert [file.name for file in files] == ["key", "results"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    content = files[1].read_bytes()
    assert len(content) % (2 * DIGEST_SIZE) == 0
    assert not any(word in content for word in (b"hunter2", b"api", b"postgres", b"LEVEL"))


def test_the_version_is_remembered_until_the_program_changes(engine: Path, tmp_path: Path) -> None:
    program = tmp_path / "docker-compose"
    program.symlink_to(engine)
    memory = Memory(tmp_path / "cache")
    first = find_engine(str(program), memory=memory)
    again = find_engine(str(program), memory=Memory(tmp_path / "cache"))
    assert (first.usage.runs, again.usage.runs) == (1, 0)
    assert again.version == first.version
    program.unlink()
    program.write_text("#!/bin/sh\necho 2.99.0\n")
    program.chmod(0o755)
    assert find_engine(str(program), memory=Memory(tmp_path / "cache")).version == "2.99.0"


@contextmanager
def limit(monkeypatch: pytest.MonkeyPatch, records: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr("composerefactor.proof.memory._MAX_RECORDS", records)
        yield


def test_the_older_half_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(tmp_path)
    questions = [memory.digest(b"%d" % n) for n in range(11)]
    for question in questions:
        memory.remember(question, b"yes")
    with limit(monkeypatch, 10):
        smaller = Memory(tmp_path)
    assert [n for n, q in enumerate(questions) if smaller.recall(q)] == [6, 7, 8, 9, 10]
    assert (tmp_path / "results").stat().st_size == 5 * 2 * DIGEST_SIZE


def test_a_broken_record_is_dropped(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    question = memory.digest(b"a")
    memory.remember(question, b"yes")
    with (tmp_path / "results").open("ab") as file:
        file.write(b"half")
    again = Memory(tmp_path)
    assert again.recall(question)
    again.remember(memory.digest(b"b"), b"no")
    assert Memory(tmp_path).recall(memory.digest(b"b")) == b"no".ljust(DIGEST_SIZE, b"\0")


def test_without_a_place_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file" / "cache")
    question = memory.digest(b"a")
    memory.remember(question, b"yes")
    assert memory.recall(question) is None
