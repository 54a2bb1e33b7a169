"""Comments that speak against a change: ``# no volume on purpose``, ``# do not restart it``.

A comment vetoes the changes of what it names (a volume, a limit ...) in the service, or in the
shared block, beside which it is written. Inside the value of an attribute it is about that
attribute alone. A comment above an entry that names nothing (``# do not touch``) vetoes every
change of the entry. A restart policy, a health check or volumes that are commented out veto others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.edit.operations import AddKey, AddLines, Nest, Share, WriteFile
from composerefactor.errors import Location
from composerefactor.refactoring.contract import Change
from composerefactor.yaml.comments import Region
from composerefactor.yaml.nodes import MappingNode, resolve

_TOPICS = {
    "restart": r"restart\w*",
    "healthcheck": r"health[ -]?checks?",
    "deploy": r"limits?|memory|cpus?|resources?",
    "volumes": r"volumes?|persist\w*|mounts?",
    "networks": r"networks?",
    "logging": r"logs?|logging|log rotation",
    "cap_drop": r"capabilit\w+|caps|harden\w*|root",
    "security_opt": r"privileges?|harden\w*|root|setuid",
    "read_only": r"read[ -]only|harden\w*",
    "ports": r"localhost|loopback|127\.0\.0\.1|bind\w*",
    "depends_on": r"wait\w*|depend\w*|conditions?",
    "environment": r"\.env|env file",
    "init": r"init",
    "version": r"version",
}
"""By attribute: the words by which a comment names it."""

_LEFT_OUT = re.compile(
    r"^[ \t]*#[ \t]*(healthcheck|restart|volumes)[ \t]*:(?![ \t]*[\"']?(?:no|false)\b)",
    re.MULTILINE,
)
"""An attribute that is commented out. Other attributes are seldom in comments against a change:
limits for GPUs, an example of a port or of another driver for logs.
"""

_NEGATION = r"(?:no|without|never|avoid|(?:do|does|must|should|can)(?: not|n't)|cannot)"
_INTENT = r"(?:on purpose|purposely|deliberate(?:ly)?|intentional(?:ly)?|by design)"
_IS_NEEDLESS = r"(?:(?:is |are )?(?:not (?:needed|wanted)|unnecessary|left out|omitted))"
_GENERAL = (
    rf"(?i)\b(?:do not|don't|never)\s+(?:change|edit|touch|modify|alter|add|remove)\b|\b{_INTENT}\b"
)
_IS_NEGATIVE = rf"(?i)\b(?:{_NEGATION}|{_INTENT}|{_IS_NEEDLESS})"
_ANY_TOPIC = "|".join(dict.fromkeys(_TOPICS.values()))
_NAMES_TOPIC = rf"(?i)\b(?:{_ANY_TOPIC}|ports?|images?|services?)\b"
_COMMENTED_OUT = r"(?:-\s|[\w.$\{\}/\"'<-]+\s*:(?:\s|$))"
_FOR_OUTSIDE = r"""(?ix)\b(?:
        (?:access|allow|connect|expos|open|publish|reach)\w*\b[^.;]{0,40}?
        \b(?:external(?:ly)?|(?:from|to)\s(?:the\s)?(?:outside|internet|world)|remote(?:ly)?|public(?:ly)?)
        |(?:external|remote|public)\s(?:access|clients?|connections?)
    )\b(?!\s(?:of\s)?(?:the\s)?(?:docker|container))"""
"""What a comment says of a port that the owner opens on purpose."""
_SENTENCE_END = r"(?<=[.;!?])\s+"


class _Comment(Struct, frozen=True):
    """A block of comment lines: its *text* in one line, and the *line* on which it begins."""

    text: str
    line: int


def veto(project: Project, change: Change, original: Project) -> str | None:
    """Return the comment that speaks against *change*, with its place; None if there is none.

    Args:
        project: The project as earlier changes leave it; *change* is planned for it.
        change: The change.
        original: The project as its owner wrote it. Comments that earlier changes added do not
            count.
    """
    attributes = _attributes(change)
    topics = [topic for name, topic in _TOPICS.items() if name in attributes]
    for file, region in _entries(project, change):
        for left_out in _LEFT_OUT.finditer(file.source.text, region.key, region.end):
            if left_out[1] in attributes:
                place = file.source.location(left_out.start(1))
                return f"{place} has {left_out[1]} commented out"
        owner = original.files.get(file.path)
        written = owner.source.text if owner is not None else ""
        for comment in _comments(file, region, attributes, written):
            is_above = comment.line <= file.source.line_index(region.key) + 1
            for sentence in re.split(_SENTENCE_END, comment.text):
                is_general = (
                    is_above
                    and re.search(_GENERAL, sentence)
                    and not re.search(_NAMES_TOPIC, sentence)
                )
                is_negative = re.search(_IS_NEGATIVE, sentence)
                is_open = "ports" in attributes and re.search(_FOR_OUTSIDE, sentence)
                is_rejected = is_negative and any(_rejects(sentence, t) for t in topics)
                if is_general or is_open or is_rejected:
                    return f'{Location(file.path, comment.line)} says "{sentence.strip()}"'
    return None


def _rejects(sentence: str, topic: str) -> bool:
    """Return whether *sentence* rejects *topic*, a pattern."""
    words = rf"\b(?:{topic})(?!\w)"
    pattern = (
        rf"\b{_NEGATION}\b(?!\s+(?:this|it|these|that)\b)(?:[\s\w'-]{{0,40}}?)\W{words}"
        rf"|{words}[^.;]{{0,40}}?\b(?:{_INTENT}|{_IS_NEEDLESS})"
    )
    return re.search(pattern, sentence, re.IGNORECASE) is not None


def _attributes(change: Change) -> set[str]:
    """Return the attributes that *change* is about."""
    attributes = {part for effect in change.effects for part in effect.path[2:3]}
    for edit in change.edits:
        if isinstance(edit, AddKey):
            attributes.add(edit.key)
            attributes.update(edit.value if isinstance(edit.value, dict) else ())
        if not isinstance(edit, AddLines | WriteFile | Nest | Share):
            attributes.update(str(step) for step in edit.path if isinstance(step, str))
    return attributes


def _entries(project: Project, change: Change) -> Iterator[tuple[ComposeFile, Region]]:
    """Yield the lines of each service and shared block that *change* is about, by file."""
    places: dict[tuple[str, str, str], None] = {}
    for edit in change.edits:
        if not isinstance(edit, AddLines | WriteFile | Nest | Share):
            section, *rest = map(str, edit.path or ("",))
            places[edit.file, section, rest[0] if rest else ""] = None
    for name in dict.fromkeys(e.service for e in change.effects if e.service):
        places |= {(f.path, "services", name): None for f in project.files.values()}
    for path, section, name in places:
        file = project.files.get(path)
        top_level = (file.sections or {}).get(section) if file is not None else None
        if file is None or top_level is None:
            continue
        if section in {"services", "volumes", "networks"}:
            if name in (top_level.entries or {}):
                yield file, file.regions_in(section)[name]
        else:
            yield file, top_level.region


def _comments(
    file: ComposeFile, region: Region, attributes: set[str], written: str
) -> Iterator[_Comment]:
    """Yield the comments in the lines of *region*; lines that follow each other are one.

    Those inside the value of an attribute are left out unless it is one of *attributes*, and so are
    those that the text *written* by the owner does not contain.
    """
    if "#" not in file.source.text[region.lead : region.end]:
        return
    first, last = file.source.line_index(region.lead), file.source.line_index(region.end - 1)
    body = resolve(region.entry.value)
    entries = body.entries if isinstance(body, MappingNode) and not body.flow else []
    names = {file.source.line_start(each.start): each.name or "" for each in entries}
    column = file.source.column(entries[0].start) if entries else len(file.source.text)
    block: list[str] = []
    start = 0
    inside = ""
    for index in range(first, last + 1):
        at = file.source.line_starts[index]
        inside = names.get(at, inside)
        line = file.source.text[at : file.source.next_line(at)]
        if "#" not in line and not block:  # most lines
            continue
        own = line.strip()
        indent = len(line) - len(line.lstrip())
        is_added = own.startswith("#") and own not in written
        if is_added or (indent > column and inside not in attributes):
            own = ""
        if own.startswith("#"):
            text = own.strip("# \t-=*")
            if not re.match(_COMMENTED_OUT, own.lstrip("# ")):
                start = start if block else index + 1
                block.append(text)
                continue
        if block:
            yield _Comment(" ".join(block), start)
            block = []
        _, mark, beside = line.partition(" #")
        if mark and own and not own.startswith("#"):
            yield _Comment(beside.strip("# \t\r\n"), index + 1)
    if block:
        yield _Comment(" ".join(block), start)
