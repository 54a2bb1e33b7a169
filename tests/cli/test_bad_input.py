"""Input that nobody wants: one clear error each, exit code 3, nothing written, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.commandline import CommandLine, Outcome, tree, write

ROOT = Path(__file__).parents[2]
COMPOSE = "docker-compose.yml"
THREE = "services:\n  web:\n    image: nginx\n  api:\n    image: a\n  db:\n    image: postgres\n"
MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class Bad:
    """Files, the command's further arguments, and what the error says: where, what, the remedy."""

    name: str
    files: dict[str, str | bytes]
    where: str
    what: str
    remedy: str = ""
    arguments: tuple[str, ...] = ()


BAD = (
    Bad("empty", {COMPOSE: ""}, COMPOSE, "the file is empty", "name the Compose file with -f"),
    Bad("only-comments", {COMPOSE: "# nothing yet\n"}, COMPOSE, "the file is empty"),
    Bad("no-compose-file", {"README.md": "# Shop\n"}, ".", "no Compose file here", "with -f"),
    Bad("binary", {COMPOSE: b"\x89PNG\r\n\x1a\n\xff"}, f"{COMPOSE}:1", "not UTF-8", "as UTF-8"),
    Bad("nul-byte", {COMPOSE: b"services:\n  a:\0\n"}, f"{COMPOSE}:2", "a NUL byte"),
    Bad("utf-16", {COMPOSE: THREE.encode("utf-16")}, f"{COMPOSE}:1", "not UTF-8"),
    Bad("a-list", {COMPOSE: "- web\n- db\n"}, f"{COMPOSE}:1", "top level"),
    Bad("a-word", {COMPOSE: "services\n"}, f"{COMPOSE}:1", "top level"),
    Bad("broken", {COMPOSE: THREE + "  x: [1\n"}, f"{COMPOSE}:", "not YAML"),
    Bad("tabs", {COMPOSE: THREE.replace("    image: a", "\timage: a")}, f"{COMPOSE}:5", "tab"),
    Bad(
        "duplicate-keys",
        {COMPOSE: THREE + "  api:\n    image: b\n"},
        f"{COMPOSE}:8",
        "'api'",
    ),
    Bad(
        "two-documents",
        {COMPOSE: THREE + "---\nservices: {cache: {image: redis}}\n"},
        f"{COMPOSE}:8",
        "a second YAML document",
        "move what follows it to an override file",
    ),
    Bad(
        "two-documents-in-an-included-file",
        {COMPOSE: "include: [a.yml]\n" + THREE, "a.yml": "---\nname: a\n...\n---\nname: b\n"},
        "a.yml:4",
        "a second YAML document",
    ),
    Bad("an-empty-second-document", {COMPOSE: THREE + "---\n"}, f"{COMPOSE}:8", "a second YAML"),
    Bad("unknown-alias", {COMPOSE: THREE + "    labels: *gone\n"}, f"{COMPOSE}:8", "gone"),
    Bad(
        "version-1",
        {COMPOSE: "web:\n  image: nginx\ndb:\n  image: postgres\n"},
        f"{COMPOSE}:1",
        "a version 1 file: service 'web'",
        "below a key 'services:'",
    ),
    Bad(
        "missing-include",
        {COMPOSE: "include:\n  - gone.yml\n" + THREE},
        f"{COMPOSE}:2",
        "gone.yml, which does not exist",
        "create the file or correct the path",
    ),
    Bad(
        "include-cycle",
        {
            COMPOSE: "include: [a.yml]\n" + THREE,
            "a.yml": "include:\n  - docker-compose.yml\nservices: {x: {image: x}}\n",
        },
        "a.yml:2",
        "include cycle: docker-compose.yml -> a.yml -> docker-compose.yml",
        "remove one",
    ),
    Bad(
        "include-of-itself",
        {COMPOSE: f"include: [{COMPOSE}]\n" + THREE},
        f"{COMPOSE}:1",
        "include cycle",
    ),
    Bad(
        "include-from-the-network",
        {COMPOSE: "include:\n  - oci://registry.example/shop:1\n" + THREE},
        f"{COMPOSE}:2",
        "remote resource",
        "include the local copy",
    ),
    Bad(
        "include-by-https",
        {COMPOSE: "include:\n  - path: https://example.org/shop.git\n" + THREE},
        f"{COMPOSE}:2",
        "remote resource",
    ),
    Bad(
        "missing-extends-file",
        {COMPOSE: THREE + "    extends: {file: gone.yml, service: db}\n"},
        f"{COMPOSE}:8",
        "gone.yml, which does not exist",
    ),
    Bad(
        "undefined-network",
        {COMPOSE: THREE + "    networks: [gone]\n"},
        f"{COMPOSE}:6",
        "undefined network gone",
        "correct this first",
    ),
    Bad("f-missing", {COMPOSE: THREE}, "gone.yml", "no such file", arguments=("-f", "gone.yml")),
    Bad(
        "env-file-missing",
        {COMPOSE: THREE},
        "gone.env",
        "no such file",
        arguments=("--env-file", "gone.env"),
    ),
    Bad(
        "into-outside",
        {COMPOSE: THREE},
        "",
        "'../x' is outside of the project",
        "relative to the project directory",
        ("--into", "../x"),
    ),
    Bad("into-absolute", {COMPOSE: THREE}, "", "outside of the project", "", ("--into", "/x")),
    Bad("into-sneaky", {COMPOSE: THREE}, "", "outside of the project", "", ("--into", "a/../../x")),
    Bad("into-git", {COMPOSE: THREE}, ".git/x/", "files in .git", "", ("--into", ".git/x")),
    Bad(
        "module-outside",
        {COMPOSE: THREE},
        "",
        "outside of the project",
        "",
        ("--module", "db=../db.yml"),
    ),
    Bad(
        "into-a-file",
        {COMPOSE: THREE, "modules": "a file\n"},
        "modules",
        "not a directory",
        "",
        ("--into", "modules"),
    ),
    Bad(
        "into-the-root",
        {COMPOSE: THREE},
        "",
        f"{COMPOSE} is a file in one change",
        "--into or --module",
        ("--into", COMPOSE),
    ),
    Bad(
        "module-in-a-module",
        {COMPOSE: THREE},
        "",
        "x.yml is a file in one change",
        "--into or --module",
        ("--module", "api=x.yml", "--module", "db=x.yml/y.yml"),
    ),
    Bad(
        "missing-engine",
        {COMPOSE: THREE},
        "",
        "program not found: /gone/docker-compose",
        "--engine auto",
        ("--engine", "/gone/docker-compose"),
    ),
    Bad(
        "no-engine-at-all",
        {COMPOSE: THREE},
        "",
        "is not Docker Compose 2 or later",
        "",
        ("--engine", sys.executable),
    ),
)


def clean(done: Outcome, bad: Bad) -> None:
    """Assert that *done* is one clear error."""
    assert done.code == 3, done.err
    assert done.out == b""
    assert "Traceback" not in done.err
    assert done.err.count("error  ") == 1
    where = bad.where if bad.where.endswith((":", "/")) or not bad.where else f"{bad.where}: "
    assert done.err.startswith(f"error  {where}"), done.err
    assert bad.what in done.err
    assert bad.remedy in done.err


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input(bad: Bad, tmp_path: Path, command_line: CommandLine) -> None:
    project = write(tmp_path / "shop", bad.files)
    before = tree(tmp_path)
    clean(command_line(project, "split", "--force", "--yes", *bad.arguments), bad)
    assert tree(tmp_path) == before


def test_a_repair_that_needs_another_one(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {COMPOSE: THREE + "    networks: [gone]\n    depends_on: [redis]\n"})
    done = command_line(tmp_path, "fix", "--select", "add-missing-services", "--check")
    clean(done, Bad("", {}, f"{COMPOSE}:6", "network gone", "perhaps with all changes of"))
    assert command_line(tmp_path, "fix", "--check").code == 1


def test_the_line_that_is_shown_hides_secrets(tmp_path: Path, command_line: CommandLine) -> None:
    twice = "      DB_PASSWORD: correct-horse\n"
    write(tmp_path, {COMPOSE: THREE + "    environment:\n" + twice * 2})
    done = command_line(tmp_path, "split", "--yes")
    clean(done, Bad("", {}, f"{COMPOSE}:10", "DB_PASSWORD"))
    assert "correct-horse" not in done.err


def test_a_directory_named_as_the_file(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "shop" / COMPOSE).mkdir(parents=True)
    done = command_line(tmp_path / "shop", "split", "--yes")
    clean(done, Bad("", {}, COMPOSE, "but a Compose file is expected", "with -f"))
    done = command_line(tmp_path / "shop", "split", "--yes", "-f", COMPOSE)
    clean(done, Bad("", {}, COMPOSE, "no such file"))


def test_a_file_as_the_path(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {COMPOSE: THREE})
    done = command_line(tmp_path, "split", COMPOSE)
    clean(done, Bad("", {}, COMPOSE, "a project directory is required", f"-f {COMPOSE}"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_an_unreadable_file(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {COMPOSE: THREE})
    (tmp_path / COMPOSE).chmod(0)
    clean(command_line(tmp_path, "split", "--yes"), Bad("", {}, COMPOSE, "Permission denied"))


def test_a_pipe_is_not_waited_for(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {"compose.override.yaml": THREE})
    os.mkfifo(tmp_path / "compose.yaml")
    done = command_line(tmp_path, "split", "--yes", "-f", "compose.yaml")
    clean(done, Bad("", {}, "compose.yaml", "no"))


def test_a_file_outside_is_never_shown(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {"id_rsa": "MIIEowIBAAKCAQEA\n"})
    project = write(tmp_path / "shop", {COMPOSE: "include: [../id_rsa]\n" + THREE})
    done = command_line(project, "split", "--yes")
    clean(done, Bad("", {}, "../id_rsa:1", "not a Compose file"))
    assert "MII" not in done.err


@pytest.mark.parametrize("path", ["../outside.yml", "/etc/hostname"])
def test_a_file_outside_is_never_written(
    tmp_path: Path, command_line: CommandLine, path: str
) -> None:
    write(tmp_path, {"outside.yml": THREE})
    project = write(tmp_path / "shop", {COMPOSE: THREE})
    before = tree(tmp_path)
    done = command_line(project, "split", "--yes", "-f", path)
    assert done.code in {0, 3}
    assert "Traceback" not in done.err
    assert tree(tmp_path) == before


def test_an_include_outside_is_read_and_never_written(
    tmp_path: Path, command_line: CommandLine
) -> None:
    write(tmp_path, {"mail.yml": "services: {mail: {image: m}}\n"})
    project = write(tmp_path / "shop", {COMPOSE: "include: [../mail.yml]\n" + THREE})
    outside = (tmp_path / "mail.yml").read_bytes()
    done = command_line(project, "split", "--yes")
    assert done.code in {0, 3}
    assert "Traceback" not in done.err
    assert (tmp_path / "mail.yml").read_bytes() == outside
    assert {p.name for p in tmp_path.iterdir()} == {"mail.yml", "shop"}


def test_no_engine_anywhere(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {COMPOSE: THREE})
    found = CommandLine("auto", {**command_line.environ, "PATH": "/nowhere"})
    done = found(tmp_path, "split", "--force", "--check")
    if done.code == 1:
        pytest.skip("the Python package with the engine is installed")
    clean(done, Bad("", {}, "", "no Docker Compose found", "composerefactor[engine]"))


def lol(levels: int) -> str:
    """Return YAML whose aliases stand for 10**levels values."""
    lines = ["x-0: &a0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines) + "\n"


BOMBS = {
    "50-megabytes": "services:\n" + "# filler filler filler filler filler\n" * 1_400_000,
    "aliases": lol(12) + THREE.replace("image: a\n", "image: a\n    labels: *a11\n"),
    "merge-keys": "x-0: &a0 {k: 1}\n"
    + "".join(f"x-{i}: &a{i}\n  <<: [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 15))
    + THREE.replace("image: a\n", "image: a\n    labels:\n      <<: *a14\n"),
    "flow-depth": THREE + "x-deep: " + "[" * 20_000 + "]" * 20_000 + "\n",
    "block-depth": THREE + "x-deep:\n" + "".join("  " * i + "- a:\n" for i in range(1, 500)),
    "many-keys": THREE + "x-many:\n" + "".join(f"  k{i}: {i}\n" for i in range(20_000)),
    "long-line": THREE + f"x-long: {'y' * 2_000_000}\n",
}


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_within_bounds(name: str, tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {COMPOSE: BOMBS[name]})
    limited = (
        "import resource, runpy, sys\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (30, 30))\n"
        "sys.argv = ['composerefactor', 'split', '--yes', '--engine', 'none']\n"
        "runpy.run_module('composerefactor', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited],
        cwd=tmp_path,
        env={**command_line.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in {0, 2, 3}, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert list(tree(tmp_path)) == [COMPOSE]
    if name in {"aliases", "merge-keys"}:
        assert "aliases expand to more than" in done.stderr
    if done.returncode == 3:
        assert done.stderr.startswith(f"error  {COMPOSE}")
        assert len(done.stderr) < 2000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_output_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    write(tmp_path, {COMPOSE: THREE})
    command = [sys.executable, "-m", "composerefactor", "split", "--dry-run", "--engine", "none"]
    command.append("--force")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*command, str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
        )
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1].startswith("error  system error: ")
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize(
    ("streams", "arguments", "code"),
    [
        (">&-", "--dry-run", 0),
        ("2>&- >&- <&-", "--check", 1),
        ("2>/dev/full", "--check", 3),
        ("2>/dev/full", "--nope", 2),
    ],
)
def test_streams_that_are_closed_or_full(
    tmp_path: Path, streams: str, arguments: str, code: int
) -> None:
    write(tmp_path, {COMPOSE: THREE})
    split = f"-m composerefactor split --force --engine none {arguments} {streams}"
    shell = ["sh", "-c", f'"$0" {split}', sys.executable]
    ended = subprocess.run(shell, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert list(tree(tmp_path)) == [COMPOSE]
