"""Makefiles, justfiles, systemd units and Procfiles to scripts."""

from __future__ import annotations

import re

from composerefactor.entrypoints.script import (
    Dialect,
    Line,
    Script,
    ancestors,
    directory_of,
    logical_lines,
)
from composerefactor.patterns import regex

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,80}"
_MAKE_ASSIGNMENT = regex(
    rf"[ ]{{0,40}}(?P<export>export\s+)?(?:override\s+)?(?P<name>{_NAME})\s{{0,40}}"
    r"(?P<operator>::?:?=|\?=|\+=|=)(?P<value>.*)"
)
_MAKE_EXPORT = regex(r"[ ]{0,40}export\s+(?P<names>[\w\s]{1,400})$")
_JUST_ASSIGNMENT = regex(
    rf"(?P<export>export\s+)?(?P<name>{_NAME})\s{{0,40}}(?P<operator>:=)(?P<value>.*)"
)
_REFERENCE = regex(rf"\$[({{]?({_NAME})")
_RECIPE = regex(r"[^\s#=][^=#]{0,400}:(?!=)")
_SHEBANG = regex(r"#!\S")


def makefile(path: str, text: str) -> list[Script]:
    """Return one script for each recipe line: make starts a shell for each, in its directory."""
    text = text.replace("$$", "$")  # what the shell sees, except for names of one letter
    lines = logical_lines(text)
    variables, environment, definitions = _definitions(lines, text)
    recipes = [
        Line(line.number, line.text.lstrip("\t ").lstrip("@-+ "))
        for line in lines
        if line.text.startswith(("\t", "  "))
        and not _MAKE_ASSIGNMENT.fullmatch(line.text.replace("\t", "\0"))
    ]
    # "target: ; command" and "target: command" of one line
    recipes += [
        Line(line.number, line.text.partition(";")[2])
        for line in lines
        if not line.text.startswith("\t") and _RECIPE.match(line.text) and ";" in line.text
    ]
    return [
        Script(path, (line,), (directory_of(path),), environment, variables, Dialect.MAKE)
        for line in (*recipes, *definitions)
    ]


def _definitions(
    lines: list[Line], text: str
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], list[Line]]:
    """Return all variables, those that are exported, and the values that nothing refers to."""
    values: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    exported: set[str] = set()
    for line in lines:
        if line.text.startswith("\t"):
            continue
        if match := _MAKE_EXPORT.fullmatch(line.text):
            exported.update(match["names"].split())
            continue
        match = _MAKE_ASSIGNMENT.fullmatch(line.text)
        if match is None:
            continue
        name, value = match["name"], match["value"].partition(" #")[0].strip()
        held = values.setdefault(name, [])
        numbers.setdefault(name, line.number)
        if match["operator"] == "+=":
            held.extend([f"{one} {value}".strip() for one in held] or [value])
        elif value not in held:
            held.append(value)
        if match["operator"] == "?=" and value:
            # The user may set it to anything else: make ENV=prod.
            held.append(f"${{{name}__CHOSEN}}")
        if match["export"]:
            exported.add(name)
    environment = {name: values[name][0] for name in sorted(exported) if values.get(name)}
    used = set(_REFERENCE.findall(text))
    unused = [
        Line(numbers[name], value)
        for name, held in values.items()
        if name not in used
        for value in held
    ]
    return {name: tuple(held[:6]) for name, held in values.items()}, environment, unused


def justfile(path: str, text: str) -> list[Script]:
    """Return one script for each recipe line, or for the whole recipe where it has a shebang."""
    variables: dict[str, tuple[str, ...]] = {}
    environment: dict[str, str] = {}
    scripts: list[Script] = []
    whole: list[Line] = []
    place = (directory_of(path),)

    def flush() -> None:
        if whole:
            scripts.append(
                Script(path, tuple(whole), place, environment, variables, Dialect.TEMPLATE)
            )
            whole.clear()

    for line in logical_lines(text):
        bare = line.text.strip()
        if not line.text.startswith((" ", "\t")):
            flush()
            if match := _JUST_ASSIGNMENT.fullmatch(line.text):
                value = _just_value(match["value"])
                variables[match["name"]] = (value,)
                if match["export"]:
                    environment[match["name"]] = value
        elif whole or _SHEBANG.match(bare):
            whole.append(Line(line.number, bare))
        elif bare:
            command = Line(line.number, bare.lstrip("@-"))
            scripts.append(
                Script(path, (command,), place, environment, variables, Dialect.TEMPLATE)
            )
    flush()
    return scripts


def _just_value(text: str) -> str:
    value = text.strip()
    for quote in ("'", '"'):
        if len(value) > 1 and value.startswith(quote) and value.endswith(quote):
            return value[1:-1]
    match = re.match(
        r"env(?:_var_or_default)?\(\s*['\"][^'\"]*['\"]\s*,\s*['\"]([^'\"]*)['\"]", value
    )
    return match.group(1) if match else "${just_expression}"


def unit(path: str, text: str) -> list[Script]:
    """Return the commands of a systemd unit (``ExecStart=...``) as one script."""
    lines: list[Line] = []
    environment: dict[str, str] = {}
    for line in logical_lines(text):
        name, _, value = line.text.partition("=")
        if name.strip().startswith("Exec"):
            lines.append(Line(line.number, value.strip().lstrip("-@:+!")))
        elif name.strip() == "Environment":
            key, _, given = value.strip().strip("\"'").partition("=")
            environment[key] = given
    # WorkingDirectory= names a place on the server; in the repository it is a guess.
    return [Script(path, tuple(lines), ancestors(path), environment)] if lines else []


def procfile(path: str, text: str) -> list[Script]:
    """Return the commands of a Procfile (``name: command``), each a script."""
    return [
        Script(
            path, (Line(line.number, line.text.partition(":")[2].strip()),), (directory_of(path),)
        )
        for line in logical_lines(text)
        if ":" in line.text and not line.text.lstrip().startswith("#")
    ]
