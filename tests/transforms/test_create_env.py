"""The random secrets of create-env."""

from __future__ import annotations

import base64
import re
import stat
from pathlib import Path

import pytest

from composerefactor.transforms._random_secrets import RandomValues, is_chosen
from composerefactor.transforms.create_env import (
    _LINE,
    _is_example_of,
    _with_value,
    _without_words_on_example,
)
from support.commandline import CommandLine


@pytest.mark.parametrize(
    ("name", "comment", "pattern"),
    [
        ("DB_PASSWORD", "", r"[0-9a-f]{32}"),
        ("JWT_SECRET", "", r"[0-9a-f]{64}"),
        ("SALT", "", r"[0-9a-f]{64}"),
        ("ENCRYPTION_KEY", "# openssl rand -hex 16", r"[0-9a-f]{32}"),
        ("SECRET_KEY_BASE", "", r"[0-9a-f]{128}"),
        ("APP_KEY", "", r"base64:[\w+/]{43}="),
        ("AIRFLOW__CORE__FERNET_KEY", "", r"[\w-]{43}="),
        ("SA_PASSWORD", "", r"Aa1[0-9a-f]{32}"),
        ("COOKIE_SECRET", "# openssl rand -base64 32", r"[\w+/]{43}="),
        ("STORE_ENCRYPTION_KEY", "<ENCRYPTION_KEY_MUST_BE_32_LONG>", r"[0-9a-f]{32}"),
    ],
)
def test_secrets_have_the_right_form(name: str, comment: str, pattern: str) -> None:
    assert is_chosen(name, set())
    assert re.fullmatch(pattern, RandomValues().secret(name, comment))


def test_the_key_of_a_cipher_keeps_its_length() -> None:
    values = RandomValues()
    assert len(values.secret("ENCRYPTION_KEY", "", "0123456789abcdef")) == 16
    assert len(values.secret("JWT_SECRET", "", "0123456789abcdef")) == 64
    assert len(values.secret("N8N_ENCRYPTION_KEY", "", "super-secret-key")) == 64


def test_fernet_keys_can_be_decoded() -> None:
    assert len(base64.urlsafe_b64decode(RandomValues().secret("FERNET_KEY", ""))) == 32


@pytest.mark.parametrize(
    "name",
    [
        *("OPENAI_API_KEY", "SMTP_PASSWORD", "GITHUB_CLIENT_SECRET", "LOG_LEVEL", "DB_USER"),
        *("WHATSAPP_APP_SECRET", "KEY_ENCRYPTION_KEY_ID", "MIN_PASSWORD_CHARS"),
        *("PINATA_SECRET_API_KEY", "STORAGE_WASABI_SECRET", "DOCKER_HUB_PASSWORD"),
    ],
)
def test_what_the_project_does_not_choose_is_not_random(name: str) -> None:
    assert not is_chosen(name, set())


def test_values_differ_by_name_and_by_run() -> None:
    values = RandomValues()
    first = values.secret("A", "")
    assert first == values.secret("A", "")
    assert len({first, values.secret("B", ""), RandomValues().secret("A", "")}) == 3


@pytest.mark.parametrize(
    ("comment", "is_one"),
    [
        ("# Copy this file to .env.local for local development", False),
        ("# cp .env.example .env", True),
        ("# Development: cp .env.example .env.local, production: cp .env.example .env", True),
        ("# The database", True),
    ],
)
def test_an_example_says_where_it_is_to_be_copied(comment: str, *, is_one: bool) -> None:
    assert _is_example_of(f"{comment}\nA=1\n", ".env") == is_one


def test_a_comment_on_a_variable_is_not_one_on_the_example() -> None:
    text = [
        "# An example of the settings",
        "",
        "# Public host name of the shop,",
        "# for example shop.example.org",
        "DOMAIN=",
        "# Path of the certificate; copy the file to ./certs first",
        "CERTIFICATE=",
    ]
    assert _without_words_on_example(text) == text[2:]


def test_a_new_value_follows_the_sign() -> None:
    match = re.fullmatch(_LINE, "REDIS_PASSWORD=   # of the cache")
    assert match is not None
    assert _with_value(match, "", "abc").startswith("REDIS_PASSWORD=abc ")
    assert _with_value(match, "", "") == match[0]


def test_only_the_owner_can_read_the_file(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  db:\n    image: postgres:16\n    environment:\n"
        "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}\n"
    )
    arguments = ("--select", "create-env", "--engine", "none", "--unproven", "--yes")
    run = command_line.plain(tmp_path, "fix", *arguments)
    assert run.code == 0, run.err
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert (tmp_path / ".gitignore").read_text() == ".env\n"
    secret = (tmp_path / ".env").read_text().rpartition("=")[2].strip()
    assert re.fullmatch(r"[0-9a-f]{32}", secret)
    assert secret not in run.err


def test_a_value_that_another_env_file_has_as_well_stays(
    tmp_path: Path, command_line: CommandLine
) -> None:
    (tmp_path / "compose.yaml").write_text("""\
services:
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: "${POSTGRES_PASSWORD}", PGDATA: "${DIRECTORY}"}
  api:
    image: acme/api:1
    env_file: api/.env
    environment: {JWT_SECRET: "${JWT_SECRET}"}
""")
    (tmp_path / ".env.example").write_text('POSTGRES_PASSWORD="shop"\nJWT_SECRET=change-me\n')
    (tmp_path / "api").mkdir()
    (tmp_path / "api/.env.example").write_text("POSTGRES_PASSWORD=shop\nJWT_SECRET=\n")
    arguments = ("--select", "create-env", "--engine", "none", "--unproven", "--yes")
    assert command_line.plain(tmp_path, "fix", *arguments).code == 0
    lines = (tmp_path / ".env").read_text().splitlines()
    assert 'POSTGRES_PASSWORD="shop"' in lines
    assert "JWT_SECRET=change-me" not in lines


def test_a_password_in_a_url_has_no_signs(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "compose.yaml").write_text("""\
services:
  db:
    image: mongo:7
    environment: {MONGO_INITDB_ROOT_PASSWORD: "${MONGO_PASSWORD}"}
  api:
    build: .
    environment: {MONGODB_URI: "mongodb://admin:${MONGO_PASSWORD}@db/shop?authSource=admin"}
""")
    (tmp_path / ".env.example").write_text("# openssl rand -base64 32\nMONGO_PASSWORD=\n")
    arguments = ("--select", "create-env", "--engine", "none", "--unproven", "--yes")
    assert command_line.plain(tmp_path, "fix", *arguments).code == 0
    assert re.search(r"(?m)^MONGO_PASSWORD=[0-9a-f]{32}$", (tmp_path / ".env").read_text())


def test_before_a_first_start_server_and_client_get_the_same_random_password(
    tmp_path: Path, command_line: CommandLine
) -> None:
    (tmp_path / "compose.yaml").write_text("""\
services:
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: "${POSTGRES_PASSWORD:-secret}"}
  cache:
    image: valkey/valkey:8
    command: valkey-server --requirepass ${CACHE_PASSWORD:-secret}
  api:
    build: .
    depends_on: [db]
    environment: {DB_HOST: db, DB_PASSWORD: "${DB_PASSWORD:-secret}"}
""")
    arguments = ("--select", "create-env", "--engine", "none", "--unproven", "--yes")
    run = command_line.plain(tmp_path, "fix", *arguments, "--dry-run")
    assert (
        "keep DB_PASSWORD and POSTGRES_PASSWORD (random with --set create-env.first-start=true)"
        in run.err
    )
    option = ("--set", "create-env.first-start=true")
    assert command_line.plain(tmp_path, "fix", *arguments, *option).code == 0
    values = dict(re.findall(r"(?m)^(\w+)=(.*)$", (tmp_path / ".env").read_text()))
    assert values["POSTGRES_PASSWORD"] == values["DB_PASSWORD"] != values["CACHE_PASSWORD"]
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in values.values())
