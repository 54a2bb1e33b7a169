from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from composerefactor.errors import InputError
from composerefactor.yaml.nodes import (
    AliasNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Tree,
    children,
    resolve,
    walk,
)
from composerefactor.yaml.parser import MAX_DEPTH, has_c_parser, parse
from composerefactor.yaml.source import Source
from support.trees import facts


def tree_of(text: str, *, pure: bool | None = None) -> Tree:
    return parse(Source("compose.yaml", text), pure=pure)


def spans(text: str, *, pure: bool | None = None) -> list[str]:
    """Return the text of every node in text order; ``a@b`` if ``b`` has the properties ``a``."""
    found = []
    for document in tree_of(text, pure=pure).documents:
        for node in walk(document.root) if document.root is not None else ():
            before = text[node.outer_start : node.start].strip()
            found.append((f"{before}@" if before else "") + text[node.start : node.end])
    return found


# Valid YAML: a text, and the text of each of its nodes below the root.
SPANS: list[tuple[str, str, list[str]]] = [
    ("plain", "a: b c\n", ["a", "b c"]),
    ("no last newline", "a: b", ["a", "b"]),
    ("crlf", "a: b\r\nc:\r\n  d: e\r\n", ["a", "b", "c", "d: e", "d", "e"]),
    ("mixed line ends", "a: b\r\nc: d\n", ["a", "b", "c", "d"]),
    ("lone CR", "a: b\rc: d\r", ["a", "b", "c", "d"]),
    ("quotes", "a: 'it''s'\nb: \"\\\"x\\\\\"\n", ["a", "'it''s'", "b", '"\\"x\\\\"']),
    ("astral", "é: '😀' # 😀\nb: 😀\n", ["é", "'😀'", "b", "😀"]),
    ("no-break space", "a: b\u00a0\nc: d\n", ["a", "b\u00a0", "c", "d"]),
    ("plain over lines", "a: b\n  c\n\n  d\ne: f\n", ["a", "b\n  c\n\n  d", "e", "f"]),
    ("quoted over lines", "a: 'b\n\n  c'\n", ["a", "'b\n\n  c'"]),
    ("hash in plain", "a: b#c #d\n", ["a", "b#c"]),
    ("tab after colon", "a:\tb\n", ["a", "b"]),
    ("tab before colon", "a\t: b\n", ["a", "b"]),
    ("tab after value", "a: b\t\n", ["a", "b"]),
    ("tab before comment", "a: b\t# c\n", ["a", "b"]),
    ("tab in plain", "a: b\tc\n", ["a", "b\tc"]),
    ("tab in quotes", "a: 'b\tc'\n", ["a", "'b\tc'"]),
    ("tab in flow", "a: [b,\tc]\n", ["a", "[b,\tc]", "b", "c"]),
    ("tab after anchor", "a: &x\tb\n", ["a", "&x@b"]),
    ("tab after block header", "a: |\t\n  b\n", ["a", "|\t\n  b"]),
    ("many tabs", "a:\t\tb\t\t# c\nd:\te\n", ["a", "b", "d", "e"]),
    ("odd indents", "a:\n     b:\n      c: d\n", ["a", "b:\n      c: d", "b", "c: d", "c", "d"]),
    ("indentless sequence", "a:\n- b\n- c\nd: e\n", ["a", "- b\n- c", "b", "c", "d", "e"]),
    ("wide sequence", "a:\n    -   b\n    -   c\n", ["a", "-   b\n    -   c", "b", "c"]),
    ("sequence in sequence", "a:\n- - b\n  - c\n", ["a", "- - b\n  - c", "- b\n  - c", "b", "c"]),
    ("mapping in sequence", "- b: c\n  d:\n", ["b: c\n  d:", "b", "c", "d", ""]),
    ("anchor", "a: &x b\n", ["a", "&x@b"]),
    ("anchor on block", "a: &x\n  b: c\n", ["a", "&x@b: c", "b", "c"]),
    ("anchor, comment, block", "a: &x # c\n  b: c\n", ["a", "&x # c@b: c", "b", "c"]),
    ("anchor on nothing", "a: &x\nb: *x\n", ["a", "&x@", "b", "*x"]),
    ("anchor with dots", "a: &x.y/z b\nc: *x.y/z\n", ["a", "&x.y/z@b", "c", "*x.y/z"]),
    ("comment, lone CR", "a: &x # c\r  b: c\nd: e\n", ["a", "&x # c@b: c", "b", "c", "d", "e"]),
    ("anchor on key", "&x a: b\nc: *x\n", ["&x@a", "b", "c", "*x"]),
    ("alias as key", "a: &x b\n*x : c\n", ["a", "&x@b", "*x", "c"]),
    ("merge", "a: &x {}\nd:\n  <<: *x\n", ["a", "&x@{}", "d", "<<: *x", "<<", "*x"]),
    ("reset on nothing", "a: !reset\nb: c\n", ["a", "!reset@", "b", "c"]),
    ("reset, comment", "a: !reset # c\nb: c\n", ["a", "!reset@", "b", "c"]),
    ("reset before key with anchor", "a: !reset\n&x b: c\n", ["a", "!reset@", "&x@b", "c"]),
    ("reset null", "a: !reset null\n", ["a", "!reset@null"]),
    ("override list", "a: !override\n  - b\n", ["a", "!override@- b", "b"]),
    ("override flow", "a: !override {b: c}\n", ["a", "!override@{b: c}", "b", "c"]),
    ("tag, anchor", "a: !override &x [b]\n", ["a", "!override &x@[b]", "b"]),
    ("anchor, tag", "a: &x !override [b]\n", ["a", "&x !override@[b]", "b"]),
    ("tag, anchor, nothing", "a: !reset &x\nb: c\n", ["a", "!reset &x@", "b", "c"]),
    ("tagged keys below a tag", "a: !t &m\n  !u b: c\n", ["a", "!t &m@!u b: c", "!u@b", "c"]),
    ("verbatim tag", "a: !<x,y> b\n", ["a", "!<x,y>@b"]),
    ("non-specific tag", "a: ! b\n", ["a", "!@b"]),
    ("reset in flow", "a: [!reset , b]\n", ["a", "[!reset , b]", "!reset@", "b"]),
    ("empty, comment", "a: # c\nb: # 'd\n", ["a", "", "b", ""]),
    ("empty, comments, key", "a:\n\n  # c\n# d\nb: e\n", ["a", "", "b", "e"]),
    ("empty at end of file", "a: b\nc:", ["a", "b", "c", ""]),
    ("empty items", "a:\n-\n- # c\n-\n  b\n", ["a", "-\n- # c\n-\n  b", "", "", "b"]),
    ("empty items of items", "a:\n- -\n  -\n-\n", ["a", "- -\n  -\n-", "-\n  -", "", "", ""]),
    ("empty after odd key", '"a\\\\": # b\nc: d\n', ['"a\\\\"', "", "c", "d"]),
    ("empty after key with hash", "'a # b': # c\nd: e\n", ["'a # b'", "", "d", "e"]),
    ("empty after key with quote", "it's: # c's\nd: e\n", ["it's", "", "d", "e"]),
    ("empty in flow", "a: {b: , c}\n", ["a", "{b: , c}", "b", "", "c", ""]),
    ("empty before comma in flow", "a: {b:, c d:}\n", ["a", "{b:, c d:}", "b", "", "c d", ""]),
    ("colon in key of flow", "a: {&x b::}\n", ["a", "{&x b::}", "&x@b:", ""]),
    ("empty below quotes", "{b: 'x\n  ', c: # d\n  }\n", ["b", "'x\n  '", "c", ""]),
    ("explicit keys", "? a\n: b\n? c\n", ["a", "b", "c", ""]),
    ("explicit key after empty value", "a:\n? b\n: c\n", ["a", "", "b", "c"]),
    ("explicit block key", "? |\n  a\n: b\n", ["|\n  a", "b"]),
    ("mapping as key", "? {a: b}\n: c\n", ["{a: b}", "a", "b", "c"]),
    ("flow over lines", "[ # b\n  c, # d\n  e,\n]\n", ["c", "e"]),
    ("flow over lines, key", "a: [ # b\n]\nc: d", ["a", "[ # b\n]", "c", "d"]),
    ("nested flow", "{b: [c, {d: e}]}\n", ["b", "[c, {d: e}]", "c", "{d: e}", "d", "e"]),
    ("empty flow", "a: {}\nb: [ ]\n", ["a", "{}", "b", "[ ]"]),
    ("pair in flow", "a: [b: c]\n", ["a", "[b: c]", "b: c", "b", "c"]),
    ("json", 'a: {"b":"c"}\n', ["a", '{"b":"c"}', '"b"', '"c"']),
    ("url in flow", "a: [http://b:1/c]\n", ["a", "[http://b:1/c]", "http://b:1/c"]),
]  # fmt: skip

# Header and lines of a block scalar, then blank lines: its text and its value.
BLOCK_SCALARS: list[tuple[str, str, str]] = [
    ("|\n  b\n\n\n", "|\n  b", "b\n"),
    (">\n  b\n  c\n\n\n", ">\n  b\n  c", "b c\n"),
    ("|-\n  b\n\n", "|-\n  b", "b"),
    (">-\n  b\n\n", ">-\n  b", "b"),
    ("|+\n  b\n\n\n", "|+\n  b\n\n\n", "b\n\n\n"),
    (">+\n  b\n\n", ">+\n  b\n\n", "b\n\n"),
    ("|2\n   b\n\n", "|2\n   b", " b\n"),
    (">2-\n    b\n  c\n\n", ">2-\n    b\n  c", "  b\nc"),
    ("|-2\n   b\n", "|-2\n   b", " b"),
    ("|+2\n   b\n\n", "|+2\n   b\n\n", " b\n\n"),
    ("| # c\n  b\n\n", "| # c\n  b", "b\n"),
    ("|- # c + d\n  b\n\n", "|- # c + d\n  b", "b"),
    ("|+ # c\n  b\n\n", "|+ # c\n  b\n\n", "b\n\n"),
    ("|\n  # b\n\n  c\n", "|\n  # b\n\n  c", "# b\n\nc\n"),
    ("|\n  b\n# c\n", "|\n  b", "b\n"),
    ("|\n  b\n # c\n\n", "|\n  b", "b\n"),
    ("|\n  b  \n", "|\n  b", "b  \n"),
    ("|\n\n", "|", ""),
    ("| # c\n\n", "|", ""),
    ("|+\n\n", "|+\n\n", "\n"),
    ("|\n  b\n     \n\n", "|\n  b\n     \n\n", "b\n   \n"),
    ("|\n\n\n  b\n", "|\n\n\n  b", "\n\nb\n"),
    ("&x |\n  b\n\n", "|\n  b", "b\n"),
    ("!t &x |+\n  b\n\n", "|+\n  b\n\n", "b\n\n"),
    ("|\n  b\u00a0\n\n", "|\n  b\u00a0", "b\u00a0\n"),
]

# Invalid YAML: a text, the line number of the error, and a part of the message.
REFUSED: list[tuple[str, int, str]] = [
    ("a:\n\tb: c\n", 2, "indented with a tab"),
    ("a:\n  b: c\n\td: e\n", 3, "indented with a tab"),
    ("a:\n\t- b\n", 2, "indented with a tab"),
    ("a: b: c\n", 1, "mapping values"),
    ("a: [b\n", 1, ""),
    ('a: "b\n', 1, ""),
    ("a:\n  b: c\n d: e\n", 3, ""),
    ("a: @b\n", 1, "start any token"),
    ("a: 1\nb: 2\na: 3\n", 3, "key 'a' is written twice, first at line 1"),
    ("a:\n  b: 1\n  c: 2\n  'b': 3\n", 4, "first at line 2"),
    ("a: {1: b, '1': c}\n", 1, "key '1' is written twice"),
    ("a: [b:, c]\n", 1, "colon ends this text"),
    ("a:\n  {b: c:}\n", 2, "colon ends this text"),
    ("a: &x {b: c}\nd:\n  <<: *x\n  <<: *x\n", 4, "key '<<' is written twice"),
    ("a: 1\nb: *x\n", 2, "anchor &x"),
    ("a: *x\nb: &x 1\n", 1, "anchor &x"),
    ("a: b\nc: \x01\n", 2, "U+0001"),
    ("é: 😀\nc: \x7f\n", 2, "U+007F"),
    ("a:\n  b\n# \u2028c: d\n", 3, "U+2028"),
    ("a: b\u2029c\n", 1, "U+2029"),
    ("a: 'b' # \x85\n", 1, "U+0085"),
    ('a: b\nc: "\\U00110000"\n', 2, ""),
    ('a: "\\ud83d"\n', 1, ""),
    ("a: " + "[" * 500 + "]" * 500, 1, f"nested deeper than {MAX_DEPTH} levels"),
    ("a: " + "[" * 5_000, 1, f"nested deeper than {MAX_DEPTH} levels"),
    ("a: " + "{b: " * 300, 1, f"nested deeper than {MAX_DEPTH} levels"),
]

ONLY_ONE_PARSER_IS_STRICT = [
    "-\ta\n",
    "a: |\n  \tb\n",
    ": a\n",
    "a: b\n  \tc\n",
    '["a":b]\n',
    "a: |\n \n  \n   b\n",
]
"""Rare texts that only one of the parsers accepts; trees never differ."""


@pytest.mark.parametrize(("text", "expected"), [c[1:] for c in SPANS], ids=[c[0] for c in SPANS])
def test_spans(text: str, expected: list[str], *, pure: bool) -> None:
    assert spans(text, pure=pure)[1:] == expected


@pytest.mark.parametrize("after", ["", "c: d\n", "...\n", "---\nc: d\n"])
@pytest.mark.parametrize(("text", "written", "value"), BLOCK_SCALARS)
def test_block_scalars(text: str, written: str, value: str, after: str, *, pure: bool) -> None:
    whole = f"a: {text}{after}"
    root = tree_of(whole, pure=pure).root
    assert isinstance(root, MappingNode)
    node = root.get("a")
    assert isinstance(node, ScalarNode)
    assert whole[node.start : node.end] == written
    assert node.value == value


@pytest.mark.parametrize(("text", "line", "words"), REFUSED)
def test_invalid_yaml_is_an_error(text: str, line: int, words: str, *, pure: bool) -> None:
    with pytest.raises(InputError) as caught:
        tree_of(text, pure=pure)
    assert words in caught.value.message
    assert caught.value.location is not None
    assert caught.value.location.path == "compose.yaml"
    assert caught.value.location.line == line


@pytest.mark.parametrize(
    "text",
    [
        "a: *b:c\n",
        "a: &b: c\n",
        "a: &b:c\n",
        "a: !b,c d\n",
        "a: !b[c] d\n",
        "a: {b: !reset}\n",
        "[!reset, b]\n",
    ],
)
def test_names_that_docker_compose_rejects(text: str, *, pure: bool) -> None:
    with pytest.raises(InputError):
        tree_of(text, pure=pure)


@pytest.mark.skipif(not has_c_parser(), reason="the C parser is not installed")
@pytest.mark.parametrize("text", [*(c[1] for c in SPANS), *(f"a: {c[0]}" for c in BLOCK_SCALARS)])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_both_parsers_return_equal_trees(text: str, newline: str) -> None:
    text = text.replace("\r\n", "\n").replace("\n", newline)
    assert facts(tree_of(text, pure=True)) == facts(tree_of(text, pure=False))


@pytest.mark.parametrize("text", ONLY_ONE_PARSER_IS_STRICT)
def test_a_strict_parser_raises_and_never_returns_another_tree(text: str, *, pure: bool) -> None:
    try:
        tree = tree_of(text, pure=pure)
    except InputError:
        return
    assert tree.root is not None


def test_values(*, pure: bool) -> None:
    text = "a: 'it''s'\nb: \"\\x41\\n\"\nc: d\n  e\n\n  f\ng: !reset\n? h\n"
    root = tree_of(text, pure=pure).root
    assert isinstance(root, MappingNode)
    found = [
        (e.name, v.value, v.style) for e in root.entries if isinstance(v := e.value, ScalarNode)
    ]
    assert found == [
        ("a", "it's", "'"),
        ("b", "A\n", '"'),
        ("c", "d e\nf", ""),
        ("g", "", ""),
        ("h", "", ""),
    ]


def test_nodes_of_empty_values(*, pure: bool) -> None:
    root = tree_of("a:\nb: ''\nc: ~\nd: &x\n", pure=pure).root
    assert isinstance(root, MappingNode)
    nodes = [entry.value for entry in root.entries]
    assert [isinstance(n, ScalarNode) and n.is_empty for n in nodes] == [True, False, False, True]
    assert [isinstance(n, ScalarNode) and n.is_null for n in nodes] == [True, False, True, True]


@pytest.mark.parametrize(
    "text", ["", "\n", "# c\n", "---\n", "--- # c\n", "# c", "--- \n...\n# c\n"]
)
def test_only_comments(text: str, *, pure: bool) -> None:
    assert tree_of(text, pure=pure).root is None


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("a: b\n", [0]),
        ("# c\n---\na: b\n", [4]),
        ("%YAML 1.1\n# c\n---\na: b\n", [14]),
        ("%TAG !e! tag:x,2000:\n---\na: !e!b c\n", [21]),
        ("---\na: b\n---\nc: d\n...\n", [0, 9]),
        ("a: b\n...\n---\nc: d\n", [0, 9]),
        ("--- {a: b}\n--- &x\nc: d\n", [0, 11]),
    ],
)
def test_documents(text: str, starts: list[int], *, pure: bool) -> None:
    documents = tree_of(text, pure=pure).documents
    assert [document.start for document in documents] == starts
    assert all(isinstance(document.root, MappingNode) for document in documents)


def test_anchors_stay_known_in_later_documents(*, pure: bool) -> None:
    first, second = tree_of("a: &x b\n---\nc: *x\n", pure=pure).documents
    assert isinstance(first.root, MappingNode)
    assert isinstance(second.root, MappingNode)
    alias = second.root.get("c")
    assert isinstance(alias, AliasNode)
    assert alias.target is first.root.get("a")


def test_an_alias_refers_to_the_last_anchor_above(*, pure: bool) -> None:
    root = tree_of("a: &x 1\nb: *x\nc: &x 2\nd: [*x]\n", pure=pure).root
    assert isinstance(root, MappingNode)
    one, flow = root.get("b"), root.get("d")
    assert isinstance(one, AliasNode)
    assert isinstance(flow, SequenceNode)
    assert one.target is root.get("a")
    assert resolve(flow.items[0]) is root.get("c")
    assert (one.name, one.start, one.end) == ("x", 11, 13)


def test_an_alias_inside_its_target(*, pure: bool) -> None:
    root = tree_of("a: &x\n  b: *x\n", pure=pure).root
    assert isinstance(root, MappingNode)
    inner = root.get("a")
    assert isinstance(inner, MappingNode)
    assert resolve(inner.entries[0].value) is inner


def test_aliases_of_aliases_keep_the_tree_small(*, pure: bool) -> None:
    lines = ["x0: &x0 [a, b]"]
    lines += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]" for i in range(1, 6)]
    root = tree_of("\n".join(lines), pure=pure).root
    assert isinstance(root, MappingNode)
    assert sum(1 for _ in walk(root)) < 6 * 12


def test_merge_keys_are_marked_and_not_followed(*, pure: bool) -> None:
    root = tree_of("a: &x {b: c}\nd:\n  <<: *x\n  e: f\n", pure=pure).root
    assert isinstance(root, MappingNode)
    inner = root.get("d")
    assert isinstance(inner, MappingNode)
    assert [entry.is_merge for entry in inner.entries] == [True, False]
    assert inner.get("b") is None
    assert inner.entry("e") is inner.entries[1]


def test_a_quoted_merge_key_merges_nothing(*, pure: bool) -> None:
    root = tree_of("'<<': a\n", pure=pure).root
    assert isinstance(root, MappingNode)
    assert not root.entries[0].is_merge


def test_children_and_walk(*, pure: bool) -> None:
    text = "a: [b, {c: d}]\n"
    root = tree_of(text, pure=pure).root
    assert root is not None

    def shown(nodes: list[Node]) -> list[str]:
        return [text[n.start : n.end] for n in nodes]

    assert shown(list(children(root))) == ["a", "[b, {c: d}]"]
    assert shown(list(walk(root)))[1:] == ["a", "[b, {c: d}]", "b", "{c: d}", "c", "d"]


def test_a_byte_order_mark_inside_the_text() -> None:
    text = "a: b\n\ufeffc: d\n"
    assert spans(text)[1:] == ["a", "b", "\ufeffc", "d"]


@pytest.mark.parametrize("text", ["a: 'b\u2028c'\n", 'a: "b\x85c" # d\n', "a: {b: 'c\u2029'}\n"])
def test_old_line_breaks_in_quotes(text: str) -> None:
    assert spans(text)[1] == "a"


def test_without_the_c_parser() -> None:
    script = textwrap.dedent(
        """
        import sys
        sys.modules["_ruamel_yaml"] = None
        from composerefactor.yaml.source import Source
        from composerefactor.yaml.parser import has_c_parser, parse
        assert not has_c_parser()
        assert parse(Source("compose.yaml", "a:\\tb\\n")).root.entries[0].name == "a"
        """
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)
