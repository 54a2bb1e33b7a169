"""Files that name Compose files without a command: ``.env`` and ``devcontainer.json``."""

from __future__ import annotations

import re
import shlex

from composerefactor.entrypoints.files import join
from composerefactor.entrypoints.script import Line, Script, directory_of
from composerefactor.entrypoints.structured import scalars, tree_of
from composerefactor.patterns import regex
from composerefactor.yamltree.nodes import Mapping

_SETTING = regex(r"\s{0,40}(?:export\s{1,20})?(?P<name>COMPOSE_[A-Z_]{1,40})\s{0,20}=(?P<value>.*)")


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
    if tree is None or not isinstance(root, Mapping):
        return []
    nodes = scalars(root.get("dockerComposeFile"))
    if not nodes:
        return []
    files = [join(directory_of(path), node.value) for node in nodes]
    command = shlex.join(["docker", "compose", *(f"--file={file}" for file in files), "up"])
    return [Script(path, (Line(tree.source.line_number(nodes[0].start), command),))]
