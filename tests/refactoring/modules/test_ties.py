from __future__ import annotations

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.refactoring.modules.grouping import tied_groups
from composerefactor.yaml.source import Source


def groups(text: str, names: list[str] | None = None) -> list[list[str]]:
    file = ComposeFile.parse(Source("compose.yaml", text))
    return tied_groups(file, AnchorIndex(file), names or list(file.services))


HEAD = "services:\n"
A = "  a: &a\n    image: a\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "  a: {image: a}\n  b: {image: b}\n", [["a"], ["b"]]),
        (HEAD + "  a: {image: a}\n  b: {extends: a}\n  c: {image: c}\n", [["a", "b"], ["c"]]),
        (HEAD + "  b: {extends: {service: a}}\n  a: {image: a}\n", [["b", "a"]]),
        (HEAD + "  a: {image: a}\n  b: {extends: {file: a.yml, service: a}}\n", [["a"], ["b"]]),
        (HEAD + A + "  b:\n    <<: *a\n  c: {image: c}\n", [["a", "b"], ["c"]]),
        (
            HEAD + "  a: {image: a}\n  b: {extends: a}\n  c: {extends: b}\n  d: {image: d}\n",
            [["a", "b", "c"], ["d"]],
        ),
        ("x-a: &a {image: a}\n" + HEAD + "  b: *a\n  c: *a\n", [["b"], ["c"]]),
    ],
)
def test_groups(text: str, expected: list[list[str]]) -> None:
    assert groups(text) == expected


def test_what_stays_ties_nothing() -> None:
    text = HEAD + "  a: {image: a}\n  b: {extends: a}\n  c: {extends: a}\n"
    assert groups(text, ["b", "c"]) == [["b"], ["c"]]


def test_an_anchor_that_everybody_uses_makes_no_monolith() -> None:
    text = HEAD + A + "".join(f"  s{i}:\n    <<: *a\n" for i in range(20))
    assert max(map(len, groups(text))) <= 6
    assert sum(map(len, groups(text))) == 21


DETAIL = "  a:\n    image: a\n    logging: &log\n      driver: local\n"
LARGE = "  a:\n    image: a\n    labels: &log\n" + "".join(f"      l{i}: x\n" for i in range(9))
OTHERS = "  b:\n    image: b\n    logging: *log\n  c: {image: c}\n"


def test_a_detail_of_a_service_ties_nothing() -> None:
    assert groups(HEAD + DETAIL + OTHERS) == [["a"], ["b"], ["c"]]
    assert groups(HEAD + LARGE + OTHERS) == [["a", "b"], ["c"]]


def test_no_anchor_ties_services_of_two_kinds() -> None:
    text = HEAD + A + "  b:\n    <<: *a\n  c:\n    <<: *a\n  d: {image: d}\n"
    file = ComposeFile.parse(Source("compose.yaml", text))
    found = tied_groups(file, AnchorIndex(file), file.services, lambda name: str(name == "b"))
    assert found == [["a", "c"], ["b"], ["d"]]
