"""Commands in YAML and JSON: CI files, Taskfiles, package.json, dev containers, editor files.

Dotenv files are read here, too. JSON with comments is parsed as YAML: comments are replaced by
spaces first, so that line numbers stay the same.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.discovery.script import (
    Dialect,
    Line,
    LocatedText,
    Script,
    joined,
    logical_lines,
)
from composerefactor.errors import InputError
from composerefactor.yaml.nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Tree,
    resolve,
    value_of,
)
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source

_DIRECTORY_KEYS = frozenset(
    {"working-directory", "working_directory", "workingDirectory", "dir", "cwd"}
)
_ENVIRONMENT_KEYS = frozenset({"env", "environment", "variables", "vars"})
_ONE_SHELL_KEYS = frozenset(
    {"script", "before_script", "after_script", "commands", "command", "run", "args"}
)
_PROSE_KEYS = frozenset({"name", "desc", "description", "title", "summary", "label", "if", "uses"})
_RELEVANT = r"(?i)[ck]ompose|stack\s+deploy|bake"
# An open string or comment matches to the end, so that each character is read only once.
_JSON_COMMENT = r"(?s)\"(?:[^\"\\\n]|\\.)*\"?|//[^\n]*|/\*.*?(?:\*/|\Z)"
_MAX_TEXT = 300_000


class _Context(Struct, frozen=True):
    """The properties of all commands below a node; see :class:`Script`."""

    path: str
    text: str
    directories: tuple[str, ...]
    environment: dict[str, str]
    variables: dict[str, tuple[str, ...]]
    dialect: Dialect


def yaml_scripts(path: str, text: str, directory: str = ".") -> list[Script]:
    """Return every string of a YAML or JSON file that may contain commands, each as a script.

    *directory* is where commands run unless the file sets another directory:
    ``working-directory:`` (GitHub, also in ``defaults:``), ``working_directory:`` (CircleCI),
    ``dir:`` (Task) or ``cwd``. A list of commands under ``script:`` is one script; any other list
    is one script for each item. ``env:``, ``environment:`` and ``variables:`` are exported to
    their siblings and everything below. A file that is not YAML, or is larger than 300 kB, has no
    scripts.
    """
    tree = parse_tree(path, text)
    if tree is None:
        return []
    dialect = Dialect.TEMPLATE if "askfile" in path else Dialect.SHELL
    context = _Context(path, text, (directory,), {}, {}, dialect)
    reader = _Reader(tree)
    for document in tree.documents:
        if document.root is not None:
            reader.read(document.root, context)
    return reader.scripts


def parse_tree(path: str, text: str) -> Tree | None:
    """Parse *text*, YAML or JSON with comments; None if it is invalid, too large or irrelevant."""
    if len(text) > _MAX_TEXT or not re.search(_RELEVANT, text):
        return None
    if path.endswith((".json", ".jsonc")):
        text = without_json_comments(text)
    try:
        return parse(Source(path, str(_without_mark(text))))
    except (InputError, RecursionError):
        return None


def scalars(node: Node | None) -> list[ScalarNode]:
    """Return *node* if it is a scalar, or the scalars in it if it is a sequence."""
    node = resolve(node)
    if isinstance(node, ScalarNode):
        return [node]
    if isinstance(node, SequenceNode):
        return [item for one in node.items if isinstance(item := resolve(one), ScalarNode)]
    return []


class _Reader:
    """Collects scripts from one tree."""

    def __init__(self, tree: Tree) -> None:
        self.source = tree.source
        self.scripts: list[Script] = []

    def read(self, node: Node, context: _Context, key: str = "") -> None:
        if isinstance(node, MappingNode):
            self.mapping(node, context)
        elif isinstance(node, SequenceNode):
            self.sequence(node, context, key)
        elif isinstance(node, ScalarNode) and re.search(_RELEVANT, node.value):
            self.add(self.lines(node, context), context)

    def mapping(self, node: MappingNode, context: _Context) -> None:
        context = _nested_context(node, context)
        command, args = node.get("command"), node.get("args")
        if isinstance(command, ScalarNode) and isinstance(args, SequenceNode):
            words = [_value(node, context.text) for node in (command, *scalars(args))]
            self.add([Line(self.number(command), joined(" ", map(_quoted, words)))], context)
            return
        for entry in node.entries:
            if entry.name not in _PROSE_KEYS or isinstance(entry.value, MappingNode | SequenceNode):
                self.read(entry.value, context, entry.name or "")

    def sequence(self, node: SequenceNode, context: _Context, key: str) -> None:
        strings = scalars(node)
        if key in _ONE_SHELL_KEYS and len(strings) == len(node.items):
            if any(re.search(_RELEVANT, item.value) for item in strings):
                lines = [line for item in strings for line in self.lines(item, context)]
                self.add(lines, context)
            return
        for item in node.items:
            self.read(item, context, key)

    def lines(self, node: ScalarNode, context: _Context) -> list[Line]:
        first = self.number(node)
        if node.style == "|":
            raw = _without_mark(context.text)[node.start : node.end].partition("\n")[2]
            return logical_lines(raw, first + 1)
        value = _value(node, context.text)
        if node.style == ">":
            return [Line(first + 1, value)]
        return [replace(line, number=first) for line in logical_lines(value)]

    def number(self, node: Node) -> int:
        return self.source.line_number(node.start)

    def add(self, lines: Iterable[Line], context: _Context) -> None:
        self.scripts.append(
            Script(
                context.path,
                tuple(lines),
                context.directories,
                context.environment,
                context.variables,
                context.dialect,
            )
        )


def _nested_context(node: MappingNode, context: _Context) -> _Context:
    """Return *context* with the directory and the environment that the keys of *node* set."""
    run = value_of(node, "defaults", "run")
    options = node.get("options")
    elements = [element for element in (run, options, node) if isinstance(element, MappingNode)]
    for element in elements:
        for entry in element.entries:
            value = resolve(entry.value)
            if entry.name in _DIRECTORY_KEYS and isinstance(value, ScalarNode) and value.value:
                context = replace(
                    context, directories=(_workspace_path(value.value), *context.directories)
                )
    for entry in node.entries:
        value = resolve(entry.value)
        if entry.name not in _ENVIRONMENT_KEYS or not isinstance(value, MappingNode):
            continue
        variables = {
            variable.name: _value(scalar, context.text)
            for variable in value.entries
            if variable.name and isinstance(scalar := resolve(variable.value), ScalarNode)
        }
        if entry.name == "vars":
            new_variables = {name: (scalar,) for name, scalar in variables.items()}
            context = replace(context, variables={**context.variables, **new_variables})
        else:
            context = replace(context, environment={**context.environment, **variables})
    return context


def _workspace_path(path: str) -> str:
    """Return *path* without the leading variable by which CI and editors name the workspace."""
    return re.sub(r"^\$\{?\{?[^/}]{1,60}\}{0,2}/?", "", path).removeprefix("./").rstrip("/") or "."


def _quoted(word: str) -> str:
    needs_quotes = re.search(r"[\s;&|()]", word) and "'" not in word
    return joined("", ["'", word, "'"]) if needs_quotes else word


def _without_mark(text: str) -> str:
    return text.removeprefix("\ufeff")


# How more than one character is written in YAML: an escape, and a line end in a scalar of one line.
_ESCAPES = {
    '"': re.compile(r"\\(?:x\w{2}|u\w{4}|U\w{8}|.)"),
    "'": re.compile(r"''"),
}
_CONTINUATION = re.compile(r"(?:\\\r?\n[ \t]*)*")
_FOLD = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")
_BLOCK_HEADER = r">[^\n]*\n?\s*"


def _value(node: ScalarNode, text: str) -> str:
    """Return the value of *node*, with the offsets of its characters in the file *text*.

    Without offsets if *text* has none, or if they cannot be determined.
    """
    if not isinstance(text, LocatedText):
        return node.value
    raw = text.removeprefix("\ufeff")[node.start : node.end]
    spans = _written_spans(node, str(raw))
    if spans is None:
        return node.value
    starts = [raw.starts[min(start, len(raw) - 1)] for start, _ in spans]
    ends = [raw.ends[max(end - 1, 0)] for _, end in spans]
    return LocatedText(node.value, starts, ends)


def _written_spans(node: ScalarNode, raw: str) -> list[tuple[int, int]] | None:
    """Return where in *raw*, the text of *node*, each character of its value is written.

    Returns None for text that is not understood, such as a line that is indented more than the
    others in a folded scalar.
    """
    header = re.match(_BLOCK_HEADER, raw) if node.style == ">" else None
    at = header.end() if header else len(node.style)
    escape = _ESCAPES.get(node.style)
    spans: list[tuple[int, int]] = []
    for number, char in enumerate(node.value):
        if node.style == '"' and (skipped := _CONTINUATION.match(raw, at)):
            at = skipped.end()
        if match := escape and escape.match(raw, at):
            end = match.end()
        elif char in " \n" and (match := _FOLD.match(raw, at)):
            # A line end and each empty line after it are one character each.
            end = at if node.value[number + 1 : number + 2] == char == "\n" else match.end()
        elif raw[at : at + 1] == char:
            end = at + 1
        elif at == len(raw) and char == "\n":
            end = at
        else:
            return None
        spans.append((at, end))
        at = end
    return spans


def without_json_comments(text: str) -> str:
    """Return *text*, JSON with comments, as YAML of the same length: comments are blank."""
    return re.sub(_JSON_COMMENT, _blank, text).replace("\t", " ")


def _blank(match: re.Match[str]) -> str:
    text = match.group()
    return text if text.startswith('"') else re.sub(r"[^\n]", " ", text)


def package_scripts(path: str, text: str) -> list[Script]:
    """Return the ``scripts`` of package.json or composer.json, which run in its directory."""
    tree = parse_tree(path, text)
    node = value_of(tree.root, "scripts") if tree else None
    if tree is None or not isinstance(node, MappingNode):
        return []
    reader = _Reader(tree)
    context = _Context(path, text, (directory_of(path),), {}, {}, Dialect.SHELL)
    for entry in node.entries:
        reader.read(entry.value, context)
    return reader.scripts


def compose_settings(text: str) -> dict[str, tuple[str, int]]:
    """Return the ``COMPOSE_*`` settings of a dotenv file: name -> (value, line).

    A value has offsets where *text* has them, unless it is written with escapes.
    """
    values: dict[str, tuple[str, int]] = {}
    for pair in assignments(text):
        if pair.name.startswith("COMPOSE_"):
            written = text[pair.start : pair.start + len(pair.value)]
            values[pair.name] = (written if written == pair.value else pair.value, pair.line)
    return values


def dotenv(path: str, text: str) -> list[Script]:
    """Return a plain ``docker compose`` command if the dotenv file sets ``COMPOSE_FILE``."""
    settings = compose_settings(text)
    if "COMPOSE_FILE" not in settings:
        return []
    line = Line(settings["COMPOSE_FILE"][1], "docker compose up")
    environment = {name: value for name, (value, _) in settings.items()}
    return [Script(path, (line,), (directory_of(path),), environment)]


def devcontainer(path: str, text: str) -> list[Script]:
    """Return the command ``docker compose -f ...`` for ``dockerComposeFile``.

    The paths in the file are relative to *path*.
    """
    tree = parse_tree(path, text)
    nodes = scalars(value_of(tree.root, "dockerComposeFile")) if tree else []
    if tree is None or not nodes:
        return []
    files = [_path_in_project(directory_of(path), _value(node, text)) for node in nodes]
    command = joined(" ", ["docker compose", *(joined("", ["--file=", f]) for f in files), "up"])
    return [Script(path, (Line(tree.source.line_number(nodes[0].start), command),))]


def _path_in_project(directory: str, path: str) -> str:
    """Return *path*, relative to *directory*, as a quoted word; only the file name has offsets."""
    joined_path = path_from(directory, path)
    name = posixpath.basename(joined_path)
    if path.endswith(name):
        joined_path = joined("", [joined_path[: -len(name)], path[-len(name) :]])
    if "'" in joined_path:
        return shlex.quote(joined_path)
    is_plain = shlex.quote(joined_path) == joined_path
    return joined_path if is_plain else joined("", ["'", joined_path, "'"])
