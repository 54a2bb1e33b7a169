from __future__ import annotations

import pytest

from composerefactor.errors import InputError
from composerefactor.yaml.source import MAX_BYTES, Source


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a",
        b"a\n",
        b"a\r\nb\n",
        b"\xef\xbb\xbfa: b\r\n",
        b"\xef\xbb\xbf",
        "é😀".encode(),
        b"\r\r",
    ],
)
def test_encode_reverses_decode(data: bytes) -> None:
    source = Source.decode("compose.yaml", data)
    assert source.encode(source.text) == data


def test_the_byte_order_mark_is_not_part_of_the_text() -> None:
    source = Source.decode("compose.yaml", b"\xef\xbb\xbfa: b\n")
    assert (source.text, source.has_bom) == ("a: b\n", True)
    assert source.encode("c") == b"\xef\xbb\xbfc"


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"a: b\nc: \xff\n", 2, "byte 0xff"),
        (b"a\0", 1, "NUL"),
        (b"a: b\nc\0", 2, "NUL"),
        ("a: b".encode("utf-16"), 1, "UTF-8"),
        (b"\xed\xa0\x80", 1, "UTF-8"),
        pytest.param(b"#" * (MAX_BYTES + 1), 0, "too large", id="too-large"),
    ],
)
def test_content_that_is_not_text(data: bytes, line: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Source.decode("compose.yaml", data)
    assert caught.value.location is not None
    assert caught.value.location.line == line
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("", [0]),
        ("a", [0]),
        ("a\n", [0]),
        ("a\nb", [0, 2]),
        ("a\r\nb\r\n", [0, 3]),
        ("\n\n", [0, 1]),
        ("a\rb", [0]),
    ],
)
def test_line_starts(text: str, starts: list[int]) -> None:
    assert Source("compose.yaml", text).line_starts == starts


def test_line_numbers_and_columns() -> None:
    source = Source("compose.yaml", "ab\r\n  cd\nef")
    at = source.text.index("d")
    assert source.line_index(at) == 1
    assert source.line_number(at) == 2
    assert source.line_start(at) == 4
    assert source.next_line(at) == 9
    assert source.next_line(len(source.text)) == len(source.text)
    assert source.column(at) == 3
    assert source.line(0) == "ab"
    assert source.line(at) == "  cd"
    assert source.line(len(source.text)) == "ef"
    assert str(source.location(at)) == "compose.yaml:2"


@pytest.mark.parametrize(
    ("text", "newline"),
    [("", "\n"), ("a", "\n"), ("a\r\n", "\r\n"), ("a\r\nb\nc\r\n", "\r\n"), ("a\r\nb\n", "\n")],
)
def test_newline(text: str, newline: str) -> None:
    assert Source("compose.yaml", text).newline == newline
