"""The settings file of a project: its values, its checks, and its JSON schema.

:class:`SettingsFile` has the form of the file. msgspec checks a parsed file against it, and makes
the JSON schema that ships with the tool. An error has the line of the value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert, field
from msgspec.json import schema_components
from msgspec.structs import fields

from composerefactor.compose.project import EnvironmentKind
from composerefactor.confidence import DEFAULT_CONFIDENCE, Confidence
from composerefactor.errors import InputError, Location, did_you_mean
from composerefactor.images.catalog import Catalog, load_catalog
from composerefactor.images.entries import CatalogEntry
from composerefactor.refactoring.modules.naming import LayoutOptions
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, Tree, resolve
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

_ATTRIBUTE = r"(?m)^    (?P<name>\w+): (?P<text>.*(?:\n {5,}.*)*)"


def schemas(types: Sequence[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, dict[str, Any]]]:
    """Return the JSON schemas (draft 2020-12) of *types*.

    The text of a docstring describes an object, the lines below ``Attributes:`` its properties.

    Returns:
        The schemas in the order of *types*, and by name the schemas of the structs and dataclasses
        to which they refer as ``#/$defs/NAME``.
    """
    found, definitions = schema_components(types)
    for definition in definitions.values():
        summary, _, rest = definition.pop("description", "").partition("\nAttributes:\n")
        if summary:
            definition["description"] = _joined(summary)
        for attribute in re.finditer(_ATTRIBUTE, rest):
            schema = definition["properties"].get(attribute["name"])
            if schema is not None:
                schema["description"] = _joined(attribute["text"])
    return found, dict(sorted(definitions.items()))


def _joined(text: str) -> str:
    return " ".join(text.split())


FILE_NAME = ".composerefactor.yml"


class SplitDefaults(LayoutOptions, frozen=True):
    """Defaults of composerefactor split.

    Attributes:
        stay: Services that do not move.
    """

    stay: tuple[str, ...] = ()


class FixDefaults(Struct, frozen=True, forbid_unknown_fields=True):
    """Defaults of composerefactor fix."""

    # The command line takes the names, values and descriptions from here.
    select: Annotated[
        tuple[str, ...],
        Meta(
            description="Run only these transforms (`composerefactor transforms` lists them).",
        ),
    ] = ()
    skip: Annotated[tuple[str, ...], Meta(description="Do not run these transforms.")] = ()
    unsafe: Annotated[
        bool, Meta(description="Also make changes that affect running containers.")
    ] = False
    confidence: Annotated[
        Confidence,
        Meta(
            description="Make only changes that are at least this certain; likely without this "
            "option.",
        ),
    ] = DEFAULT_CONFIDENCE


class AnalyzeDefaults(Struct, frozen=True, forbid_unknown_fields=True):
    """Defaults of composerefactor analyze.

    Attributes:
        skip: The rules to skip.
        baseline: The file with known findings; empty if there is none.
        fail_on: The lowest severity that makes the command fail.
    """

    skip: tuple[str, ...] = ()
    baseline: str = ""
    fail_on: Literal["info", "low", "medium", "high"] | UnsetType = UNSET


class _Settings(Struct, frozen=True):
    """What a settings file and :class:`Settings` have in common."""

    ignore: Mapping[str, Mapping[str, str]] = {}
    environments: Mapping[str, EnvironmentKind] = {}
    split: SplitDefaults = field(default_factory=SplitDefaults)
    fix: FixDefaults = field(default_factory=FixDefaults)
    analyze: AnalyzeDefaults = field(default_factory=AnalyzeDefaults)
    transforms: Mapping[str, Mapping[str, Any]] = {}


class SettingsFile(_Settings, frozen=True, forbid_unknown_fields=True):
    """Settings of composerefactor for this project.

    Attributes:
        ignore: By transform or rule, the services to ignore, each with the reason.
        environments: What a Compose file is for, by path, where its name does not say it.
        split: Defaults of composerefactor split.
        fix: Defaults of composerefactor fix.
        analyze: Defaults of composerefactor analyze.
        transforms: Options of transforms, by name.
        catalog: Additions to the image catalog.
    """

    catalog: tuple[CatalogEntry, ...] = ()


class Settings(_Settings, frozen=True):
    """The settings of a project, as :class:`SettingsFile` describes them.

    Names of transforms, options and services are not checked here; :meth:`location` returns where
    one is written, for the message of such a check.

    Attributes:
        path: The path of the settings file.
        catalog: The image catalog, including the entries of the file.
        tree: The parsed file; None if there is none.
    """

    path: str = FILE_NAME
    catalog: Catalog = field(default_factory=load_catalog)
    tree: Tree | None = None

    def location(self, *path: str | int) -> Location:
        """Return the location of the value at *path*, or of the closest parent in the file."""
        if self.tree is None or self.tree.root is None:
            return Location(self.path)
        offset = _offset(self.tree.root, path)
        return Location(self.path) if offset is None else self.tree.source.location(offset)


def _offset(root: Node, path: Iterable[str | int]) -> int | None:
    """Return where the key or item at *path* begins, or that of its closest parent below *root*."""
    node, offset = root, None
    for step in path:
        node = resolve(node)
        if isinstance(node, MappingNode) and (entry := node.entry(str(step))):
            node, offset = entry.value, entry.start
        elif isinstance(node, SequenceNode) and isinstance(step, int):
            node = node.items[step]
            offset = node.outer_start
        else:
            break
    return offset


def load_settings(data: bytes | None, path: str = FILE_NAME) -> Settings:
    """Return the settings in the file at *path*.

    Args:
        data: The content of the file; None if it does not exist.
        path: The path, for messages.

    Raises:
        InputError: The file is not YAML, a key is unknown, a value has the wrong type, or an entry
            of the image catalog is invalid. The error has the line.
    """
    tree = None if data is None else parse(Source.decode(path, data))
    if tree is None or tree.root is None:
        return Settings(path=path)
    values = to_python(tree.root, tree.source)
    try:
        (file,) = convert([values], _ROOT)
    except ValidationError as error:
        raise _explain(str(error), values, tree) from None
    try:
        catalog = load_catalog().with_entries(values.get("catalog", []))
    except ValueError as error:
        at = Settings(path=path, tree=tree).location("catalog")
        raise InputError(str(error), location=at) from None
    given = {name: getattr(file, name) for name in _Settings.__struct_fields__}
    return Settings(**given, path=path, catalog=catalog, tree=tree)


# In a list, so that a message has a path even if the file as a whole is wrong.
_ROOT = tuple[SettingsFile]
_STEP = r"\.(?P<field>\w+)|\[(?P<item>\d+)\]|\[\.\.\.\]"
_TYPE_NAMES = {
    "str": "text",
    "int": "a whole number",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping of names to values",
}


def _explain(problem: str, values: Any, tree: Tree) -> InputError:
    """Return the error for *problem*, a message of msgspec about *values*, the values of *tree*."""
    text, _, at = problem.rpartition(" - at `$")
    path, kind, value = _locate(at, values)
    where = ".".join(step for step in path if isinstance(step, str))
    known = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Struct):
        known = tuple(each.encode_name for each in fields(kind))
    start, _, name = text.partition("`")
    remedy = ""
    if start == "Object contains unknown field ":
        name = name[:-1]
        text = f"unknown key {name!r}" + (f" in {where}" if where else "")
        path, remedy = (*path, name), did_you_mean(name, known, "allowed:")
    elif start == "Object missing required field ":
        text = f"{where} has no {name[:-1]}"
    elif start == "Expected ":
        types = name.partition("`")[0].split(" | ")
        text = f"{where or 'a settings file'} takes {' or '.join(_TYPE_NAMES[t] for t in types)}"
    elif start.startswith("Invalid enum value"):
        text = f"{where}: {value!r} is not one of {', '.join(known)}"
        remedy = did_you_mean(value, known, "allowed:")
    offset = _offset(tree.root, path) if tree.root else None
    return InputError(
        text,
        location=tree.source.location(offset or 0),
        remedy=remedy,
        source_line=tree.source.line(offset or 0),
    )


def _locate(text: str, values: Any) -> tuple[tuple[str | int, ...], Any, Any]:
    """Return the path that msgspec writes as *text*, the type of the value there, and the value.

    msgspec writes every key of a mapping as ``[...]``; it is the first one with an invalid value.
    """
    path: list[str | int] = []
    kind: Any = _ROOT
    value: Any = [values]
    for match in re.finditer(_STEP, text):
        step: str | int
        if match["field"]:
            step = match["field"]
            kind = next(each.type for each in fields(kind) if each.encode_name == step)
        elif match["item"]:
            step, kind = int(match["item"]), get_args(kind)[0]
        else:
            kind = get_args(kind)[1]
            step = next(key for key, part in value.items() if not _is_valid(part, kind))
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        if get_origin(kind) in {Union, UnionType}:
            kind = next(each for each in get_args(kind) if each not in {NoneType, UnsetType})
        path.append(step)
        value = value[step]
    return tuple(path[1:]), kind, value


def _is_valid(value: Any, kind: Any) -> bool:
    try:
        convert(value, kind)
    except ValidationError:
        return False
    return True


def schema() -> dict[str, Any]:
    """Return the JSON schema of a settings file."""
    (file,), definitions = schemas([SettingsFile])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FILE_NAME,
        **file,
        "$defs": definitions,
    }


def schema_text() -> str:
    """Return the text of the schema file that ships with the tool."""
    return json.dumps(schema(), indent=2) + "\n"
