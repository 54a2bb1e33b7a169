"""Lines that are added to files of lines: env files, their examples, ``.gitignore``.

Such a file often has sections: paragraphs below a comment that is their heading. A new line must
not stand below the heading of something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from msgspec import Struct

_ENTRY = r"\s*(?:#\s?)?(?:export\s+)?(?P<name>\.?[A-Za-z_][\w.-]*)(?P<rest>.*)"
_OPEN_QUOTE = r"[^'\"]*=\s*(?:\"[^\"]*|'[^']*)"
_RULE = r"#\s*(?:[-=#*~_]\s?){3,}\s*"
_HEADING = r"(?P<lead>\s*#+[\s=*~-]*)(?P<title>.*?)(?P<trail>\s*[\s#=*~-]*)"

_TITLE = "Secrets"
"""The heading of new lines that belong to no section: all of them keep secrets."""


def with_lines(text: str, added: Sequence[str]) -> str:
    """Return *text*, a file of lines, with the lines *added*, each without its line end.

    A line goes below the entry whose name begins with the same words, as ``REDIS_PASSWORD`` below
    ``REDIS_PORT``; a commented-out entry counts. Other lines go to the end, with a heading of their
    own in the style of the file if the last entry there has one. Line ends stay.
    """
    if not text.strip():
        return "".join(f"{line}\n" for line in added)
    end = "\r" if "\r\n" in text else ""
    lines = text.split("\n")
    if lines[-1]:
        lines[-1:] = [f"{lines[-1]}{end}", ""]
    for line in added:
        at, new = _placed(lines, line)
        lines[at:at] = [f"{each}{end}" for each in new]
    return "\n".join(lines)


class _Paragraph(Struct, frozen=True):
    """The index of the first of some *lines* between blank ones."""

    start: int
    lines: list[str]

    @property
    def comments(self) -> list[str]:
        """The comments that it begins with, without commented-out entries."""
        count = next(
            (n for n, line in enumerate(self.lines) if _name(line) or not _is_comment(line)),
            len(self.lines),
        )
        return self.lines[:count]

    @property
    def entries(self) -> list[int]:
        """The indices of the lines that are entries, commented out or not, from the file's start.

        The first line of a value with several lines does not count.
        """
        return [
            self.start + n
            for n, line in enumerate(self.lines)
            if _name(line) and not re.fullmatch(_OPEN_QUOTE, line)
        ]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _name(line: str) -> str:
    """Return the name of the entry in *line*: a variable or a pattern; ``""`` for other lines."""
    match = re.fullmatch(_ENTRY, line)
    if match is None:
        return ""
    is_assignment = match["rest"].lstrip().startswith("=")
    is_pattern = not _is_comment(line) and not match["rest"].strip()
    return match["name"] if is_assignment or is_pattern else ""


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[._-]+", name.upper()) if word]


def _common_words(name: str, other: str) -> int:
    """Return with how many equal words *name* and *other* begin."""
    count = 0
    for word, same in zip(_words(name), _words(other), strict=False):
        if word != same:
            break
        count += 1
    return count


def _paragraphs(lines: list[str]) -> Iterator[_Paragraph]:
    """Yield the paragraphs of *lines*."""
    start = 0
    for n, line in enumerate([*lines, ""]):
        if not line.strip():
            if n > start:
                yield _Paragraph(start, lines[start:n])
            start = n + 1


def _placed(lines: list[str], added: str) -> tuple[int, list[str]]:
    """Return the index in *lines* at which the line *added* belongs, and what to insert there."""
    name = _name(added)
    first = _after_exceptions(lines, added)
    paragraphs = list(_paragraphs(lines))
    nearest: tuple[int, int, int, int] | None = None
    for paragraph in paragraphs:
        common = {at: _common_words(name, _name(lines[at])) for at in paragraph.entries}
        related = [at for at, count in common.items() if count and at >= first]
        for at in related:
            nearest = max(nearest or (0,) * 4, (common[at], len(related), -paragraph.start, at))
    if nearest is not None:
        return _after_comments(lines, nearest[-1] + 1), [added]
    section = _section(paragraphs)
    if section > first:
        return section, [added]
    end = max(n + 1 for n, line in enumerate(lines) if line.strip())
    heading = _heading(paragraphs)
    if heading:
        return end, ["", *heading, added]
    return end, ["", added] if _is_comment(lines[end - 1]) else [added]


def _after_exceptions(lines: list[str], added: str) -> int:
    """Return the index below the last line of *lines* that takes the pattern *added* back.

    In ``.gitignore``, ``!.env`` lets git see a file that a line above it ignores.
    """
    taken_back = [
        n
        for n, line in enumerate(lines)
        if line.startswith("!")
        and fnmatch(added.strip("/"), line[1:].strip().strip("/").rpartition("/")[2])
    ]
    return max(taken_back, default=-1) + 1


def _after_comments(lines: list[str], at: int) -> int:
    """Return the end of the paragraph around *at* if only comments follow there, else *at*.

    They are about the entry above them.
    """
    end = at
    while end < len(lines) and _is_comment(lines[end]) and not _name(lines[end]):
        end += 1
    return at if end < len(lines) and lines[end].strip() else end


def _section(paragraphs: list[_Paragraph]) -> int:
    """Return the index below the entries of the section that this module began, 0 without one."""
    for n, paragraph in enumerate(paragraphs):
        if any(_title(comment) == _TITLE.upper() for comment in paragraph.comments):
            content = (
                paragraph if paragraph.entries else paragraphs[min(n + 1, len(paragraphs) - 1)]
            )
            return content.start + len(content.lines)
    return 0


def _title(comment: str) -> str:
    """Return the words of a heading in upper case, without signs around them."""
    match = re.fullmatch(_HEADING, comment)
    return match["title"].upper() if match else ""


def _heading(paragraphs: list[_Paragraph]) -> list[str]:
    """Return a heading in the style of the one above the last entry; empty if there is none.

    The first paragraph is about the whole file if it has no entry.
    """
    last = next((n for n, p in reversed(list(enumerate(paragraphs))) if p.entries), None)
    if last is None:
        return []
    comments, gap = paragraphs[last].comments, []
    if not comments and last > 1 and not paragraphs[last - 1].entries:
        comments, gap = paragraphs[last - 1].comments, [""]
    if not comments:
        return []
    rules = [comment.rstrip() for comment in comments if re.fullmatch(_RULE, comment)]
    titles = [comment for comment in comments if not re.fullmatch(_RULE, comment)]
    style = re.fullmatch(_HEADING, titles[0]) if titles else None
    title = f"# {_TITLE}"
    if style is not None and len(titles) == 1:
        words = _TITLE.upper() if style["title"].isupper() else _TITLE
        title = f"{style['lead']}{words}{style['trail']}".rstrip()
    return [*rules[:1], title, *rules[1:2], *gap]
