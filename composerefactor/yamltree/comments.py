"""Finding comments in lines whose nodes are known."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.patterns import regex
from composerefactor.source import Source
from composerefactor.yamltree.nodes import Entry, Scalar, children

_FULL_LINE = regex(r"^[ \t]*#", re.MULTILINE)
_COMMENT = regex(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def comment_lines(text: str) -> int:
    """Return how many lines of a YAML text are comments and nothing else."""
    return len(_FULL_LINE.findall(text))


def lone_comments(text: str) -> list[str]:
    """Return the comments in lines that hold no node, each from its ``#`` on."""
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


def comments(source: Source, entry: Entry, start: int, end: int) -> list[str]:
    """Return the comments in the lines ``start:end`` of *entry*, each from its ``#`` on."""
    text = source.text[start:end]
    if "#" not in text:
        return []
    for node in _scalars(entry, start, end):
        begin = node.start - start
        # The first line of a block scalar may hold a comment behind its indicator.
        if node.style in {"|", ">"}:
            begin = text.find("\n", begin) + 1 or len(text)
        stop = max(min(node.end - start, len(text)), begin)
        text = text[:begin] + re.sub(r"[^\n]", " ", text[begin:stop]) + text[stop:]
    return [match[0].rstrip() for match in _COMMENT.finditer(text)]


def _scalars(entry: Entry, start: int, end: int) -> Iterator[Scalar]:
    """Yield the scalars of *entry* that begin in ``start:end``; nothing outside is looked at."""
    stack = [entry.value, entry.key]
    while stack:
        node = stack.pop()
        if node.outer_start >= end or node.end < start:
            continue
        if isinstance(node, Scalar):
            if node.start >= start:
                yield node
        else:
            stack.extend(reversed(list(children(node))))
