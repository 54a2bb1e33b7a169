"""Text that knows where each of its characters is written in a file.

A :class:`LocatedText` is a str. Parts of it are LocatedTexts, too, so that the readers of this
package work alike on text with and without offsets, and what they return can be rewritten where it
is written. An operation that is not defined here returns a str without offsets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Self, SupportsIndex, overload

NO_OFFSET = -1
"""The offset of a character that is not written in the file."""


class LocatedText(str):
    """A text with offsets; equal to the str with the same characters.

    Attributes:
        starts: For each character the offset where it is written. In the value of a variable that
            is in the definition, in a mark for an unknown value the reference itself.
        ends: For each character the offset after it. For the value of a variable that is the end of
            the reference, the outermost of several.
        start: The offset where the text begins, including a quote.
        end: The offset where it ends, including a quote.
    """

    __slots__ = ("end", "ends", "start", "starts")

    starts: Sequence[int]
    ends: Sequence[int]
    start: int
    end: int

    def __new__(
        cls,
        text: str,
        starts: Sequence[int],
        ends: Sequence[int],
        span: tuple[int, int] | None = None,
    ) -> Self:
        """Return *text* with *starts* and *ends*; *span* are its start and end."""
        located = super().__new__(cls, text)
        located.starts, located.ends = starts, ends
        inner = (starts[0], ends[-1]) if starts else (NO_OFFSET, NO_OFFSET)
        located.start, located.end = inner if span is None else span
        return located

    @classmethod
    def of_file(cls, text: str) -> Self:
        """Return the content *text* of a file; a byte-order mark is not counted."""
        first = -text.startswith("\ufeff")
        size = first + len(text)
        return cls(text, range(first, size), range(first + 1, size + 1))

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> str: ...
    @overload
    def __getitem__(self, key: slice, /) -> LocatedText: ...
    @overload
    def __getitem__(self, key: SupportsIndex | slice, /) -> str: ...

    def __getitem__(self, key: SupportsIndex | slice, /) -> str:
        part = super().__getitem__(key)
        if not isinstance(key, slice):
            return part
        first, last, step = key.indices(len(self))
        if (first, last, step) == (0, len(self), 1):
            return self
        starts, ends = self.starts[key], self.ends[key]
        if not part:
            return LocatedText("", starts, ends)
        # A quote before the first character belongs to the part: of -f"x" the value is "x".
        start = self.ends[first - 1] if first else self.start
        end = self.end if last >= len(self) else ends[-1]
        return LocatedText(part, starts, ends, (start, end))

    def lstrip(self, chars: str | None = None, /) -> LocatedText:
        """As :meth:`str.lstrip`."""
        return self[len(self) - len(super().lstrip(chars)) :]

    def rstrip(self, chars: str | None = None, /) -> LocatedText:
        """As :meth:`str.rstrip`."""
        return self[: len(super().rstrip(chars))]

    def strip(self, chars: str | None = None, /) -> LocatedText:
        """As :meth:`str.strip`."""
        return self.lstrip(chars).rstrip(chars)

    def removeprefix(self, prefix: str, /) -> LocatedText:
        """As :meth:`str.removeprefix`."""
        return self[len(self) - len(super().removeprefix(prefix)) :]

    def removesuffix(self, suffix: str, /) -> LocatedText:
        """As :meth:`str.removesuffix`."""
        return self[: len(super().removesuffix(suffix))]

    def partition(self, separator: str, /) -> tuple[LocatedText, LocatedText, LocatedText]:
        """As :meth:`str.partition`."""
        at = self.find(separator)
        if at < 0:
            return self, self[:0], self[:0]
        end = at + len(separator)
        return self[:at], self[at:end], self[end:]

    def split(self, separator: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        """As :meth:`str.split`."""
        parts: list[str] = []
        at = 0
        for part in super().split(separator, maxsplit):
            at = self.index(part, at)
            parts.append(self[at : at + len(part)])
            at += len(part) + len(separator or "")
        return parts


def joined(separator: str, parts: Iterable[str]) -> str:
    """Return *parts* joined by *separator*, with the offsets of those that have any."""
    texts = list(parts)
    if not any(isinstance(text, LocatedText) for text in texts):
        return separator.join(texts)
    starts: list[int] = []
    ends: list[int] = []
    for number, text in enumerate(texts):
        if number:
            starts += [NO_OFFSET] * len(separator)
            ends += [NO_OFFSET] * len(separator)
        if isinstance(text, LocatedText):
            starts += text.starts
            ends += text.ends
        else:
            starts += [NO_OFFSET] * len(text)
            ends += [NO_OFFSET] * len(text)
    return LocatedText(separator.join(texts), starts, ends)


def replaced(
    pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str | None], text: str
) -> str:
    """Return *text* with each match of *pattern* replaced; one with the replacement None stays.

    A replacement without offsets is located where the match is written. One with offsets keeps
    its starts, and ends where the match ends.
    """
    if not isinstance(text, LocatedText):
        return pattern.sub(lambda match: _or_same(replacement(match), match), text)
    parts: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        new = replacement(match)
        start, end = match.span()
        if new is None or start == end:
            continue
        parts.append(text[at:start])
        at = end
        whole = text[start:end]
        size = len(new)
        starts = new.starts if isinstance(new, LocatedText) else [whole.starts[0]] * size
        parts.append(LocatedText(new, starts, [whole.ends[-1]] * size))
    return joined("", [*parts, text[at:]]) if parts else text


def part(match: re.Match[str], group: int | str) -> str:
    """Return what *group* of *match* matches, with offsets where the searched text has them."""
    return match.string[slice(*match.span(group))]


def _or_same(replacement: str | None, match: re.Match[str]) -> str:
    return match.group() if replacement is None else replacement
