from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.images.entries import Condition, in_range, parse_tag


@pytest.mark.parametrize(
    ("tag", "version", "flavours"),
    [
        ("", (inf,), {"default"}),
        ("latest", (inf,), {"default"}),
        ("lts", (inf,), {"default"}),
        ("16", (16, inf), {"default"}),
        ("v2.5.1", (2, 5, 1, inf), {"default"}),
        ("16.1-alpine3.19", (16, 1, inf), {"alpine"}),
        ("alpine", (inf,), {"alpine"}),
        ("bookworm", (inf,), {"debian"}),
        ("3.12-slim-bookworm", (3, 12, inf), {"debian", "slim"}),
        ("22.04-jammy", (22, 4, inf), {"ubuntu"}),
        ("3-management-alpine", (3, inf), {"management", "alpine"}),
        ("6.5-php8.2-fpm", (6, 5, inf), {"fpm", "default"}),
        ("nightly", None, {"nightly", "default"}),
        ("RELEASE.2024-01-16T16-07-38Z", (2024, 1, 16), {"default"}),
    ],
)
def test_tag(tag: str, version: tuple[float, ...] | None, flavours: set[str]) -> None:
    found = parse_tag(tag)
    assert found.version == version
    assert flavours <= found.flavours
    assert ("default" in found.flavours) == ("default" in flavours)


@pytest.mark.parametrize(
    ("tag", "versions", "holds"),
    [
        ("17", "<18", True),
        ("18", "<18", False),
        ("17.9", "<18", True),
        ("18", ">=18", True),
        ("latest", ">=18", True),
        ("latest", "<18", False),
        ("3", ">=3.6.4", True),  # a tag that floats is its newest
        ("3.6.1", ">=3.6.4", False),
        ("3.6.1", ">=3.6, <4", True),
        ("4.0", ">=3.6, <4", False),
        ("1.8", "1.x", True),
        ("2.7", "1.x", False),
        ("3.6.1", "3.6", True),
        ("3.6", "<=3.6", True),
        ("3.6.9", ">3.6", False),
        ("nightly", "<18", None),
        ("latest", "", None),
    ],
)
def test_range(tag: str, versions: str, holds: bool | None) -> None:  # noqa: FBT001
    if versions:
        assert in_range(parse_tag(tag), versions) is holds


@pytest.mark.parametrize("versions", ["~4", "<", "4.*", ">=3;<4", "<latest"])
def test_bad_range(versions: str) -> None:
    with pytest.raises(ValueError, match="not a version range"):
        Condition(tag=versions)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=3),
    st.lists(st.integers(0, 40), min_size=1, max_size=3),
)
def test_below_and_from_divide_all_versions(tag: list[int], limit: list[int]) -> None:
    found, at = parse_tag(".".join(map(str, tag))), ".".join(map(str, limit))
    assert in_range(found, f"<{at}") is not in_range(found, f">={at}")
    assert in_range(found, f"<={at}") is not in_range(found, f">{at}")


@given(st.text(max_size=30))
def test_any_text_is_a_tag(text: str) -> None:
    assert parse_tag(text).flavours
