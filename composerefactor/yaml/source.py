"""The exact text of one file: byte-order mark, line ends, and conversion of offsets to lines."""

from __future__ import annotations

import bisect
from functools import cached_property

from msgspec import Struct

from composerefactor.errors import InputError, Location

BOM = "\ufeff"
MAX_BYTES = 8 * 1024 * 1024


class Source(Struct, frozen=True, dict=True):
    """A decoded file.

    Offsets count characters of *text*. :meth:`encode` returns the bytes of a new text in this
    file's encoding.

    Attributes:
        path: The path, relative to the project root.
        text: The content without the byte-order mark. Line ends are unchanged.
        has_bom: True if the file begins with a byte-order mark.
    """

    path: str
    text: str
    has_bom: bool = False

    def __repr__(self) -> str:  # without the text
        return f"Source({self.path!r})"

    @classmethod
    def decode(cls, path: str, data: bytes) -> Source:
        """Decode *data*, the content of *path*.

        Raises InputError for content that is not UTF-8 text, and for more than MAX_BYTES.
        """
        if len(data) > MAX_BYTES:
            raise InputError(
                f"the file is too large: {len(data):,} bytes, more than {MAX_BYTES:,}",
                location=Location(path),
                remedy="name the Compose file with -f if this is not one",
            )
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"not a text file: byte 0x{data[error.start]:02x} is not UTF-8",
                location=Location(path, line),
                remedy="save the file as UTF-8",
            ) from None
        if "\0" in text:
            raise InputError(
                "not a text file: it contains a NUL byte",
                location=Location(path, text.count("\n", 0, text.index("\0")) + 1),
                remedy="save the file as UTF-8",
            )
        has_bom = text.startswith(BOM)
        return cls(path, text.removeprefix(BOM), has_bom)

    def encode(self, text: str) -> bytes:
        """Return the bytes to write if *text* is to be the new content of this file."""
        return ((BOM if self.has_bom else "") + text).encode("utf-8")

    @cached_property
    def line_starts(self) -> list[int]:
        """Offsets at which lines begin. LF ends a line, as in YAML after CRLF folding."""
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        if starts[-1] == len(self.text) and len(starts) > 1:
            starts.pop()
        return starts

    @cached_property
    def newline(self) -> str:
        """The line end that most lines of this file use."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"

    def line_index(self, offset: int) -> int:
        """Return the index, from 0, of the line that contains *offset*."""
        return bisect.bisect_right(self.line_starts, offset) - 1

    def line_number(self, offset: int) -> int:
        """Return the number, from 1, of the line that contains *offset*."""
        return self.line_index(offset) + 1

    def line_start(self, offset: int) -> int:
        """Return the offset at which the line that contains *offset* begins."""
        at = self.text.rfind("\n", 0, offset) + 1
        return at if at < len(self.text) else self.line_starts[-1]

    def next_line(self, offset: int) -> int:
        """Return the offset just after the line that contains *offset*, line end included."""
        at = self.text.find("\n", offset)
        return len(self.text) if at < 0 else at + 1

    def column(self, offset: int) -> int:
        """Return the column, from 0, of *offset*."""
        return offset - self.line_start(offset)

    def line(self, offset: int) -> str:
        """Return the line that contains *offset*, without its line end."""
        return self.text[self.line_start(offset) : self.next_line(offset)].rstrip("\r\n")

    def location(self, offset: int) -> Location:
        """Return the path and line number of *offset*, for messages."""
        return Location(self.path, self.line_number(offset))
