# ruff: noqa: E501 - tables with a case a line
from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from composerefactor.discovery.files import Listing
from composerefactor.discovery.find import from_options
from composerefactor.errors import InputError, UsageError


@pytest.fixture
def reader(listing: Callable[[Mapping[str, str]], Listing]) -> Listing:
    return listing({"a.yml": "", "b.yml": "", "c/d.yml": "", "x.env": ""})


def test_nothing_is_named(reader: Listing) -> None:
    assert from_options(reader, environ={}) is None


@pytest.mark.parametrize(
    ("file", "entry", "environ", "expected"),
    [
        (["a.yml", "./b.yml"], [], {}, [("a.yml", "b.yml")]),
        ([], ["a.yml,b.yml", "c/d.yml"], {}, [("a.yml", "b.yml"), ("c/d.yml",)]),
        ([], [], {"COMPOSE_FILE": "a.yml:b.yml"}, [("a.yml", "b.yml")]),
        ([], [], {"COMPOSE_FILE": "a.yml|b.yml", "COMPOSE_PATH_SEPARATOR": "|"}, [("a.yml", "b.yml")]),
        (["b.yml"], [], {"COMPOSE_FILE": "a.yml"}, [("b.yml",)]),
        ([], ["b.yml", "b.yml"], {"COMPOSE_FILE": "a.yml"}, [("b.yml",)]),
    ],
)  # fmt: skip
def test_entries(
    reader: Listing,
    file: list[str],
    entry: list[str],
    environ: dict[str, str],
    expected: list[tuple[str, ...]],
) -> None:
    found = from_options(reader, file=file, entry=entry, environ=environ)
    assert found is not None
    assert [one.files for one in found] == expected


def test_environment_files_and_profiles(reader: Listing) -> None:
    environ = {"COMPOSE_ENV_FILES": "x.env", "COMPOSE_PROFILES": "b,a", "COMPOSE_PROJECT_NAME": "p"}
    (found,) = from_options(reader, file=["a.yml"], environ=environ) or []
    assert (found.env_files, found.profiles, found.project_name) == (("x.env",), ("a", "b"), "p")


@pytest.mark.parametrize("options", [{"file": ["no.yml"]}, {"entry": ["a.yml,no.yml"]}])
def test_missing_file_is_named(reader: Listing, options: dict[str, list[str]]) -> None:
    with pytest.raises(InputError, match=r"no\.yml"):
        from_options(reader, environ={}, **options)


def test_entry_without_files(reader: Listing) -> None:
    with pytest.raises(UsageError):
        from_options(reader, entry=[" , "], environ={})
