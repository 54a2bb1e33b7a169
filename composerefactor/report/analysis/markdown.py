"""An analysis as a Markdown document, to be committed or put on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.analysis import Analysis
from composerefactor.report.analysis.model import Listing, Section, Table
from composerefactor.report.analysis.summary import sections
from composerefactor.report.html.graph import LEGEND, topology_mermaid

_SPECIAL = re.compile(r"([\\*_\[\]<>#|~])")
_NUMBERED = re.compile(r"[0-9]+\. ")
_CODE = re.compile(r"`[^`]*`")


def analysis_markdown(analysis: Analysis) -> str:
    """Return the document: a table of contents, then every section."""
    found = [each for each in sections(analysis) if not each.is_empty or each.empty]
    lines = [f"# Docker Compose architecture: {_text(analysis.architecture.name)}", ""]
    lines += ["Written by `composerefactor analyze`; secrets are masked.", ""]
    lines += [f"- [{each.title}](#{_anchor(each.title)})" for each in found]
    for each in found:
        lines += ["", f"## {each.title}", ""]
        if each.intro:
            lines += [_text(each.intro), ""]
        main = analysis.architecture.main
        if each.id == "topology" and main is not None and main.services:
            lines += ["```mermaid", topology_mermaid(main).rstrip(), "```", "", LEGEND, ""]
        lines += _body(each)
        while lines[-1] == "":
            lines.pop()
    return "\n".join(lines) + "\n"


def _body(section: Section) -> Iterator[str]:
    if section.is_empty:
        yield section.empty
        return
    for part in section.parts:
        if isinstance(part, Table) and part.rows:
            yield from _titled(part.title)
            yield from _table(part)
        elif isinstance(part, Listing) and part.lines:
            yield from _titled(part.title)
            yield from _listing(part)


def _titled(title: str) -> Iterator[str]:
    if title:
        yield f"### {_text(title)}"
        yield ""


def _table(part: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(_text, part.columns))} |"
    yield f"|{' --- |' * len(part.columns)}"
    for row in part.rows:
        yield f"| {' | '.join(map(_cell, row))} |"
    yield ""


def _listing(part: Listing) -> Iterator[str]:
    if part.code:
        longest = max((len(m) for line in part.lines for m in re.findall("`+", line)), default=0)
        fence = "`" * max(3, longest + 1)
        yield f"{fence}text"
        yield from part.lines
        yield fence
    else:
        mark = "- [ ] " if part.checks else "- "
        yield from (f"{'' if _NUMBERED.match(line) else mark}{_text(line)}" for line in part.lines)
    yield ""


def _cell(text: str) -> str:
    """Return *text* for a cell: a bar divides cells even where code is marked."""
    return _text(" ".join(text.split()), bar=r"\|")


def _text(text: str, bar: str = "|") -> str:
    """Return *text* with everything escaped that Markdown would take for a mark, but code."""
    parts, at = [], 0
    for match in _CODE.finditer(text):
        parts += [_SPECIAL.sub(r"\\\1", text[at : match.start()]), match[0].replace("|", bar)]
        at = match.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\1", text[at:])])


def _anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
