from __future__ import annotations

import pytest

from composerefactor.compose.dependencies import connected, unions


@pytest.mark.parametrize(
    ("items", "groups"),
    [
        ([], []),
        (["ab", "cd"], [["ab"], ["cd"]]),
        (["ab", "cd", "bx"], [["cd"], ["ab", "bx"]]),
        (["ab", "cd", "bc"], [["ab", "cd", "bc"]]),
        (["", ""], [[""], [""]]),
    ],
)
def test_connected_by_letters(items: list[str], groups: list[list[str]]) -> None:
    assert connected(items, set) == groups


def test_unions() -> None:
    assert unions([{"a", "b"}, {"c"}, {"b", "d"}]) == [{"c"}, {"a", "b", "d"}]
