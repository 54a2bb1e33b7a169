"""Shell scripts, Markdown and Jenkinsfiles to scripts."""

from __future__ import annotations

import re

from composerefactor.entrypoints.script import Line, Script, ancestors, logical_lines
from composerefactor.patterns import regex

_FENCE = regex(r"\s{0,60}(?P<mark>`{3,40}|~{3,40})\s{0,20}(?P<language>[\w+#.-]{0,40})")
_INLINE = regex(r"`([^`\n]{4,400})`")
_PROMPT = regex(
    r"\s{0,40}(?:[\w.@~:/()\[\] -]{0,60}[$%\u276f\u279c]|PS [^>\n]{0,80}>|[$>%\u276f\u279c])"
    r"\s{1,20}(?=\S)"
)
_ROOT_PROMPT = regex(r"\s{0,40}#\s{1,4}(?=(?:sudo |docker|podman))")
_LANGUAGES = (
    "yaml yml json jsonc json5 toml ini python py js javascript ts typescript go java "
    "dockerfile docker diff mermaid html xml css sql makefile make nginx env dotenv properties "
    "hcl tree"
)
_NO_SHELL = frozenset(_LANGUAGES.split())
_RELEVANT = regex(r"compose|stack\s+deploy|bake", re.IGNORECASE)
_GROOVY = regex(r"\b(?:sh|bat|powershell)\b[ \t]{0,20}\(?[^'\"\n]{0,60}?(?P<quote>'''|\"\"\"|'|\")")


def shell_script(path: str, text: str) -> list[Script]:
    """Return *text* as one script, started from the project directory or from a place above it."""
    if path.lower().endswith((".bat", ".cmd", ".ps1")):
        text = re.sub(r"[`^][ \t]{0,20}\r?\n", "\\\\\n", text)
        text = re.sub(r"\\(?=[\w.])", "/", text)
    return [Script(path, tuple(logical_lines(text)), ancestors(path))]


def markdown(path: str, text: str) -> list[Script]:
    """Return each fenced block of commands as a script, and each command in inline code.

    Inline code counts only where it gives a command with ``-f`` or ``--file``.
    """
    scripts: list[Script] = []
    block: list[str] | None = None
    start, mark, language = 0, "", ""
    places = ancestors(path, nearest_first=True)
    for number, line in enumerate(text.split("\n"), start=1):
        fence = _FENCE.match(line)
        if block is not None:
            if fence and fence["mark"].startswith(mark) and not fence["language"]:
                scripts.extend(_block(path, block, start, language, places))
                block = None
            else:
                block.append(line)
        elif fence:
            block, start = [], number + 1
            mark, language = fence["mark"], fence["language"].lower()
        elif "`" in line or line.startswith(("    ", "\t")):
            scripts.extend(_outside(path, line, number, places))
    if block:
        scripts.extend(_block(path, block, start, language, places))
    return scripts


def _block(
    path: str, block: list[str], start: int, language: str, places: tuple[str, ...]
) -> list[Script]:
    if language in _NO_SHELL or not _RELEVANT.search("\n".join(block)):
        return []
    text = "\n".join(map(_without_prompt, block))
    return [Script(path, tuple(logical_lines(text, start)), places)]


def _outside(path: str, line: str, number: int, places: tuple[str, ...]) -> list[Script]:
    if not _RELEVANT.search(line):
        return []
    if "`" not in line:
        return [Script(path, (Line(number, _without_prompt(line.strip())),), places)]
    return [
        Script(path, (Line(number, _without_prompt(code)),), places)
        for code in _INLINE.findall(line)
        if _RELEVANT.search(code) and re.search(r"\s(?:-f|-c|--file|--compose-file)", code)
    ]


def _without_prompt(line: str) -> str:
    match = _PROMPT.match(line) or _ROOT_PROMPT.match(line)
    return line[match.end() :] if match else line


def jenkinsfile(path: str, text: str) -> list[Script]:
    """Return what each ``sh``, ``bat`` or ``powershell`` step of a pipeline runs."""
    scripts: list[Script] = []
    at, first, counted = 0, 1, 0
    while match := _GROOVY.search(text, at):
        quote = match["quote"]
        end = text.find(quote, match.end())
        if end < 0:
            end = len(text)
        code = text[match.end() : end]
        if _RELEVANT.search(code):
            first += text.count("\n", counted, match.end())
            counted = match.end()
            scripts.append(Script(path, tuple(logical_lines(code, first)), ancestors(path)))
        at = end + len(quote)
    return scripts
