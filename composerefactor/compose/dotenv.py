"""The syntax of env files: ``NAME=value`` lines, as in ``.env`` and the files of ``env_file``."""

from __future__ import annotations

import io
import re
from functools import lru_cache

from msgspec import Struct

from composerefactor.compose.hosts import name_words

_NAME = re.compile(
    r"(?P<space>\s*)(?:export[^\S\n]+)?(?P<name>[A-Za-z_][\w.\-]*)[^\S\n]*(?P<sign>[=:])"
)


class Assignment(Struct, frozen=True):
    """``NAME=value`` in an env file.

    Attributes:
        name: The name of the variable.
        value: The value without its quotes; variables in it are not expanded.
        line: The line number, from 1.
        start: The offset in the text at which the value is written, without its quotes.
    """

    name: str
    value: str
    line: int
    start: int = 0

    def __repr__(self) -> str:  # without the value, which may be a secret
        return f"Assignment({self.name!r}, line={self.line})"


@lru_cache(maxsize=64)
def assignments(text: str) -> tuple[Assignment, ...]:
    """Return the assignments of an env file in order.

    python-dotenv reads the values; tests compare them with those of Docker Compose. In addition,
    Docker Compose accepts a colon for the equals sign (observed: v5.6.1). Of a line with an
    unclosed quote, which both reject, the value is the rest of the line.
    """
    if not text.strip():
        return ()
    from dotenv.parser import Reader, parse_binding  # noqa: PLC0415 - brings logging and tempfile

    pairs: list[Assignment] = []
    reader = Reader(io.StringIO(text, newline=""))
    while reader.has_next():
        match = _NAME.match(reader.string, reader.position.chars)
        if match is not None and match["sign"] == ":":
            at = match.start("sign")
            reader.string = f"{reader.string[:at]}={reader.string[at + 1 :]}"
        line = reader.position.line
        binding = parse_binding(reader)
        if match is not None:
            line += match["space"].count("\n")
            rest = binding.original.string[match.end() - match.start() :]
            value = rest.strip().lstrip("\"'") if binding.value is None else binding.value
            start = match.end() + len(rest) - len(rest.lstrip(" \t"))
            start += rest.lstrip(" \t")[:1] in {"'", '"'}
            pairs.append(Assignment(match["name"], value, line, start))
    return tuple(pairs)


_SIMPLE = re.compile(
    r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s{0,20}=\s{0,20}"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s#\"'].*?)?(?:\s{1,200}#\s*(?P<comment>.*))?\s*"
)
"""An assignment on a line of its own, and the comment after it."""

_COMMENTED_OUT = r"(?:export\s+)?[A-Za-z_]\w*\s?="
"""The beginning of a comment that is an assignment."""

_HEADING = re.compile(
    r"(?i)(?:[\w&/()-]+ ){0,4}"
    r"(?:config\w*|settings|options|variables|credentials|secrets|environment)"
    r"(?: \([^)]*\))?|\w+"
)
"""A comment that names a group of variables."""

_SIGNS = "#=-*~─━═ "
"""What rules and boxes of comments are drawn with."""

_OF_CREATE_ENV = (
    *("Used by ", "Not random, since ", "It would make another project "),
    *("The default of the Compose files", "The Compose files have ", "Some Compose files have "),
)
"""The beginnings of comments by which create-env explains a value."""


def descriptions(text: str) -> dict[str, str]:
    """Return what the comments of an env file say about its variables, by name.

    A comment is about the assignment on its line, or below it, without a blank line or a rule of
    signs in between; above two assignments about both, if it is a sentence. Above more it is their
    heading, unless it has a word of the first name alone. Only its first sentence is returned.
    """
    found: dict[str, str] = {}
    comment: list[str] = []
    lines = text.splitlines()
    for line, following, third in zip(lines, [*lines[1:], ""], [*lines[2:], "", ""], strict=False):
        stripped = line.strip()
        words = stripped.strip(_SIGNS)
        if stripped.startswith("#"):
            is_about_next = bool(words) and not re.match(_COMMENTED_OUT, words)
            if not words.startswith(_OF_CREATE_ENV):
                comment = [*comment, words] if is_about_next else []
            continue
        if match := _SIMPLE.fullmatch(line):
            after = (match["comment"] or "").strip(_SIGNS)
            sentence = _first_sentence([after] if after else comment)
            below = _SIMPLE.fullmatch(following)
            if sentence and (after or below is None or _is_about(sentence, match, below)):
                found[match["name"]] = sentence
            elif (
                below
                and not _SIMPLE.fullmatch(third)
                and len(sentence.split()) >= _WORDS_OF_A_SENTENCE
            ):
                found[match["name"]] = found[below["name"]] = sentence
        comment = []
    return found


_WORDS_OF_A_SENTENCE = 4
"""A comment of fewer words above two variables may be their heading."""


def _is_about(sentence: str, first: re.Match[str], second: re.Match[str]) -> bool:
    """Return whether *sentence* has a word of the name of *first* that *second* does not have."""
    own = {*name_words(first["name"])} - {*name_words(second["name"])}
    return not own.isdisjoint(re.findall(r"\w+", sentence.lower()))


def _first_sentence(lines: list[str]) -> str:
    """Return the first sentence of a comment without its heading.

    A line that begins in lower case continues the one before.
    """
    texts: list[str] = []
    for line in lines:
        if texts and line[0].islower() and not (texts[-1].endswith(".") or texts[-1].isupper()):
            texts[-1] = f"{texts[-1]} {line}"
        else:
            texts.append(line)
    sentences = (text.partition(". ")[0].rstrip(".") for text in texts)
    return next((each for each in sentences if not _is_heading(each)), "")


def _is_heading(sentence: str) -> bool:
    return sentence.isupper() or _HEADING.fullmatch(sentence.rstrip(":")) is not None


_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=^~!*?&;<>()\[\]{}|-]+")
_SINGLE = r"[^'\r\n\x00-\x08\x0b-\x1f\x7f]*(?<!\\)"
_ESCAPED = r"[\"\\$\n]"
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def assignment(name: str, value: str) -> str | None:
    """Return the line ``name=value`` with the quotes that *value* needs.

    Returns None for a value that cannot be written: one with control characters, or with a
    carriage return, which readers of env files treat as the end of a line.
    """
    if _UNWRITABLE.search(value):
        return None
    if _PLAIN.fullmatch(value):
        return f"{name}={value}"
    if re.fullmatch(_SINGLE, value):
        return f"{name}='{value}'"
    text = re.sub(_ESCAPED, lambda match: "\\n" if match[0] == "\n" else f"\\{match[0]}", value)
    return f'{name}="{text}"'
