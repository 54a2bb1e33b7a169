"""``--format markdown`` of what changes files: a comment for a pull request, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.compose.masking import GENERAL
from support.commandline import SINGLY, CommandLine, write

SECRETS = ("correct-horse", "MIIEvQ", "staple")
COMPOSE = """\
# The shop, `main` branch | ``` fences
services:
  web:
    image: nginx:1.27
    environment:
      DB_PASSWORD: correct-horse
      DATABASE_URL: postgres://shop:correct-horse@db/shop
      API_TOKEN: ${API_TOKEN:-correct-horse}
      PRIVATE_KEY: |
        -----BEGIN PRIVATE KEY-----
        MIIEvQIBADANBgkqhkiG9w0BAQEF
        -----END PRIVATE KEY-----
      SECRET_TEXT: >-
        staple staple
  db:
    image: postgres:16
    command: ["postgres", "--password", "correct-horse"]
    environment:
      - POSTGRES_PASSWORD=correct-horse
  cache:
    image: redis:7
    command: redis-server --requirepass correct-horse
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", {"docker-compose.yml": COMPOSE})


@pytest.mark.parametrize(
    "command",
    [
        ("split", *SINGLY),
        ("fix", "--unsafe"),
        ("fix", "--unsafe", "--select", "move-secrets"),
    ],
    ids=["split", "fix", "move-secrets"],
)
def test_a_comment_without_secrets(
    project: Path, command_line: CommandLine, command: tuple[str, ...]
) -> None:
    done = command_line(project, *command, "--dry-run", "--format", "markdown", "-q")
    assert done.code == 0, done.err
    text = done.out.decode()
    assert text.startswith(f"### composerefactor {command[0]}\n\n**Proved for Docker Compose v")
    assert not [secret for secret in SECRETS if secret in text]
    assert text.count("<details>") == text.count("</details>") > 0
    patch = text.partition("<summary>The patch, with secret values masked")[2]
    assert "\ndiff --git a/docker-compose.yml b/docker-compose.yml\n" in patch
    fence = patch.split("diff\n", 1)[0].strip().rpartition("\n")[2]
    assert patch.count(f"\n{fence}\n") == 1  # the one that closes it
    assert len(text) < 65_536
    # The plain patch is the files' own text, and is not masked.
    plain = command_line(project, *command, "--dry-run", "-q", "--engine", "none").out
    assert b"correct-horse" in plain


def test_what_is_divided_is_joined(project: Path, command_line: CommandLine) -> None:
    assert command_line(project, "split", *SINGLY, "--yes").code == 0
    done = command_line(project, "join", "--dry-run", "--format", "markdown", "-q")
    assert done.out.startswith(b"### composerefactor join\n\n**Proved")
    assert b"| deleted |" in done.out
    again = command_line(project, "split", *SINGLY, "--dry-run", "--format", "markdown", "-q")
    assert again.out.startswith(b"### composerefactor split\n\n**Nothing to do.**\n")


def test_a_long_patch_is_cut(tmp_path: Path, command_line: CommandLine) -> None:
    services = "".join(
        f"  s{n}:\n    image: app:1\n    environment:\n"
        + "".join(f"      NAME_{k}: {'x' * 60}\n" for k in range(12))
        for n in range(120)
    )
    root = write(tmp_path / "large", {"docker-compose.yml": f"services:\n{services}"})
    done = command_line(
        root, "split", *SINGLY, "--dry-run", "--format", "markdown", "-q", "--engine", "none"
    )
    text = done.out.decode()
    assert 50_000 < len(text) < 65_536
    assert "more lines of the patch not shown" in text
    assert "Not verified: Docker Compose was not run (--engine none)" in text


def test_lines_of_a_patch_are_masked_where_they_hold_secrets() -> None:
    lines = [
        "+  password: hunter2",
        "   image: valkey/valkey:8",
        "-  - API_KEY=abc # why",
        "+  TOKEN: |-",
        "+    abc",
        "+",
        "+    def",
        "+  NAME: abc",
        "+  URL: https://user:pw@host/",
        "+  DB_PASSWORD: ${DB_PASSWORD:?set it in .env}",
        "+  secrets:",
        "+    - db_password",
        "+  command:",
        "+    - --token",
        "+    - abc # why",
        '+  entrypoint: ["x", "--password", "abc"]',
    ]
    assert GENERAL.lines(lines) == [
        "+  password: ***",
        "   image: valkey/valkey:8",
        "-  - API_KEY=*** # why",
        "+  TOKEN: |-",
        "+    ***",
        "+",
        "+    ***",
        "+  NAME: abc",
        "+  URL: https://***@host/",
        "+  DB_PASSWORD: ${DB_PASSWORD:?set it in .env}",
        "+  secrets:",
        "+    - db_password",
        "+  command:",
        "+    - --token",
        "+    - *** # why",
        '+  entrypoint: ["x", "--password", "***"]',
    ]


def test_what_the_change_repairs_is_no_limit_of_the_verification(
    tmp_path: Path, command_line: CommandLine
) -> None:
    text = "services:\n  api: {image: acme/api:1, depends_on: [redis]}\n"
    root = write(tmp_path / "broken", {"docker-compose.yml": text})
    done = command_line(root, "fix", "--dry-run", "--format", "markdown", "-q")
    assert "add-missing-services" in done.out.decode()
    assert "not verified" not in done.out.decode()


def test_a_fix_is_listed_with_the_files_that_it_writes(
    tmp_path: Path, command_line: CommandLine
) -> None:
    text = 'services:\n  api: {image: acme/api:1, environment: {A: "${TOKEN:-}"}}\n'
    root = write(tmp_path / "shop", {"docker-compose.yml": text})
    done = command_line(root, "fix", "--select", "create-env", "--dry-run", "-v")
    assert "create-env  1 change: .env" in done.err
