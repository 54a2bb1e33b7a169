"""What a project's settings say."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, get_args

from msgspec import Struct, field

from composerefactor.errors import InputError, Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.catalog import load as load_catalog
from composerefactor.images.entries import Evidence
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.nodes import MappingNode, Node, Tree, resolve
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

FILE_NAME = ".composerefactor.yml"


class SplitDefaults(Struct, frozen=True):
    """Defaults of ``split``; None and empty where the file gives none."""

    into: str | None = None
    granularity: str | None = None
    strategy: str | None = None
    anchors: str | None = None
    groups: Mapping[str, tuple[str, ...]] = {}
    modules: Mapping[str, str] = {}
    environments: Mapping[str, str] = {}
    stay: tuple[str, ...] = ()


class FixDefaults(Struct, frozen=True):
    """Defaults of ``fix``; None and empty where the file gives none."""

    select: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    unsafe: bool | None = None


class AnalyzeDefaults(Struct, frozen=True):
    """Defaults of ``analyze``: rules to *skip*, a *baseline*, the severity to *fail_on*."""

    skip: tuple[str, ...] = ()
    baseline: str | None = None
    fail_on: str | None = None


class Settings(Struct, frozen=True):
    """The settings of a project.

    *ignore* maps transforms and rules to services that they leave alone, with the reason of each;
    *transforms* maps transforms to their options. Names of transforms, options and services are
    not checked here: :meth:`location` tells where one is written.
    """

    path: str = FILE_NAME
    catalog: Catalog = field(default_factory=load_catalog)
    ignore: Mapping[str, Mapping[str, str]] = {}
    split: SplitDefaults = field(default_factory=SplitDefaults)
    fix: FixDefaults = field(default_factory=FixDefaults)
    analyze: AnalyzeDefaults = field(default_factory=AnalyzeDefaults)
    transforms: Mapping[str, Mapping[str, Any]] = {}
    tree: Tree | None = None

    def location(self, *keys: str) -> Location:
        """Return where the value below *keys* is written, as far as it is."""
        if self.tree is None or self.tree.root is None:
            return Location(self.path)
        node, at = self.tree.root, Location(self.path)
        for key in keys:
            node = resolve(node)
            entry = node.entry(key) if isinstance(node, MappingNode) else None
            if entry is None:
                break
            node, at = entry.value, self.tree.source.location(entry.start)
        return at


def load_settings(data: bytes | None, path: str = FILE_NAME) -> Settings:
    """Return what the settings file at *path* says; *data* is its content, None for no file.

    Raises InputError, with the line, for text that is no YAML, an unknown key, a value of another
    type, and a catalogue entry that cannot be used.
    """
    tree = None if data is None else parse(Source.decode(path, data))
    if tree is None or tree.root is None:
        return Settings(path)
    # Few projects have settings, and every run imports this module.

    FORM.check(tree.root, "", tree.source)
    values = to_python(tree.root, tree.source)
    split, fix = values.get("split", {}), values.get("fix", {})
    analyze = values.get("analyze", {})
    groups = {name: tuple(services) for name, services in split.get("groups", {}).items()}
    try:
        catalog = load_catalog().with_entries(values.get("catalog", []))
    except ValueError as error:
        at = Settings(path, tree=tree).location("catalog")
        raise InputError(str(error), location=at) from None
    return Settings(
        path,
        catalog=catalog,
        ignore=values.get("ignore", {}),
        split=SplitDefaults(**{**split, "groups": groups, "stay": tuple(split.get("stay", ()))}),
        fix=FixDefaults(
            tuple(fix.get("select", ())), tuple(fix.get("skip", ())), fix.get("unsafe")
        ),
        analyze=AnalyzeDefaults(
            tuple(analyze.get("skip", ())), analyze.get("baseline"), analyze.get("fail_on")
        ),
        transforms=values.get("transforms", {}),
        tree=tree,
    )


class Shape(Protocol):
    """The form of a value."""

    def check(self, node: Node, where: str, source: Source) -> None:
        """Raise InputError, with file and line, where *node*, the value of *where*, is none."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema (draft 2020-12) of the form."""
        ...


class Plain(Struct, frozen=True):
    """A scalar of one of the types *kinds*: ``string``, ``integer``, ``boolean``, ``null``.

    *choices* are the only values where some are given.
    """

    kinds: tuple[str, ...]
    about: str = ""
    choices: tuple[str, ...] = ()

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        target = resolve(node)
        value = to_python(target, source) if isinstance(target, yaml.ScalarNode) else []
        kind = _KINDS.get(type(value), "")
        if kind not in self.kinds:
            expected = " or ".join(_NAMES[kind] for kind in self.kinds)
            raise _error(node, source, f"{where} takes {expected}")
        if self.choices and value not in self.choices:
            raise _error(
                node,
                source,
                f"{where}: {value!r} is none of {', '.join(self.choices)}",
                _suggestion(str(value), self.choices),
            )

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        kinds = list(self.kinds)
        return {
            **({"description": self.about} if self.about else {}),
            **({"enum": list(self.choices)} if self.choices else {}),
            "type": kinds[0] if len(kinds) == 1 else kinds,
        }


class ListOf(Struct, frozen=True):
    """A list of *item*."""

    item: Shape
    about: str = ""
    or_null: bool = False

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        target = resolve(node)
        if self.or_null and _is_null(target):
            return
        if not isinstance(target, yaml.SequenceNode):
            raise _error(node, source, f"{where} takes a list")
        for item in target.items:
            self.item.check(item, where, source)

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return {
            **_about(self.about),
            "type": ["array", "null"] if self.or_null else "array",
            "items": self.item.schema(),
        }


class MapOf(Struct, frozen=True):
    """A mapping of any names to *value*."""

    value: Shape
    about: str = ""

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        for entry in _entries(node, where, source):
            self.value.check(entry.value, f"{where}.{entry.name}", source)

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return {
            **_about(self.about),
            "type": "object",
            "additionalProperties": self.value.schema(),
        }


class Record(Struct, frozen=True):
    """A mapping with the keys *fields* and no others; those in *required* must be there."""

    fields: Mapping[str, Shape]
    about: str = ""
    required: Sequence[str] = ()
    or_null: bool = False

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""
        if self.or_null and _is_null(resolve(node)):
            return
        entries = _entries(node, where, source)
        for entry in entries:
            shape = self.fields.get(entry.name or "")
            if shape is None:
                raise InputError(
                    f"unknown key {entry.name!r}" + (f" in {where}" if where else ""),
                    location=source.location(entry.start),
                    remedy=_suggestion(entry.name or "", self.fields),
                    source_line=source.line(entry.start),
                )
            shape.check(entry.value, f"{where}.{entry.name}".removeprefix("."), source)
        missing = [name for name in self.required if name not in {e.name for e in entries}]
        if missing:
            raise _error(node, source, f"{where} lacks {', '.join(missing)}")

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return {
            **_about(self.about),
            "type": ["object", "null"] if self.or_null else "object",
            "properties": {name: shape.schema() for name, shape in self.fields.items()},
            **({"required": list(self.required)} if self.required else {}),
            "additionalProperties": False,
        }


class Anything(Struct, frozen=True):
    """Any value; what it belongs to checks it."""

    about: str = ""

    def check(self, node: Node, where: str, source: Source) -> None:
        """See :class:`Shape`."""

    def schema(self) -> dict[str, Any]:
        """See :class:`Shape`."""
        return _about(self.about)


_KINDS = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
_NAMES = {"string": "text", "integer": "a whole number", "boolean": "true or false", "null": "null"}


def _is_null(node: Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.is_null


def _entries(node: Node, where: str, source: Source) -> list[yaml.Entry]:
    target = resolve(node)
    if isinstance(target, yaml.MappingNode) and all(
        e.name and not e.is_merge for e in target.entries
    ):
        return target.entries
    raise _error(node, source, f"{where or 'a settings file'} takes a mapping of names to values")


def _about(text: str) -> dict[str, Any]:
    return {"description": text} if text else {}


def _suggestion(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"


def _error(node: Node, source: Source, problem: str, remedy: str = "") -> InputError:
    at = node.outer_start
    return InputError(
        problem, location=source.location(at), remedy=remedy, source_line=source.line(at)
    )


_TEXT = Plain(("string",))
_TEXTS = ListOf(_TEXT)
_FLAG = Plain(("boolean",))
_PORT = Plain(("integer", "string"))
_DURATION = Plain(("string",), "A duration, as 30s or 1m30s.")
_TEST = ListOf(_TEXT, "As a Compose file has it: CMD or CMD-SHELL first, $$ for a dollar.")
_TEST_OR_NONE = ListOf(
    _TEXT, "As a Compose file has it; null where nothing can do it.", or_null=True
)

_CONDITION = Record(
    {
        "names": _TEXTS,
        "tag": Plain(("string",), "Versions: <18, or >=3.6, <4, or 1.x."),
        "flavours": _TEXTS,
        "environment": MapOf(Plain(("string", "null"), "A pattern; null: not set.")),
        "command": _TEXTS,
        "moved": _FLAG,
    },
    "All that is given must hold.",
)

_TIMES = {
    "profile": Plain(("string",), choices=("fast", "normal", "slow", "very_slow")),
    "interval": _DURATION,
    "timeout": _DURATION,
    "retries": Plain(("integer",)),
    "start_period": _DURATION,
}

CATALOG_ENTRY = Record(
    {
        "id": Plain(("string",), "A known id changes that entry, any other adds one."),
        "names": ListOf(_TEXT, "Repositories of images, without tag."),
        "category": Plain(("string",), "One of the categories of services."),
        "ports": ListOf(_PORT, "Container ports, the main one first."),
        "data": ListOf(
            Record(
                {"path": _TEXT, "versions": _TEXT, "optional": _FLAG, "note": _TEXT},
                "A path that holds state.",
                ("path",),
            )
        ),
        "secrets": ListOf(
            Record(
                {
                    "env": _TEXT,
                    "file": _FLAG,
                    "file_name": _TEXT,
                    "versions": _TEXT,
                    "note": _TEXT,
                },
                "A variable that is a credential; file: the image reads NAME_FILE.",
                ("env",),
            )
        ),
        "file_env": _TEXTS,
        "healthcheck": Record({"test": _TEST, **_TIMES}, "", ("test",), or_null=True),
        "profile": _TIMES["profile"],
        "builtin": Plain(("boolean",), "The image has a HEALTHCHECK of its own."),
        "listens": Record({"options": _TEXTS, "published": ListOf(_PORT)}),
        "requires": ListOf(_CONDITION, "One of these must hold for any check."),
        "needs": _TEXT,
        "variants": ListOf(
            Record(
                {"when": _CONDITION, "test": _TEST_OR_NONE, "note": _TEXT, "refines": _FLAG},
                "Another check; the first whose condition holds is taken.",
                ("when", "test"),
            )
        ),
        "alternatives": ListOf(Record({"for": _TEXT, "test": _TEST}, "", ("for", "test"))),
        "has": MapOf(Plain(("boolean", "string")), "Programs that are in the image, or not."),
        "notes": _TEXT,
        "source": _TEXT,
        "verified": Plain(("string",), choices=get_args(Evidence)),
    },
    "What is known about an image.",
    ("id",),
)

FORM = Record(
    {
        "catalog": ListOf(CATALOG_ENTRY, "What this project knows about images."),
        "ignore": MapOf(
            MapOf(Plain(("string",), "Why.")),
            "By transform or rule, and service: to be left alone.",
        ),
        "split": Record(
            {
                "into": Plain(("string",), "Directory of the modules."),
                "granularity": Plain(("string",), choices=("auto", "service", "category")),
                "strategy": Plain(("string",), choices=("include", "extends")),
                "anchors": Plain(
                    ("string",), "What becomes of shared x- blocks.", ("copy", "extends")
                ),
                "groups": MapOf(_TEXTS, "Services for one module, by its name."),
                "modules": MapOf(_TEXT, "The file of a service's module."),
                "environments": MapOf(_TEXT, "What a root file's environment is called."),
                "stay": ListOf(_TEXT, "Services that stay in place."),
            },
            "Defaults of composerefactor split.",
        ),
        "fix": Record(
            {
                "select": ListOf(_TEXT, "The transforms to run."),
                "skip": ListOf(_TEXT, "The transforms to leave out."),
                "unsafe": Plain(("boolean",), "Also run those that change what runs."),
            },
            "Defaults of composerefactor fix.",
        ),
        "analyze": Record(
            {
                "skip": ListOf(_TEXT, "The rules to leave out."),
                "baseline": Plain(("string",), "The file with the findings that are known."),
                "fail_on": Plain(("string",), choices=("info", "low", "medium", "high")),
            },
            "Defaults of composerefactor analyze.",
        ),
        "transforms": MapOf(MapOf(Anything()), "Options of transforms, by name."),
    },
    "Settings of composerefactor for this project.",
)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a settings file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": ".composerefactor.yml",
        **FORM.schema(),
    }


def schema_text() -> str:
    """Return the text of the schema as it ships."""
    return json.dumps(schema(), indent=2) + "\n"
