"""Where lines are added to env files and to ``.gitignore``."""

from __future__ import annotations

import pytest

from composerefactor.compose.dotenv import assignments
from composerefactor.edit.added_lines import with_lines

_SECTIONS = """\
# Copy this file to .env.

# Database
DB_HOST=db
DB_USER=shop

# Cache
REDIS_HOST=redis
# REDIS_PORT=6379

# ChromaDB
CHROMA_PORT=8000
"""


@pytest.mark.parametrize(
    ("name", "above"),
    [
        ("DB_PASSWORD", "DB_USER=shop"),
        ("REDIS_PASSWORD", "# REDIS_PORT=6379"),
        ("CHROMA_TOKEN", "CHROMA_PORT=8000"),
        ("ADMIN_TOKEN", "# Secrets"),
    ],
)
def test_a_line_is_below_the_nearest_name_or_a_heading(name: str, above: str) -> None:
    lines = with_lines(_SECTIONS, [f"{name}="]).splitlines()

    assert lines[lines.index(f"{name}=") - 1] == above


def test_new_lines_share_one_section() -> None:
    text = with_lines(_SECTIONS, ["ADMIN_TOKEN=", "DB_PASSWORD="])

    assert text.endswith("CHROMA_PORT=8000\n\n# Secrets\nADMIN_TOKEN=\n")
    assert with_lines(text, ["MAIL_PASSWORD="]) == f"{text}MAIL_PASSWORD=\n"


@pytest.mark.parametrize(
    ("heading", "new"),
    [
        ("## Cache\n", "## Secrets\n"),
        ("##### CACHE\n\n", "##### SECRETS\n\n"),
        ("# --- Cache ---\n", "# --- Secrets ---\n"),
        ("# =======\n# Cache\n# =======\n", "# =======\n# Secrets\n# =======\n"),
        ("# ====\n# Cache\n# ====\n\n", "# ====\n# Secrets\n# ====\n\n"),
    ],
)
def test_a_new_heading_looks_like_the_last_one(heading: str, new: str) -> None:
    text = f"# Copy to .env\n\nPORT=1\n\n{heading}REDIS_HOST=redis\n"

    assert with_lines(text, ["A_TOKEN=", "B_TOKEN="]) == f"{text}\n{new}A_TOKEN=\nB_TOKEN=\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "TOKEN=\n"),
        ("PORT=1", "PORT=1\nTOKEN=\n"),
        ("PORT=1\r\n\r\nHOST=a\r\n", "PORT=1\r\n\r\nHOST=a\r\nTOKEN=\r\n"),
        ("PORT=1\n\n\n", "PORT=1\nTOKEN=\n\n\n"),
        ("# Variables.\n", "# Variables.\n\nTOKEN=\n"),
    ],
)
def test_a_file_without_sections_gets_no_heading(text: str, expected: str) -> None:
    assert with_lines(text, ["TOKEN="]) == expected


def test_comments_below_the_last_entry_stay_with_it() -> None:
    text = "JWT_ID=a\n# Another one for each rotation.\n\nPORT=1\n"

    assert with_lines(text, ["JWT_KEY="]).splitlines()[:3] == [*text.splitlines()[:2], "JWT_KEY="]


def test_no_line_is_within_a_value() -> None:
    text = "# Keys\nDB_KEY='-----BEGIN\nEND-----'\nDB_NAME=a\n"

    values = {pair.name: pair.value for pair in assignments(with_lines(text, ["DB_PASSWORD=x"]))}

    assert values == {"DB_KEY": "-----BEGIN\nEND-----", "DB_NAME": "a", "DB_PASSWORD": "x"}


def test_a_pattern_is_beside_its_like_and_below_what_takes_it_back() -> None:
    text = "# Logs\n*.log\n\n# Settings\n.env.local\n\n# Editors\n.idea\n"

    assert with_lines(text, [".env"]) == text.replace(".env.local\n", ".env.local\n.env\n")
    assert with_lines(f"{text}\n!.env*\n", [".env"]).endswith("!.env*\n\n# Secrets\n.env\n")
