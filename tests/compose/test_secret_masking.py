"""Names of secrets, and masking of their values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose import secrets
from composerefactor.compose.masking import GENERAL
from composerefactor.compose.secrets import is_secret_name

PARTS = ("pass", "PWD", "Secret", "private", "SALT", "cookie", "dsn", "webhook", "key", "_KEY")


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "API_KEY", "apikey", "JWT_SECRET", "GITHUB_TOKEN", "KEY_ID", "SSH_KEY", "DSN"],
)
def test_secret_names(name: str) -> None:
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


def test_the_name_of_a_driver_is_no_secret() -> None:
    assert GENERAL.text("DSN=memory") == "DSN=memory"
    assert GENERAL.text("DSN=hunter2") == "DSN=***"


def test_an_option_begins_at_the_beginning_of_a_word() -> None:
    assert GENERAL.text("mysqld --password hunter2") == "mysqld --password ***"
    assert GENERAL.text("mysqld --db.password hunter2") == "mysqld --db.password ***"
    assert GENERAL.text("give it --password. Then go") == "give it --password. Then go"
    assert GENERAL.text("move-secrets (3): REDIS moves") == "move-secrets (3): REDIS moves"


@given(st.from_regex(r"[A-Za-z_][\w.-]{0,12}", fullmatch=True), st.sampled_from(PARTS))
def test_values_of_secret_names_are_masked(name: str, part: str) -> None:
    for each in (name, name + part, part + name):
        if is_secret_name(each):
            assert "hunter2" not in GENERAL.text(f"run it with {each}=hunter2")
            if each[0] != "_" and each[-1] != ".":
                assert "hunter2" not in GENERAL.text(f"--{each} hunter2")


def test_the_line_after_an_empty_secret_is_shown() -> None:
    text = "SMTP_PWD=\nSMTP_HOST=mail.example.com\nSMTP_PASSWORD= \nSMTP_PORT=587\n"
    assert GENERAL.text(text) == text


def test_a_long_text_is_not_looked_through_at_each_level_of_its_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert secrets.is_reference("${A:-${B}}")

    def fail(text: str) -> None:
        raise AssertionError(text)

    monkeypatch.setattr(secrets, "expressions", fail)
    assert not secrets.is_reference("${A:-" * 3000 + "}" * 3000)
