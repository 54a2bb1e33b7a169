"""The syntax of env files: ``NAME=value`` lines, as in ``.env`` and the files of ``env_file``."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

_NAME = re.compile(
    r"(?P<space>\s*)(?:export[^\S\n]+)?(?P<name>[A-Za-z_][\w.\-]*)[^\S\n]*(?P<sign>[=:])"
)


class Assignment(Struct, frozen=True):
    """``NAME=value`` in an env file.

    Attributes:
        name: The name of the variable.
        value: The value without its quotes; variables in it are not expanded.
        line: The line number, from 1.
    """

    name: str
    value: str
    line: int

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
            pairs.append(Assignment(match["name"], value, line))
    return tuple(pairs)


_SIMPLE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=.*")
"""An assignment on a line of its own."""


def descriptions(text: str) -> dict[str, str]:
    """Return what the comments of an env file say about its variables, by name.

    A comment is about the assignment below it, without a blank line or a rule of signs in between;
    above several assignments it is their heading. Only its first sentence is returned.
    """
    found: dict[str, str] = {}
    comment: list[str] = []
    for line, following in pairwise([*text.splitlines(), ""]):
        stripped = line.strip()
        words = stripped.strip("#=-*~ ")
        match = None if _SIMPLE.fullmatch(following) else _SIMPLE.fullmatch(line)
        if stripped.startswith("#"):
            is_about_next = bool(words) and not _SIMPLE.fullmatch(words.replace(" ", "", 1))
            comment = [*comment, words] if is_about_next else []
            continue
        if match is not None and comment:
            found[match["name"]] = _first_sentence(comment)
        comment = []
    return found


def _first_sentence(lines: list[str]) -> str:
    """Return the first sentence of a comment; a line that begins in lower case continues one."""
    text = lines[0]
    for line in lines[1:]:
        if not line[0].islower() or text.endswith("."):
            break
        text = f"{text} {line}"
    return text.partition(". ")[0].rstrip(".")


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
