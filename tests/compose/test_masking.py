"""Which names are taken for those of secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.secrets import is_secret_name, mask_text

PARTS = ("pass", "PWD", "Secret", "private", "SALT", "cookie", "dsn", "webhook", "key", "_KEY")


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "API_KEY", "apikey", "JWT_SECRET", "GITHUB_TOKEN", "KEY_ID", "SSH_KEY", "DSN"],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD_FILE",
        "VALKEY_IMAGE",
        "VALKEY_URL",
        "AUTH_VERSION",
        "AUTH_HOST",
        "TOKEN_SERVICE_PORT",
        "MONKEY",
        "LOG_LEVEL",
    ],
)
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


def test_an_option_is_one_only_where_a_word_begins() -> None:
    assert mask_text("mysqld --password hunter2") == "mysqld --password ***"
    assert mask_text("mysqld --db.password hunter2") == "mysqld --db.password ***"
    assert mask_text("give it --password. Then go") == "give it --password. Then go"
    assert mask_text("move-secrets (3): REDIS moves") == "move-secrets (3): REDIS moves"


@given(st.from_regex(r"[A-Za-z_][\w.-]{0,12}", fullmatch=True), st.sampled_from(PARTS))
def test_whatever_has_a_secret_name_is_masked(name: str, part: str) -> None:
    for each in (name, name + part, part + name):
        if is_secret_name(each):
            assert "hunter2" not in mask_text(f"run it with {each}=hunter2")
            if each[0] != "_" and each[-1] != ".":
                assert "hunter2" not in mask_text(f"--{each} hunter2")
