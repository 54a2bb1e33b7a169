"""Text of a project in Markdown is shown as it is."""

from __future__ import annotations

import pytest

from composerefactor.report.markdown import code, escaped, prose, table


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("API_TOKEN of _web_", "API_TOKEN of \\_web\\_"),
        ("# no heading\nno - list", "\\# no heading no - list"),
        ("- no list", "\\- no list"),
        ("-", "-"),
        ("a <b> & `c` *", "a \\<b> & \\`c\\` \\*"),
        ("the anchor &logging, &amp; as &#38;", "the anchor &logging, &amp;amp; as &amp;#38;"),
        ("ask @acme/shop", "ask @\u200bacme/shop"),
        ("nginx@sha256:1", "nginx@sha256:1"),
    ],
)
def test_markup_is_escaped(text: str, markdown: str) -> None:
    assert escaped(text) == markdown


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("run `fix *` for *", "run `fix *` for \\*"),
        ("a ` alone", "a \\` alone"),
        ("`a` - b", "`a` - b"),
        ("``a``", "\\`\\`a\\`\\`"),
    ],
)
def test_code_in_prose_stays(text: str, markdown: str) -> None:
    assert prose(text) == markdown


def test_a_bar_is_escaped_in_a_table_only() -> None:
    assert code("a | b") == "`a | b`"
    assert list(table(("x",), [[code("a | b")]]))[-1] == "| `a \\| b` |"
