"""What comments of a file say: groups of services, a generated file, blocks that must not move.

``# ---- DATA ----`` above several services is a group that the owner made. A title above each
single service (``# --- redis ---`` above ``redis``) is none.
:mod:`composerefactor.yaml.comments` says what a banner is.

A change to a file that a program writes is lost when it is generated again.

A text of a file has readers other than Docker Compose: a script that greps for a key, a person who
follows a comment and changes an alias. An ``x-`` block must stay where such a comment says so.

A licence at the top of a file is about its text, wherever that goes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby, takewhile
from textwrap import shorten

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.errors import Location
from composerefactor.yaml.comments import Region, Title, comment_spans, titles
from composerefactor.yaml.nodes import Node, ScalarNode, children, value_of, walk
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import scalar_text

_MIN_COMMON = 3
_MAX_NAME_WORDS = 4
_MAX_TITLE_WORDS = 6
_NUMBER = (
    r"(?i)^(?:(?:begin|start)\s+(?:of\s+)?|(?:(?:section|part|layer|tier|phase|stage|group|block)\s+)?\(?(?:\d+|[ivx]+)"
    r"(?:[.)]+\s*|\s*[:|\u2013—-]\s+))"
)
_REMARK = r"\s*[(\[{|].*|\s*:\s.*|\s+[-\u2013—]+\s.*"
_GENERAL = r"(?i)^(?:services?|containers?|stack|docker)\s+[-\u2013—:]+\s+(?=\w)"
_NOTE = r"(?i)(?:todo|fixme|xxx|hack|note|warning|important|see|disabled)\b"
_END = r"(?i)(?:end|ende|eof)\b"


class ServiceSection(Struct, frozen=True):
    """A run of services below one banner.

    Attributes:
        title: The first line of the banner's text, without ``#`` and rulers.
        name: A short kebab-case name for a module, such as ``data-stores``; "" where the title
            does not provide one. Several sections can have the same name.
        start: Offset of the first line of the banner.
        end: Offset just after the last line of the banner. Notes below it are not part of it.
        services: The names of the services below it, up to the next banner, in order.
    """

    title: str
    name: str
    start: int
    end: int
    services: tuple[str, ...]


def service_sections(file: ComposeFile) -> list[ServiceSection]:
    """Return the groups of services that the banners of *file* make, in order.

    Services above the first banner are in no section. The result is [] if there is no banner, if
    one banner is above all services, or if the banners are titles of single services.
    """
    above = _titles_above(file)
    ruled = [(title, index) for title, index in above if title.style]
    sections = _without_single_titles(file, ruled)
    if not sections:
        plain = [(title, index) for title, index in above if not title.style]
        plain = [each for each in plain if _is_title(each[0].text)]
        sections = _without_single_titles(file, plain) if len(plain) > 1 else []
    if len(sections) == 1 and len(sections[0].services) == len(file.regions_in("services")):
        return []
    return sections


def _titles_above(file: ComposeFile) -> list[tuple[Title, int]]:
    """Return the titles between the services of *file*, each with the index of the next service.

    A ruler without text ends a section, unless such rulers are everywhere.
    """
    section = (file.sections or {}).get("services")
    regions = list(file.regions_in("services").values())
    if section is None or not regions:
        return []
    column = file.source.column(regions[0].entry.start)
    found = []
    at = file.source.next_line(section.region.key)
    for index, region in enumerate(regions):
        found += [(title, index) for title in titles(file.source, at, region.key, column)]
        at = region.tail
    with_text = [(title, index) for title, index in found if title.text]
    are_separators = (len(found) - len(with_text)) * 2 > len(with_text)
    return with_text if are_separators else found


def _without_single_titles(
    file: ComposeFile, found: list[tuple[Title, int]]
) -> list[ServiceSection]:
    """Return the sections of the banners *found*, without styles that are titles of services."""
    while True:
        sections = [
            each for each in _sections(file, found) if each.title and not re.match(_END, each.title)
        ]
        styles = {title.start: title.style for title, _ in found}
        single = {
            style
            for style, members in _by_style(sections, styles).items()
            if _are_single_titles(file, members)
        }
        if not single:
            return sections
        found = [(title, index) for title, index in found if title.style not in single]


def _by_style(
    sections: list[ServiceSection], styles: dict[int, str]
) -> dict[str, list[ServiceSection]]:
    ordered = sorted(sections, key=lambda section: styles[section.start])
    return {
        style: list(members)
        for style, members in groupby(ordered, key=lambda section: styles[section.start])
    }


def _sections(file: ComposeFile, found: list[tuple[Title, int]]) -> list[ServiceSection]:
    """Return a section for the last title above each service, up to the next title."""
    names = tuple(file.regions_in("services"))
    last = {index: title for title, index in found}
    stops = [*last, len(names)][1:]
    return [
        ServiceSection(title.text, _name(title.text), title.start, title.end, names[index:stop])
        for (index, title), stop in zip(last.items(), stops, strict=True)
    ]


def _are_single_titles(file: ComposeFile, sections: list[ServiceSection]) -> bool:
    """Return whether *sections* are no groups: most of them have one service.

    They are no groups either if most of the services are alone in their section, or if most of the
    titles above one service have a word of its name. A service and its own helpers, as ``feed`` and
    ``feed-worker``, are one.
    """
    singles = [section for section in sections if _is_of_one(section)]
    grouped = sum(len(section.services) for section in sections if section not in singles)
    if len(singles) > grouped:
        return True
    titled = [section for section in singles if _is_titled_like(file, section)]
    return len(singles) * 2 > len(sections) and len(titled) * 2 > len(singles)


def _is_of_one(section: ServiceSection) -> bool:
    """Return whether *section* has one service, or several whose first word is in its title."""
    if len(section.services) == 1:
        return True
    first = {re.split(r"[-_.]", name.lower())[0] for name in section.services}
    return len(first) == 1 and first <= _words(section.title)


def _is_titled_like(file: ComposeFile, section: ServiceSection) -> bool:
    """Return whether the title of *section* has a word of its service's name or image."""
    service = section.services[0]
    body = file.services.get(service)
    named = _words(service) | _words(_image_name(body))
    return any(
        word == other
        or (len(word) >= _MIN_COMMON <= len(other) and (word in other or other in word))
        for word in _words(section.title)
        for other in named
    )


def _image_name(body: Node | None) -> str:
    image = scalar_text(value_of(body, "image")) or ""
    return image.rpartition("/")[2].partition(":")[0]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.lower()))


def _is_title(text: str) -> bool:
    """Return whether *text*, a line without a ruler, reads as a title and not as a sentence."""
    is_short = len(text.split()) <= _MAX_TITLE_WORDS
    return is_short and text[-1] not in ".;,!?" and "://" not in text and not re.match(_NOTE, text)


def _name(title: str) -> str:
    """Return *title* as a short kebab-case name; "" for a sentence or one without ASCII letters.

    ``Workers - Consumers`` gives ``workers``, and ``Services - APIs``, where the first word says
    nothing, ``apis``.
    """
    text = re.sub(_NUMBER, "", re.sub(r"^[^\w(]+", "", title), count=1)
    plain = re.sub(_REMARK, "", re.sub(_GENERAL, "", text, count=1))
    plain = unicodedata.normalize("NFKD", plain)
    if any(char.isalpha() and not char.isascii() for char in plain):
        return ""  # the other words alone would say something else
    words = re.findall(r"[a-z0-9]+", plain.lower().replace("'", ""))
    if len(words) > _MAX_NAME_WORDS or not any(word.isalpha() for word in words):
        return ""
    return "-".join(words)


_HEAD = 60
"""Lines in which the note is searched, at most; licences are longer than one expects."""

_DECORATION = r"^[#!\s*=~<>|/-]{0,200}"
_FILE = (
    r"(?:this|the\s+contents?\s+of\s+this\s+file|(?:docker-)?compose[\w.-]{0,60}\.ya?ml)"
    r"(?:\s+(?:docker|compose|docker-compose|stack|yaml|config\w*|file|document|manifest)){0,3}"
)
_BY_A_PROGRAM = (
    r"(?:(?:auto|machine|computer|programmatically|automatically)[\s-]*)?(?:re-?)?generated\b"
    r"|(?:automatically|programmatically)\s+(?:created|produced|written|built|rendered|managed)\b"
    r"|(?:created|produced|written|built|rendered|managed)\s+(?:automatically|programmatically)\b"
    r"|rendered\s+(?:by|from|with)\b"
)
_TOOL = r"(?:ansible|puppet|chef|salt(?:stack)?|terraform|cfengine|chezmoi|nix|home-manager)"
_NOTES = (
    rf"(?i)\b{_FILE}\s+(?:is|was|has\s+been|gets|will\s+be)\s+(?:(?:an?|being|always|fully)\s+){{0,2}}"
    rf"(?:{_BY_A_PROGRAM})"
    # AUTO-GENERATED, Generated by ..., GENERATED FILE
    r"|^(?:auto|machine|computer|automatically)[\s-]*generated\b"
    r"|^(?:code\s+|file\s+|re-?)?generated\s+(?:automatically\s+)?"
    r"(?:by|from|with|using|via|on|at|file|code|compose|docker|yaml|config\w*)\b"
    r"|^generated\W{0,20}$"
    r"|(?:^|\s)@generated\b"
    # GENERATED - DO NOT EDIT, in either order
    r"|\bgenerated\b.{0,80}\b(?:do\s+not|don['\u2019]?t|never)\s+(?:edit|modify|change|touch)\b"
    r"|\b(?:do\s+not|don['\u2019]?t|never)\s+(?:edit|modify|change|touch)\b.{0,80}\bgenerated\b"
    # Manual changes will be overwritten
    r"|\b(?:any|all|manual|your|local)\s+(?:changes|edits|modifications)"
    r"(?:\s+(?:made\s+)?(?:here|to\s+(?:this|the)\s+file|by\s+hand|manually)){0,2}"
    r"\s+(?:will|may|would|get)\s+(?:be\s+)?(?:lost|overwritten|discarded|reverted)\b"
    # Ansible managed
    rf"|\b{_TOOL}[\s-]managed\b|\bmanaged\s+by\s+{_TOOL}\b"
)
_NOTE_WORDS = [
    "generated",
    "automatically",
    "programmatically",
    "rendered",
    "managed",
    "changes",
    "edits",
    "modifications",
]
"""What is in every such note; most comments have none of it."""

_LICENCE = re.compile(
    r"(?i)SPDX-\w|\bcopyright\b|\blicen[cs]ed\b|\blimitations\s+under\s+the\s+licen[cs]e\b"
)
"""What is in the lines of a licence header, also in its last one."""

_LONGEST_LICENCE = 5
"""A licence of more lines would be a large part of the text of a short file."""

_KEEP_OUT = (
    r"(?i)\b(?:do\s+not|don['\u2019]?t|never)\s+(?:edit|modify|change|touch)\b"
    r"(?=\s*(?:$|[:.!,;(\u2013\u2014-]|(?:this|the)\s+(?:[\w-]+\s+)?file\b"
    r"|(?:it\b|by\s+hand|manually|directly|here\b)))"
)
"""Of a comment about the whole file: that nobody should edit it."""

_DENIED = r"(?i)\b(?:not|never)\s+(?:auto\w*[\s-]*)?generated\b"


def licence_header(source: Source) -> str:
    """Return the lines of the licence at the top of *source*; ``""`` where none is, or a long one.

    What the first comment says above and below the licence is about the file.
    """
    lines = source.text.removeprefix("---").lstrip("\r\n").splitlines(keepends=True)
    comment = list(takewhile(lambda line: line.startswith("#"), lines))
    found = [n for n, line in enumerate(comment) if _LICENCE.search(line)]
    header = comment[found[0] : found[-1] + 1] if found else []
    return "".join(header) if len(header) <= _LONGEST_LICENCE else ""


def generated_note(file: ComposeFile) -> Location | None:
    """Return the line above the services of *file* that says that it is generated, or None."""
    lines = dict(_comments_about_file(file))
    for number, own in lines.items():
        text = f"{own} {lines[number + 1]}" if number + 1 in lines else own
        if not any(word in text.lower() for word in _NOTE_WORDS):
            continue
        match = re.search(_NOTES, text)
        if match and match.start() < len(own) and not re.search(_DENIED, text):
            return Location(file.path, number)
    return None


def notes_against_edits(files: Iterable[ComposeFile]) -> Iterator[str]:
    """Yield for each of *files* what its first comment says against edits by hand, if it does."""
    for file in files:
        note = generated_note(file)
        if note is not None:
            yield f"{note} says that the file is generated: change what generates it, too"
            continue
        for number, text in _comments_about_file(file):
            if re.search(_KEEP_OUT, text):
                where = Location(file.path, number)
                yield f"{where} says: {shorten(text.strip(), 100, placeholder=' ...')}"
                break


def _comments_about_file(file: ComposeFile) -> Iterator[tuple[int, str]]:
    """Yield the comments above the services of *file*, without decoration, by number of line.

    Only those that begin in the first column count, since others are about a part of the file.
    """
    services = file.root.entry("services")
    end = services.start if services is not None else len(file.source.text)
    for number, line in enumerate(file.source.text[:end].splitlines()[:_HEAD], start=1):
        if line.startswith("#"):
            yield number, re.sub(_DECORATION, "", line, count=1)[:500]


_ALIAS = r"(?<![\w*])\*([\w.-]*\w)(?!\*)"
_PROGRAM = (
    r"(?i)\b(?:ansible|puppet|terraform|jenkins|playbooks?|(?<!entrypoint )(?<!init )scripts?"
    r"|(?-i:CI)|pipelines?|workflows?|makefile|github|gitlab|renovate|dependabot|linters?"
    r"|generators?|installer|sed|awk|yq|jq)\b"
    r"|(?<![\w./-])(?!\S*entrypoint)[\w./-]+\.(?:sh|py|js|ts|rb|pl|ps1|mk|bat)\b"
)
_READS = (
    r"(?i)\b(?:pars|read|look(?:ing)? (?:for|up)|search|us|need|expect|import|extract|scan|check"
    r"|edit|patch|rewrit|replac|reli|rely|depend|break)(?:e?s)?\b"
)
_THIS = r"(?i)\b(?:this|these|them|it|keys?|blocks?|sections?|names?|x-[\w-]+)\b"
_GREPS = r"(?i)\bgrep(?:s|ped|ping)?\b"
_BY = (
    r"(?i)\b(?:used|read|parsed|needed|consumed|expected|referenced|required|extracted|imported|patched"
    r"|edited|rewritten|updated|managed|scanned|checked|looked (?:up|for)|searched(?: for)?)"
    r"\s+(?:\w+\s+)?by\s+(.+)"
)
_SERVICES = (
    r"(?i)\b(?:services?|containers?|apps?|applications?|all|every(?:thing)?|each|most|both|several|many"
    r"|others?|these|them|below|docker|compose)\b"
)
_FORBIDDEN = (
    r"(?i)\b(?:do not|don['\u2019]?t|never|must not|should not)\s+(?:\w+\s+)?\W?"
    r"(?:rename|move|remove|delete|clean|touch|change|edit|reformat|reorder|inline|refactor|split"
    r"|copy|duplicate|merge)\b"
    r"|\b(?:keep|leave|must (?:be|stay|remain)|has to (?:be|stay)|have to (?:be|stay))\b[^,]{,30}?"
    r"\b(?:here|in this file|at the top|on top|in place|where (?:it|they) (?:is|are)|untouched)\b"
)
_SENTENCE = r"(?s).+?(?:[.;!?](?=\s)|\n\n|\Z)"
_RULER = r"[-=#*~_+─━═]{3,}"
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
    anchors = {node.anchor for node in file.tree.marked_in(0, file.root.end)} - {*own, None}
    for paragraph in _paragraphs(file) if anchors else ():
        for alias in re.finditer(_ALIAS, paragraph.text):
            if alias[1] in anchors and _is_own(file, region, paragraph):
                yield alias[1], _place(file, paragraph, alias.start())


def _is_own(file: ComposeFile, region: Region, paragraph: _Paragraph) -> bool:
    """Return whether *paragraph* is a comment on *region*: inside it, or directly above."""
    is_directly_above = file.source.next_line(paragraph.last) == region.key
    return is_directly_above or region.lead <= paragraph.at < region.end


@lru_cache(maxsize=8)  # one call for each block of a file
def _paragraphs(file: ComposeFile) -> list[_Paragraph]:
    """Return the comments of *file*, those on consecutive lines of their own together."""
    source = file.source
    found: list[_Paragraph] = []
    for start, end in comment_spans(source, (file.root,), 0, file.document_end):
        column = source.column(start)
        text = source.text[start:end].lstrip("#").strip()
        without_rulers = re.sub(_RULER, "", text).strip()
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
    for sentence in re.finditer(_SENTENCE, paragraph.text):
        text = sentence[0]
        at = _place_of_reader(file, text)
        if at >= 0:
            place = _place(file, paragraph, sentence.start() + at)
            return f"a comment says that something looks for it ({place})"
        forbidden = re.search(_FORBIDDEN, text)
        if forbidden:
            place = _place(file, paragraph, sentence.start() + forbidden.start())
            return f"a comment says to leave it as it is ({place})"
    return ""


def _place_of_reader(file: ComposeFile, sentence: str) -> int:
    """Return where *sentence* says that a text is looked for, not by a service; else -1."""
    greps = re.search(_GREPS, sentence)
    if greps:
        return greps.start()
    program = re.search(_PROGRAM, sentence)
    if program and re.search(_READS, sentence) and re.search(_THIS, sentence):
        return program.start()
    passive = re.search(_BY, sentence)
    if passive and (re.search(_PROGRAM, passive[1]) or not _is_in_file(file, passive[1])):
        return passive.start()
    return -1


def _is_in_file(file: ComposeFile, words: str) -> bool:
    """Return whether *words* mean services, or have a word of a name or a value of *file*."""
    if re.search(_SERVICES, words):
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
