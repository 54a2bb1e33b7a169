"""Which names are taken for those of secrets."""

from __future__ import annotations

import pytest

from composerefactor.verify.masking import is_secret_name, mask_text


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
    assert mask_text("move-secrets (3): REDIS moves") == "move-secrets (3): REDIS moves"
