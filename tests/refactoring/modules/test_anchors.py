from __future__ import annotations

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.yaml.source import Source

TEXT = """\
# title

# logging for all
x-common:
  logging: &logging
    driver: json-file
  env: &env
    A: "1"
    inner: &inner {B: "2"}
x-used: &used {a: 1}
x-setting: 3
services:
  web:
    logging: *logging
  api: &api
    environment: *inner
    labels: *used
  db:
    <<: *api
  alone:
    image: alone
"""


@pytest.fixture(scope="module")
def index() -> AnchorIndex:
    return AnchorIndex(ComposeFile.parse(Source("compose.yaml", TEXT)))


@pytest.mark.parametrize(
    ("own", "elements"),
    [
        (["web"], {("x-common", ""): ["logging"]}),
        (["api"], {("x-common", ""): ["inner"], ("x-used", ""): ["used"]}),
        (
            ["db"],
            {
                ("services", "api"): ["api"],
                ("x-common", ""): ["inner"],
                ("x-used", ""): ["used"],
            },
        ),
        (["api", "db"], {("x-common", ""): ["inner"], ("x-used", ""): ["used"]}),
        (["alone"], {}),
    ],
)
def test_needs(index: AnchorIndex, own: list[str], elements: dict[Element, list[str]]) -> None:
    found = index.needs([("services", name) for name in own])
    assert {h: [n.anchor for n in nodes] for h, nodes in found.items()} == elements


def test_shared_services(index: AnchorIndex) -> None:
    assert list(index.shared_services()) == [("db", "api")]


@pytest.mark.parametrize(
    ("service", "copied"),
    [
        ("web", "# logging for all\nx-common:\n  logging: &logging\n    driver: json-file\n"),
        (
            "api",
            (
                '# logging for all\nx-common:\n  env: &env\n    inner: &inner {B: "2"}\n'
                "x-used: &used {a: 1}\n"
            ),
        ),
    ],
)
def test_a_copy_takes_what_is_needed(index: AnchorIndex, service: str, copied: str) -> None:
    text = index.file.source.text
    taken: set[str] = set()
    blocks = [
        block
        for element, targets in index.needs([("services", service)]).items()
        for block in index.blocks(element, targets, taken)
    ]
    blocks.sort(key=lambda block: block.start)
    assert "".join(text[block.start : block.end] for block in blocks) == copied


def test_a_service_is_copied_below_a_key_of_its_own(index: AnchorIndex) -> None:
    targets = index.needs([("services", "db")])["services", "api"]
    taken = {"x-api"}
    (block,) = index.blocks(("services", "api"), targets, taken)
    assert block.wrapper == "x-api-2"
    assert taken == {"x-api", "x-api-2"}


def test_what_carries_only_anchors(index: AnchorIndex) -> None:
    sections = index.file.sections
    assert sections is not None
    found = {n: index.carries_only_anchors(s) for n, s in sections.items() if n.startswith("x-")}
    assert found == {"x-common": True, "x-used": True, "x-setting": False}
