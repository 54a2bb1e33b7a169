"""Comments that forbid to move or copy an ``x-`` block.

A text of a file has readers other than Docker Compose: a script that greps for a key, a person who
follows a comment and changes an alias. A block must stay where such a comment says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from textwrap import shorten

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.yaml.comments import Region, comment_spans
from composerefactor.yaml.nodes import Entry, ScalarNode, children, walk

_ALIAS = re.compile(r"(?<![\w*])\*([\w.-]*\w)(?!\*)")
_PROGRAM = re.compile(
    r"\b(?:ansible|puppet|terraform|jenkins|playbooks?|(?<!entrypoint )(?<!init )scripts?"
    r"|(?-i:CI)|pipelines?|workflows?|makefile|github|gitlab|renovate|dependabot|linters?"
    r"|generators?|installer|sed|awk|yq|jq)\b"
    r"|(?<![\w./-])(?!\S*entrypoint)[\w./-]+\.(?:sh|py|js|ts|rb|pl|ps1|mk|bat)\b",
    re.IGNORECASE,
)
_READS = re.compile(
    r"\b(?:pars|read|look(?:ing)? (?:for|up)|search|us|need|expect|import|extract|scan|check|edit"
    r"|patch|rewrit|replac|reli|rely|depend|break)(?:e?s)?\b",
    re.IGNORECASE,
)
_THIS = re.compile(
    r"\b(?:this|these|them|it|keys?|blocks?|sections?|names?|x-[\w-]+)\b", re.IGNORECASE
)
_GREPS = re.compile(r"\bgrep(?:s|ped|ping)?\b", re.IGNORECASE)
_BY = re.compile(
    r"\b(?:used|read|parsed|needed|consumed|expected|referenced|required|extracted|imported|patched"
    r"|edited|rewritten|updated|managed|scanned|checked|looked (?:up|for)|searched(?: for)?)"
    r"\s+(?:\w+\s+)?by\s+(.+)",
    re.IGNORECASE,
)
_SERVICES = re.compile(
    r"\b(?:services?|containers?|apps?|applications?|all|every(?:thing)?|each|most|both|several|many"
    r"|others?|these|them|below|docker|compose)\b",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b(?:do not|don['\u2019]?t|never|must not|should not)\s+(?:\w+\s+)?\W?"
    r"(?:rename|move|remove|delete|clean|touch|change|edit|reformat|reorder|inline|refactor|split"
    r"|copy|duplicate|merge)\b"
    r"|\b(?:keep|leave|must (?:be|stay|remain)|has to (?:be|stay)|have to (?:be|stay))\b[^,]{,30}?"
    r"\b(?:here|in this file|at the top|on top|in place|where (?:it|they) (?:is|are)|untouched)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r".+?(?:[.;!?](?=\s)|\n\n|\Z)", re.DOTALL)
_RULER = re.compile(r"[-=#*~_+─━═]{3,}")
_CLAUSE = re.compile(r"[,;:.!?](?=\s)\s*|[()]|[.!?]\Z|\n\n")
_LONG = 4
_MAX_QUOTE = 100


class _Paragraph(Struct, frozen=True):
    """Comments on consecutive lines, in one column.

    Attributes:
        text: The comments without their ``#``, one on each line.
        at: Offset of the first comment.
        last: Offset of the last comment.
        column: The column of the comments.
    """

    text: str
    at: int
    last: int
    column: int


def forbids_moving(file: ComposeFile, section_name: str) -> str:
    """Return why the ``x-`` block *section_name* must neither be moved nor copied, or "".

    A comment in the block that names another anchor of the file (``# change to *loki``) describes a
    switch for all who use the block. A comment above the block, on its key or at the top of its
    value may say that something looks for it, or not to move or change it. Comments anywhere in the
    file that name the block count, too; one that names other blocks only does not.
    """
    keys = {key for key in file.root_keys if key.startswith("x-")}
    section = (file.sections or {}).get(section_name)
    if section is None or section_name not in keys:
        return ""
    region = section.region
    body = next((node.outer_start for node in children(region.entry.value)), region.tail)
    for anchor, place in _named_anchors(file, region):
        return f"its comment names the anchor *{anchor} ({place})"
    for paragraph in _paragraphs(file):
        is_own = _is_own(file, region, paragraph)
        named = {
            key
            for key in keys
            if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", paragraph.text)
        }
        if section_name in named or (is_own and not named and paragraph.at < body):
            reason = _reason(file, paragraph)
            if reason:
                return reason
    return ""


def switch_of(file: ComposeFile, section_name: str) -> set[str]:
    """Return the anchors that the ``x-`` block *section_name* may be switched to.

    Those are the other anchors of the file that a comment in the block names. The switch works only
    as long as all of them are in one file with the block, and the block is nowhere else.
    """
    section = (file.sections or {}).get(section_name)
    return {anchor for anchor, _ in _named_anchors(file, section.region)} if section else set()


def _named_anchors(file: ComposeFile, region: Region) -> Iterator[tuple[str, str]]:
    """Yield the other anchors that comments on *region* name, each with the place."""
    own = {node.anchor for node in file.tree.marked_in(region.key, region.tail)}
    anchors = {node.anchor for node in file.tree.marked_in(0, file.root.end)} - own
    for paragraph in _paragraphs(file):
        for alias in _ALIAS.finditer(paragraph.text):
            if alias[1] in anchors and _is_own(file, region, paragraph):
                yield alias[1], _place(file, paragraph, alias.start())


def _is_own(file: ComposeFile, region: Region, paragraph: _Paragraph) -> bool:
    """Return whether *paragraph* is a comment on *region*: inside of it, or directly above."""
    is_directly_above = file.source.next_line(paragraph.last) == region.key
    return is_directly_above or region.lead <= paragraph.at < region.end


@lru_cache(maxsize=8)  # one call for each block of a file
def _paragraphs(file: ComposeFile) -> list[_Paragraph]:
    """Return the comments of *file*, those on consecutive lines of their own together."""
    source = file.source
    found: list[_Paragraph] = []
    for start, end in comment_spans(source, Entry(file.root, file.root), 0, file.document_end):
        column = source.column(start)
        text = source.text[start:end].lstrip("#").strip()
        without_rulers = _RULER.sub("", text).strip()
        if without_rulers != text:  # a title is a sentence of its own
            text = f"{without_rulers}." if without_rulers else ""
        last = found[-1] if found else None
        is_alone = not source.text[start - column : start].strip()
        if (
            last
            and is_alone
            and last.column == column
            and source.next_line(last.last) == start - column
        ):
            found[-1] = _Paragraph(f"{last.text}\n{text}", last.at, start, column)
        else:
            found.append(_Paragraph(text, start, start, column))
    return found


def _reason(file: ComposeFile, paragraph: _Paragraph) -> str:
    """Return why *paragraph* forbids to move the block that it is about, or ""."""
    for sentence in _SENTENCE.finditer(paragraph.text):
        text = sentence[0]
        at = _place_of_reader(file, text)
        if at >= 0:
            place = _place(file, paragraph, sentence.start() + at)
            return f"a comment says that something looks for it ({place})"
        forbidden = _FORBIDDEN.search(text)
        if forbidden:
            place = _place(file, paragraph, sentence.start() + forbidden.start())
            return f"a comment says to leave it as it is ({place})"
    return ""


def _place_of_reader(file: ComposeFile, sentence: str) -> int:
    """Return where *sentence* says that a text is looked for, not by a service; else -1."""
    greps = _GREPS.search(sentence)
    if greps:
        return greps.start()
    program = _PROGRAM.search(sentence)
    if program and _READS.search(sentence) and _THIS.search(sentence):
        return program.start()
    passive = _BY.search(sentence)
    if passive and (_PROGRAM.search(passive[1]) or not _is_in_file(file, passive[1])):
        return passive.start()
    return -1


def _is_in_file(file: ComposeFile, words: str) -> bool:
    """Return whether *words* mean services, or have a word of a name or a value of *file*."""
    if _SERVICES.search(words):
        return True
    values = {n.value.lower() for n in walk(file.root) if isinstance(n, ScalarNode)}
    names = set(file.services)
    return any(
        word in names or (len(word) >= _LONG and any(word in value for value in values))
        for word in re.findall(r"[\w-]+", words.lower())
    )


def _place(file: ComposeFile, paragraph: _Paragraph, offset: int) -> str:
    """Return the line of the file that contains *offset* of the paragraph, and the words there."""
    text = paragraph.text
    line = file.source.line_number(paragraph.at) + text.count("\n", 0, offset)
    start = max((match.end() for match in _CLAUSE.finditer(text, 0, offset)), default=0)
    stop = _CLAUSE.search(text, offset)
    words = " ".join(text[start : stop.start() if stop else len(text)].split())
    return f"line {line}: {shorten(words, _MAX_QUOTE, placeholder=' ...')}"
