"""`composerefactor join` after `composerefactor split`, on the golden cases of split.

`make test` joins a few of them: tests/refactoring/join does the same with generated projects.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from composerefactor.proof.comparison import compare, parse_config
from support.commandline import SINGLY, CommandLine, Outcome, tree, write
from support.engine import resolved

GOLDEN = Path(__file__).parents[2] / "golden" / "split"
PLAIN = ("--engine", "none", "--unproven")
CASES = {
    path.parent.name: values
    for path in sorted(GOLDEN.glob("*/case.toml"))
    if (values := tomllib.loads(path.read_text(encoding="utf-8")))["expect"] == "changed"
    and "--move-roots" not in values.get("arguments", [])
}
SOME = {
    *("anchors-of-several-modules", "basic", "crlf-and-bom", "existing-include"),
    *("extends-strategy-environments", "small-files-that-share"),
}
NAMES = [name if name in SOME else pytest.param(name, marks=pytest.mark.long) for name in CASES]
THREE = "services:\n  web:\n    image: nginx\n  api:\n    image: api\n  db:\n    image: postgres\n"


def split(command_line: CommandLine, name: str, project: Path) -> tuple[str, ...]:
    """Split the golden case *name* in *project*; return the arguments that name entry points."""
    shutil.copytree(GOLDEN / name / "before", project)
    arguments = CASES[name].get("arguments", [])
    done = command_line(project, "split", *SINGLY, *arguments, "--yes", *PLAIN)
    assert done.code == 0, done.err
    pairs = pairwise(arguments)
    return tuple(word for a, b in pairs if a in {"--entry", "-f"} for word in (a, b))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_split_here_gets_its_bytes_back(
    command_line: CommandLine, tmp_path: Path, name: str
) -> None:
    entries = split(command_line, name, tmp_path / "project")
    done = command_line(tmp_path / "project", "join", "-v", *entries, "--yes", *PLAIN)
    assert done.code == 0, done.err
    assert "the former bytes are restored" in done.err
    assert tree(tmp_path / "project") == tree(GOLDEN / name / "before")


@pytest.mark.parametrize("name", NAMES)
def test_without_the_record_the_models_are_equal(
    command_line: CommandLine, engine: Path, tmp_path: Path, name: str
) -> None:
    project = tmp_path / "project"
    entries = split(command_line, name, project)
    shutil.rmtree(command_line.environ["COMPOSEREFACTOR_STATE_HOME"])
    done = command_line(project, "join", "-v", *entries, "--yes", "--format", "json", *PLAIN)
    assert done.code == 0, done.err
    assert "no earlier order is known" in done.err
    left = tree(project).keys() - tree(GOLDEN / name / "before").keys()
    shared = "several services extend the same service" in done.err
    common = {"docker-compose/docker-compose.common.yml"}
    assert left == (common if shared else set()), "no module is left"
    ways = [entry["files"] for entry in json.loads(done.out)["start_commands"]]
    after = [resolved(engine, project, files, REQUIRED="1") for files in ways]
    shutil.rmtree(project)
    shutil.copytree(GOLDEN / name / "before", project)
    for files, now in zip(ways, after, strict=True):
        was = resolved(engine, project, files, REQUIRED="1")
        if was is not None:
            assert now is not None, files
            assert compare(was, now, moved=blocks(was)) == [], files


def blocks(output: bytes) -> list[str]:
    """Return the ``x-`` blocks of a model: those that carry anchors went with their users."""
    return [name for name in parse_config(output) if name.startswith("x-")]


def test_an_edit_since_the_split_is_kept(command_line: CommandLine, tmp_path: Path) -> None:
    project = write(tmp_path / "project", {"docker-compose.yml": THREE})
    assert command_line(project, "split", *SINGLY, "--yes", *PLAIN).code == 0
    module = project / "docker-compose/services/docker-compose.api.yml"
    module.write_text(module.read_text() + "    restart: always  # since May\n")
    done = command_line(project, "join", "-v", "--yes")
    assert done.code == 0, done.err
    assert "in the order of the include list" in done.err
    text = (project / "docker-compose.yml").read_text()
    assert "  api:\n    image: api\n    restart: always  # since May\n" in text


def test_a_clone_gets_the_order_of_an_earlier_revision(
    command_line: CommandLine, tmp_path: Path
) -> None:
    project = write(tmp_path / "project", {"docker-compose.yml": THREE})
    commit(project)
    assert command_line(project, "split", *SINGLY, "--yes", *PLAIN).code == 0
    commit(project)
    shutil.rmtree(command_line.environ["COMPOSEREFACTOR_STATE_HOME"])
    preview = command_line(project, "join", "-v", "--dry-run", *PLAIN)
    assert "with the same resolved configuration" in preview.err
    module = project / "docker-compose/services/docker-compose.api.yml"
    module.write_text(module.read_text() + "    restart: always\n")
    commit(project)
    done = command_line(project, "join", "-v", "--yes", *PLAIN)
    assert "the services are in the order of" in done.err
    wanted = THREE.replace("image: api\n", "image: api\n    restart: always\n")
    assert (project / "docker-compose.yml").read_text() == wanted


def commit(project: Path) -> None:
    made_up = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*made_up, "commit", "-qm", "Work")):
        subprocess.run(["git", *words], cwd=project, check=True, capture_output=True)


def test_a_module_that_another_file_needs_is_left(
    command_line: CommandLine, tmp_path: Path
) -> None:
    files = {
        "docker-compose.yml": "include:\n  - path: a.yml\n    env_file: /dev/null\n",
        "a.yml": "services:\n  a:\n    image: a\n",
        "deploy/other.yml": "include:\n  - ../a.yml\n",
    }
    project = write(tmp_path / "project", files)
    done = command_line(project, "join", "-v", "-f", "docker-compose.yml", "--yes")
    assert done.code == 0, done.err
    assert "a.yml is kept: deploy/other.yml refers to it" in done.err
    assert tree(project).keys() == files.keys()


def test_a_change_can_be_left_out(command_line: CommandLine, tmp_path: Path) -> None:
    project = write(tmp_path / "project", {"docker-compose.yml": THREE})
    assert command_line(project, "split", *SINGLY, "--yes", *PLAIN).code == 0
    preview = found(command_line(project, "join", "-v", "--dry-run", "--format", "json", *PLAIN))
    kinds = {path: kind for path, (_, kind) in preview.items()}
    assert kinds["docker-compose.yml"] == "changed"
    module = "docker-compose/services/docker-compose.db.yml"
    assert kinds[module] == "deleted"
    done = command_line(project, "join", "-v", "--yes", "--leave", preview[module][0], *PLAIN)
    assert done.code == 0, done.err
    assert "excluded by --leave" in done.err
    assert (project / module).exists()


def found(outcome: Outcome) -> dict[str, tuple[str, str]]:
    return {c["path"]: (c["id"], c["kind"]) for c in outcome.document["changes"]}
