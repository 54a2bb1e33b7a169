"""Commands in the comments of Compose files: how a file is used, as its author explains it.

Comments are prose, so that only these count: a command with ``-f``, options ``-f`` that name the
file and another one, a ``COMPOSE_FILE``, and a header that calls the file an override of another.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from composerefactor.discovery.files import Listing, TreeFacts
from composerefactor.discovery.resolve import named_files
from composerefactor.discovery.script import Line, Script, ancestors
from composerefactor.discovery.shell import ShellCall, calls
from composerefactor.yaml.comments import CommentLine, comment_lines

_YAML_SUFFIXES = (".yml", ".yaml")
_RELEVANT = r"(?i)compose|stack\s+deploy|\s-f\s|\.ya?ml"
_PROGRAM = (
    r"(?:(?<![\w./-])cd\s+[\w./-]{1,80}\s*(?:&&|;)\s*)?"
    r"(?:(?<![\w./-])[A-Za-z_]\w{0,80}=[^\s`]{0,200}\s+){0,4}"
    r"(?<![\w./-])(?:(?:docker|podman|nerdctl)(?:\.exe)?(?:\s+--?[\w=-]+){0,4}\s+compose"
    r"|(?:docker|podman)-compose(?:\.exe)?|docker\s+stack\s+(?:deploy|up))(?=\s)"
)
_DIRECTORY_CHANGE = r"(?:[$>%]\s+)?(cd\s+[\w./-]{1,80})"
_FILE_OPTION = r"(?:-f[ =]?|--file[ =])[^\s`'\"]{1,200}"
_FILE_OPTIONS = rf"(?<!\S)[`'\"(]?({_FILE_OPTION}(?:\s+{_FILE_OPTION})+)"
_SETTING = r"\bCOMPOSE_FILE\s?=\s?[\"']?([^\s\"'`]{1,400})"
_CONTINUED = r"(?:\s\\|\\|\s[`^])\s*$"
_MORE_OPTIONS = r"\s*(?:-f|--file|--profile|--env-file)[\s=]"
_THIS_FILE = r"(?i)(?<!\S)(-f|--file)[ =]<?this(?:[ _-]file)?>?(?![\w.])"
_OPTIONAL = r"\s?\[([^\[\]]{1,200})\]"
_PUNCTUATION = r"(\.ya?ml)[.,;:)]+(?=\s|$)"
_WINDOWS_SEPARATOR = r"(?<=[\w.])\\(?=[\w.])"
_OVERRIDE_OF = (
    r"(?i)\b(?:override|overlay)s?(?:\s+(?:file|layer))?(?:\s+(?:of|for|to|over))?"
    r"\s+(?:the\s+)?(?:base\s+)?"
    r"[`'\"]?(?P<base>[\w./-]{1,120}\.ya?ml)"
    r"|\bon\s+top\s+of\s+(?:the\s+)?(?:base\s+)?[`'\"]?(?P<below>[\w./-]{1,120}\.ya?ml)"
)
_NEGATED = r"(?i)\b(?:not|never|cannot|no longer|instead of|rather than)\b|n['\u2019]t\b"


def comment_calls(listing: Listing, facts: TreeFacts) -> list[ShellCall]:
    """Return the commands in the comments of Compose files, except for those that name no file.

    They run in the directory of the file, or in one above it.
    """
    scripts = (
        script
        for path in listing.paths
        if path.endswith(_YAML_SUFFIXES)
        and _may_explain(listing.read(path) or "")
        and facts.is_compose(path)
        and (tree := facts.tree(path)) is not None
        for script in _scripts(path, comment_lines(tree))
    )
    return [
        call
        for script in scripts
        for call in calls(script)
        if call.invocation is None or named_files(call.invocation)
    ]


def _may_explain(text: str) -> bool:
    """Return whether a comment of *text* may contain a command."""
    return "#" in text and any(
        line.lstrip().startswith("#") and re.search(_RELEVANT, line) for line in text.split("\n")
    )


def _scripts(path: str, comments: Sequence[CommentLine]) -> Iterator[Script]:
    """Yield each block of *comments* with commands as a script."""
    for block in _blocks(comments):
        lines: list[Line] = []
        earlier = ""
        for comment in _joined(block):
            lines += [Line(comment.number, text) for text in _commands(path, comment, earlier)]
            earlier = comment.text
        if lines:
            yield Script(path, tuple(lines), ancestors(path, nearest_first=True))


def _blocks(comments: Sequence[CommentLine]) -> Iterator[list[CommentLine]]:
    """Yield the runs of *comments* on consecutive lines."""
    block: list[CommentLine] = []
    for comment in comments:
        if block and comment.number != block[-1].number + 1:
            yield block
            block = []
        block.append(comment)
    if block:
        yield block


def _joined(block: Sequence[CommentLine]) -> Iterator[CommentLine]:
    """Yield the lines of *block*, with those that continue a command joined to it."""
    pending: CommentLine | None = None
    is_continued = False
    for line in block:
        if pending is not None and (is_continued or re.match(_MORE_OPTIONS, line.text)):
            text = f"{re.sub(_CONTINUED, '', pending.text)} {line.text.strip()}"
            pending = replace(pending, text=text)
        else:
            if pending is not None:
                yield pending
            pending = line
        is_continued = bool(re.search(_PROGRAM, pending.text) and re.search(_CONTINUED, line.text))
    if pending is not None:
        yield pending


def _commands(path: str, comment: CommentLine, earlier: str) -> Iterator[str]:
    """Yield the commands in *comment* of the file *path*; *earlier* is the line above it."""
    text = re.sub(_WINDOWS_SEPARATOR, "/", comment.text)
    text = re.sub(_PUNCTUATION, r"\1", re.sub(_THIS_FILE, rf"\1 {posixpath.basename(path)}", text))
    introduction = re.split(r"[.!]\s", earlier)[-1]
    if move := re.fullmatch(_DIRECTORY_CHANGE, text.strip()):
        yield move[1]
    elif match := re.search(_PROGRAM, text):
        if not re.search(_NEGATED, f"{introduction} {text[: match.start()]}"):
            yield from _with_options(_quoted_text(text, match.start()))
    elif re.search(_NEGATED, text):
        return
    elif match := re.search(_FILE_OPTIONS, text):
        if posixpath.basename(path) in map(posixpath.basename, re.split(r"[\s=]", match[1])):
            yield f"docker compose {match[1]} up"
    elif match := re.search(_SETTING, text):
        yield f"COMPOSE_FILE={match[1].rstrip('.,;:)')} docker compose up"
    elif comment.in_header and (match := re.search(_OVERRIDE_OF, text)):
        base, own = match["base"] or match["below"], posixpath.basename(path)
        if posixpath.basename(base) != own:
            yield f"docker compose -f {base} -f {own} up"


def _quoted_text(text: str, start: int) -> str:
    """Return *text* from *start* on, up to the quote that closes the one before *start*."""
    quote = text[start - 1 : start]
    if quote in {"'", '"', "`"}:
        return text[start:].partition(quote)[0]
    return text[start:].partition("`")[0]


def _with_options(command: str) -> Iterator[str]:
    """Yield *command* without the options in brackets, and with them: ``[-f more.yml]``."""
    yield re.sub(_OPTIONAL, "", command)
    if re.search(_OPTIONAL, command):
        yield re.sub(_OPTIONAL, r" \1", command)
