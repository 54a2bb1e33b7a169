from __future__ import annotations

import pytest

from composerefactor.images.dockerfiles import read_dockerignore


@pytest.mark.parametrize(
    ("text", "path", "is_excluded"),
    [
        (".env\n", ".env", True),
        (".env\n", "sub/.env", False),
        ("**/.env\n", "sub/.env", True),
        ("**/.env\n", ".env", True),
        (".env*\n", ".env.local", True),
        ("/.env\n", ".env", True),
        ("./.env\n", ".env", True),
        ("*\n!.env\n", ".env", False),
        ("!.env\n*\n", ".env", True),
        ("# .env\n", ".env", False),
        ("config\n", "config/.env", True),
        ("config/\n", "config/.env", True),
        ("*/temp*\n", "a/temp1", True),
        ("*/temp*\n", "a/b/temp1", False),
        (".en?\n", ".env", True),
        (".e[mn]v\n", ".env", True),
        ("", ".env", False),
    ],
)
def test_patterns_are_those_of_docker(text: str, path: str, is_excluded: bool) -> None:  # noqa: FBT001
    assert read_dockerignore(text).excludes(path) is is_excluded
