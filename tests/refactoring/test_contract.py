"""What a plan says of its parts."""

from __future__ import annotations

import pytest

from composerefactor.errors import Location
from composerefactor.refactoring.contract import Unmoved


@pytest.mark.parametrize(
    ("section", "name", "expected"),
    [
        ("services", "db", "db"),
        ("volumes", "db", "volume db"),
        ("networks", "back", "network back"),
        ("x-app", "", "x-app"),
    ],
)
def test_a_service_and_a_volume_of_one_name_are_told_apart(
    section: str, name: str, expected: str
) -> None:
    assert Unmoved(("a.yml", section, name), "why", Location("a.yml", 1)).name == expected
