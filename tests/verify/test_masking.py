"""Which names are taken for those of secrets."""

from __future__ import annotations

import pytest

from composerefactor.verify.masking import is_secret_name


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
