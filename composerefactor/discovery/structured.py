"""CI files, Taskfiles, package.json and editor files: commands inside YAML and JSON.

JSON with comments is read as YAML too: comments are blanked first, so that lines stay in place.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.discovery.files import join
from composerefactor.discovery.script import Dialect, Line, Script, directory_of, logical_lines
from composerefactor.errors import InputError
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode, Tree, resolve
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source

_PLACE_KEYS = frozenset(
    {"working-directory", "working_directory", "workingDirectory", "dir", "cwd"}
)
_ENVIRONMENT_KEYS = frozenset({"env", "environment", "variables", "vars"})
_ONE_SHELL_KEYS = frozenset(
    {"script", "before_script", "after_script", "commands", "command", "run", "args"}
)
_PROSE_KEYS = frozenset({"name", "desc", "description", "title", "summary", "label", "if", "uses"})
_RELEVANT = re.compile(r"[ck]ompose|stack\s+deploy|bake", re.IGNORECASE)
# What is not closed still matches, to the end: each character is looked at once.
_JSON_COMMENT = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"?|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_MAX_TEXT = 300_000


class _Place(Struct, frozen=True):
    """What holds for all commands below a node."""

    path: str
    directories: tuple[str, ...]
    environment: dict[str, str]
    variables: dict[str, tuple[str, ...]]
    dialect: Dialect


def yaml_scripts(path: str, text: str, directory: str = ".") -> list[Script]:
    """Return every string of a YAML or JSON file that may hold commands, each as a script.

    *directory* is where commands run if the file does not say: ``working-directory:`` (GitHub, its
    ``defaults:`` too), ``working_directory:`` (CircleCI), ``dir:`` (Task) and ``cwd`` do. A list of
    commands below ``script:`` is one script, any other list is one for each item. ``env:``,
    ``environment:`` and ``variables:`` are exported to what stands beside and below them.
    A file that is no YAML, or larger than 300 kB, gives nothing.
    """
    tree = tree_of(path, text)
    if tree is None:
        return []
    dialect = Dialect.TEMPLATE if "askfile" in path else Dialect.SHELL
    place = _Place(path, (directory,), {}, {}, dialect)
    reader = _Reader(tree)
    for document in tree.documents:
        if document.root is not None:
            reader.read(document.root, place)
    return reader.scripts


def tree_of(path: str, text: str) -> Tree | None:
    """Return *text*, YAML or JSON with comments, as a tree; None where it is not readable."""
    if len(text) > _MAX_TEXT or not _RELEVANT.search(text):
        return None
    if path.endswith((".json", ".jsonc")):
        text = _JSON_COMMENT.sub(_blank, text).replace("\t", " ")
    try:
        return parse(Source(path, text.removeprefix("\ufeff")))
    except (InputError, RecursionError):
        return None


def scalars(node: Node | None) -> list[ScalarNode]:
    """Return the scalar *node* is, or the scalars of the sequence it is."""
    node = resolve(node) if node is not None else None
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

    def read(self, node: Node, place: _Place, key: str = "") -> None:
        if isinstance(node, MappingNode):
            self.mapping(node, place)
        elif isinstance(node, SequenceNode):
            self.sequence(node, place, key)
        elif isinstance(node, ScalarNode) and _RELEVANT.search(node.value):
            self.add(self.lines(node), place)

    def mapping(self, node: MappingNode, place: _Place) -> None:
        place = _inside(node, place)
        command, args = node.get("command"), node.get("args")
        if isinstance(command, ScalarNode) and isinstance(args, SequenceNode):
            words = [command.value, *(item.value for item in scalars(args))]
            self.add([Line(self.number(command), " ".join(map(_quoted, words)))], place)
            return
        for entry in node.entries:
            if entry.name not in _PROSE_KEYS or isinstance(entry.value, MappingNode | SequenceNode):
                self.read(entry.value, place, entry.name or "")

    def sequence(self, node: SequenceNode, place: _Place, key: str) -> None:
        strings = scalars(node)
        if key in _ONE_SHELL_KEYS and len(strings) == len(node.items):
            if any(_RELEVANT.search(item.value) for item in strings):
                self.add([line for item in strings for line in self.lines(item)], place)
            return
        for item in node.items:
            self.read(item, place, key)

    def lines(self, node: ScalarNode) -> list[Line]:
        first = self.number(node)
        if node.style in {"|", ">"}:
            raw = self.source.text[node.start : node.end].partition("\n")[2]
            if node.style == "|":
                return logical_lines(raw, first + 1)
            return [Line(first + 1, node.value)]
        return [replace(line, number=first) for line in logical_lines(node.value)]

    def number(self, node: Node) -> int:
        return self.source.line_number(node.start)

    def add(self, lines: Iterable[Line], place: _Place) -> None:
        self.scripts.append(
            Script(
                place.path,
                tuple(lines),
                place.directories,
                place.environment,
                place.variables,
                place.dialect,
            )
        )


def _inside(node: MappingNode, place: _Place) -> _Place:
    """Return *place* with what the keys of *node* say of directory and environment."""
    run = node.get("defaults")
    run = run.get("run") if isinstance(run, MappingNode) else None
    options = node.get("options")
    elements = [element for element in (run, options, node) if isinstance(element, MappingNode)]
    for element in elements:
        for entry in element.entries:
            value = resolve(entry.value)
            if entry.name in _PLACE_KEYS and isinstance(value, ScalarNode) and value.value:
                place = replace(place, directories=(_local(value.value), *place.directories))
    for entry in node.entries:
        value = resolve(entry.value)
        if entry.name not in _ENVIRONMENT_KEYS or not isinstance(value, MappingNode):
            continue
        given = {
            one.name: held.value
            for one in value.entries
            if one.name and isinstance(held := resolve(one.value), ScalarNode)
        }
        if entry.name == "vars":
            more = {name: (held,) for name, held in given.items()}
            place = replace(place, variables={**place.variables, **more})
        else:
            place = replace(place, environment={**place.environment, **given})
    return place


def _local(path: str) -> str:
    """Return *path* relative to the workspace that CI and editors name by a variable."""
    return re.sub(r"^\$\{?\{?[^/}]{1,60}\}{0,2}/?", "", path).removeprefix("./").rstrip("/") or "."


def _quoted(word: str) -> str:
    return f"'{word}'" if re.search(r"[\s;&|()]", word) and "'" not in word else word


def _blank(match: re.Match[str]) -> str:
    text = match.group()
    return text if text.startswith('"') else re.sub(r"[^\n]", " ", text)


def package_scripts(path: str, text: str) -> list[Script]:
    """Return the ``scripts`` of package.json or composer.json, run in the file's directory."""
    tree = tree_of(path, text)
    root = tree.root if tree else None
    node = root.get("scripts") if isinstance(root, MappingNode) else None
    if tree is None or not isinstance(node, MappingNode):
        return []
    reader = _Reader(tree)
    place = _Place(path, (directory_of(path),), {}, {}, Dialect.SHELL)
    for entry in node.entries:
        reader.read(entry.value, place)
    return reader.scripts


_SETTING = re.compile(
    r"\s{0,40}(?:export\s{1,20})?(?P<name>COMPOSE_[A-Z_]{1,40})\s{0,20}=(?P<value>.*)"
)


def settings(text: str) -> dict[str, tuple[str, int]]:
    """Return the ``COMPOSE_*`` settings of a dotenv file: name -> (value, line)."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _SETTING.fullmatch(line):
            found[match["name"]] = (_value(match["value"].strip()), number)
    return found


def _value(text: str) -> str:
    if text[:1] in {"'", '"'}:
        return text[1:].partition(text[0])[0]
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def dotenv(path: str, text: str) -> list[Script]:
    """Return the plain ``docker compose`` command that ``COMPOSE_FILE`` gives files to."""
    found = settings(text)
    if "COMPOSE_FILE" not in found:
        return []
    line = Line(found["COMPOSE_FILE"][1], "docker compose up")
    environment = {name: value for name, (value, _) in found.items()}
    return [Script(path, (line,), (directory_of(path),), environment)]


def devcontainer(path: str, text: str) -> list[Script]:
    """Return the command that ``dockerComposeFile`` stands for.

    Its paths are relative to *path*; the files are those of ``docker compose -f``.
    """
    tree = tree_of(path, text)
    root = tree.root if tree else None
    if tree is None or not isinstance(root, MappingNode):
        return []
    nodes = scalars(root.get("dockerComposeFile"))
    if not nodes:
        return []
    files = [join(directory_of(path), node.value) for node in nodes]
    command = shlex.join(["docker", "compose", *(f"--file={file}" for file in files), "up"])
    return [Script(path, (Line(tree.source.line_number(nodes[0].start), command),))]
