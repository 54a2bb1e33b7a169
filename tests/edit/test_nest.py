"""Nest: entries keep their meaning one level deeper."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings

from composerefactor.compose.files import ComposeFile
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.operations import Nest
from composerefactor.errors import InputError, RefusedError
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.examples import examples
from support.yamltext import YamlText, yaml_documents

CASES = {
    "blocks of text, with spaces that count": (
        "a:\n  image: x\n  command: |+\n    one\n      \n     two\n\nb: {image: y,\n  tty: true}\n",
        (
            "services:\n  a:\n    image: x\n    command: |+\n      one\n        \n       two\n\n"
            "  b: {image: y,\n    tty: true}\n"
        ),
    ),
    "the header, and what is none of them": (
        "# shop\n\n# the site\na:\n    image: x  # pin\n#    tty: true\n\nvolumes:\n    d:\n",
        (
            "# shop\n\nservices:\n    # the site\n    a:\n        image: x  # pin\n"
            "    #    tty: true\n\nvolumes:\n    d:\n"
        ),
    ),
    "flow style in CRLF": (
        "---\r\n{a: {image: x}, b: {image: y}}\r\n",
        "---\r\n{services: {a: {image: x}, b: {image: y}}}\r\n",
    ),
}


def read(text: str) -> ComposeFile:
    return ComposeFile.of(parse(Source("", text)), repairable=True)


def value(text: str) -> Any:
    root = parse(Source("", text)).root
    assert root is not None
    return to_python(root)


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_nested(text: str, expected: str) -> None:
    names = tuple(entry.name or "" for entry in read(text).top_services)
    assert apply_edits(read(text), [Nest("", "services", names)]) == expected
    data = value(text)
    below = {name: data.pop(name) for name in names}
    assert value(expected) == {"services": below, **data}


def test_entries_that_are_not_adjacent_are_refused() -> None:
    file = read("a: {image: x}\nvolumes: {d: }\nb: {image: y}\n")
    with pytest.raises(RefusedError, match="adjacent"):
        apply_edits(file, [Nest("", "services", ("a", "b"))])


@settings(max_examples=examples(40, 300), deadline=None)
@given(yaml_documents())
def test_any_entry_keeps_its_meaning(written: YamlText) -> None:
    assume(isinstance(written.data, dict) and written.data)
    try:
        file = read(written.text)
        text = apply_edits(
            file, [Nest("", "below", tuple(e.name or "" for e in file.root.entries))]
        )
    except (InputError, RefusedError):
        assume(False)  # noqa: FBT003
    assert value(text) == {"below": written.data}
