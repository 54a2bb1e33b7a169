"""What a project's settings say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from composerefactor.catalog.catalog import Catalog
from composerefactor.catalog.catalog import load as load_catalog
from composerefactor.errors import InputError, Location
from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.nodes import Mapping as MappingNode
from composerefactor.yamltree.nodes import Tree, resolve
from composerefactor.yamltree.values import to_python

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
    from composerefactor.settings.form import FORM  # noqa: PLC0415

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
