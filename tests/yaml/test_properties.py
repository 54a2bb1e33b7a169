"""Properties that are true for every text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.errors import InputError
from composerefactor.yaml.comments import Region, regions, top_regions
from composerefactor.yaml.nodes import AliasNode, MappingNode, ScalarNode, Tree, walk
from composerefactor.yaml.parser import has_c_parser, parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.composetext import COMPOSE, ComposeProject, compose_projects
from support.trees import check_spans, facts
from support.yamltext import YamlText, yaml_documents

PIECES = st.sampled_from([
    *("a", "b: ", "c:", "- ", "-", "? ", ": ", "#", " # d", "'", '"', "[", "]", "{", "}", ","),
    *("&x ", "*x", "!reset ", "!", "|", "|+2", ">-", "\n", "\n  ", "\n    ", " ", "\t", "\r\n"),
    *("\r", "---\n", "...\n", "%YAML 1.1\n", "<<: ", "😀", '"\\U00110000"', "\u2028", "\ufeff"),
])  # fmt: skip
SCRAPS = st.lists(PIECES, max_size=16).map("".join)


@given(st.one_of(st.binary(max_size=60), SCRAPS.map(str.encode)))
def test_encode_reverses_decode(data: bytes) -> None:
    try:
        source = Source.decode("compose.yaml", data)
    except InputError:
        return
    assert source.encode(source.text) == data


@given(st.binary(max_size=80))
def test_bytes_parse_or_raise_an_input_error(data: bytes) -> None:
    with contextlib.suppress(InputError):
        parse(Source.decode("compose.yaml", data))


@given(text=SCRAPS, pure=st.booleans())
def test_scraps_of_yaml_parse_or_raise_an_input_error(*, text: str, pure: bool) -> None:
    source = Source("compose.yaml", text)
    outcome = tree_or_error(source, pure=pure or not has_c_parser())
    if isinstance(outcome, InputError):
        assert outcome.location is not None
        assert 1 <= outcome.location.line <= len(source.line_starts)
        return
    for document in outcome.documents:
        if document.root is not None:
            check_spans(text, document.root)


@given(yaml_documents())
def test_values(document: YamlText) -> None:
    source = Source("compose.yaml", document.text)
    root = parse(source).root
    assert root is not None
    assert to_python(root, source) == document.data


@pytest.mark.skipif(not has_c_parser(), reason="the C parser is not installed")
@given(
    st.one_of(
        yaml_documents().map(lambda document: document.text),
        compose_projects().map(lambda project: project.files[COMPOSE]),
    )
)
def test_both_parsers_return_equal_trees(text: str) -> None:
    source = Source("compose.yaml", text)
    assert facts(parse(source, pure=True)) == facts(parse(source, pure=False))


@given(yaml_documents())
def test_spans_are_nested_and_ordered(document: YamlText) -> None:
    root = parse(Source("compose.yaml", document.text)).root
    assert root is not None
    check_spans(document.text, root)


@given(
    text=st.one_of(
        yaml_documents().map(lambda document: document.text),
        compose_projects().map(lambda project: project.files[COMPOSE]),
    ),
    pure=st.booleans(),
)
def test_a_tree_lists_its_anchors_and_variables(*, text: str, pure: bool) -> None:
    tree = parse(Source("compose.yaml", text), pure=pure or not has_c_parser())
    for node in walk(tree.root) if tree.root else ():
        inside = list(walk(node))
        span = (node.outer_start, node.end)
        assert tree.marked_in(*span) == [n for n in inside if isinstance(n, AliasNode) or n.anchor]
        found = [n for n in inside if isinstance(n, ScalarNode) and "$" in n.value]
        assert tree.interpolated_in(*span) == found


@given(yaml_documents())
def test_slices_agree_with_values(document: YamlText) -> None:
    text = document.text
    root = parse(Source("compose.yaml", text)).root
    assert root is not None
    for node in walk(root):
        written = text[node.start : node.end]
        if isinstance(node, ScalarNode) and node.style in {"'", '"'}:
            assert written[0] == written[-1] == node.style
        elif isinstance(node, ScalarNode) and node.style:
            assert written[0] == node.style
        elif isinstance(node, ScalarNode):
            assert written == node.value
        if node.anchor:
            assert f"&{node.anchor}" in text[node.outer_start : node.start]
        if node.tag:
            assert node.tag in text[node.outer_start : node.start]


@given(yaml_documents())
def test_a_scalar_can_be_replaced_in_its_span(document: YamlText) -> None:
    text = document.text
    root = parse(Source("compose.yaml", text)).root
    assert root is not None
    places = [
        (i, node)
        for i, node in enumerate(walk(root))
        if isinstance(node, ScalarNode) and node.style in {"'", '"'}
    ]
    for i, node in places[:3]:
        changed = f"{text[: node.start]}'new new'{text[node.end :]}"
        outcome = tree_or_error(Source("compose.yaml", changed))
        if isinstance(outcome, InputError):
            assert "written twice" in outcome.message
            continue
        assert outcome.root is not None
        found = list(walk(outcome.root))[i]
        assert isinstance(found, ScalarNode)
        assert found.value == "new new"


@given(compose_projects())
def test_regions_contain_every_line_once_and_in_order(project: ComposeProject) -> None:
    for path, text in project.files.items():
        if not path.endswith(".yml"):
            continue
        source = Source(path, text)
        root = parse(source).root
        assert isinstance(root, MappingNode)
        top = top_regions(source, root, start=0, end=len(text))
        assert top is not None
        check_regions(source, top, top[0].lead, top[-1].end)
        for section in top:
            value = section.entry.value
            start = source.next_line(section.key)
            if isinstance(value, MappingNode) and not value.flow:
                inner = regions(source, value, start=start, end=section.end)
                assert inner is not None
                check_regions(source, inner, start, section.end)


def tree_or_error(source: Source, *, pure: bool | None = None) -> Tree | InputError:
    try:
        return parse(source, pure=pure)
    except InputError as error:
        return error


def check_regions(source: Source, found: list[Region], start: int, end: int) -> None:
    """Assert that *found* contains each non-blank line of ``start:end`` once and in order."""
    at = start
    for region in found:
        assert at <= region.lead <= region.key < region.tail <= region.end <= end
        assert not source.text[at : region.lead].strip()
        for offset in (region.lead, region.key, region.tail, region.end):
            assert offset in {*source.line_starts, len(source.text)}
        assert region.key <= region.entry.start < region.entry.end <= region.tail
        at = region.end
    assert not source.text[at:end].strip()
