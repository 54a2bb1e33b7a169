"""Finds what a service has for development alone, with the evidence for each."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.ports import parse_port
from composerefactor.compose.volumes import parse_volume
from composerefactor.edit.apply import edited
from composerefactor.edit.operations import Remove, Replace, YamlEdit
from composerefactor.images.catalog import load
from composerefactor.images.dockerfiles import read_dockerfile
from composerefactor.yaml.comments import Region, item_regions, regions
from composerefactor.yaml.nodes import MappingNode, Node, Path, ScalarNode, SequenceNode, node_at
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source

TOOLS = frozenset(
    """adminer dbgate mailcatcher maildev mailhog mailpit mongo-express pgadmin pgadmin4 pgweb
    phpmyadmin redis-commander redisinsight storybook swagger-editor swagger-ui""".split()  # noqa: SIM905 - a list of words
)
"""Services that show or catch what developers look at; no other service asks them for anything."""
PROFILES = frozenset({"debug", "dev", "devel", "development", "local", "test", "testing", "tests"})
DEBUG_PORTS = ("9229", "9230", "5678", "5005", "2345", "35729", "24678")
"""Node.js inspector, debugpy, Java, Delve, live reload, Vite's reload."""

_RELOADS = re.compile(
    r"(?<![\w-])(?:--reload|--hot|--watch(?:-\w+)?|nodemon|ts-node-dev|watchmedo|watchexec|debugpy"
    r"|--inspect(?:-brk)?(?:=\S+)?|(?:npm|pnpm|bun)\s+(?:run\s+)?(?:dev|watch)\S*"
    r"|yarn\s+(?:run\s+)?(?:dev|watch)\S*|next\s+dev|vite|air|reflex|dotnet\s+watch"
    r"|manage\.py\s+runserver|flask\s+run\s.*--debug)(?![\w-])"
)
_MODES = re.compile(r"(?:[A-Z]+_)*ENV(?:IRONMENT)?|(?:[A-Z]+_)+MODE")
_DEVELOPMENT = {"development": "production", "dev": "prod", "Development": "Production"}
_SWITCHES = re.compile(r"(?:[A-Z]+_)*(?:DEBUG|HOT_RELOAD|RELOAD|USE_?POLLING|WATCH)")
_POLLING = re.compile(r"(?:CHOKIDAR|WATCHPACK|WDS)_\w+|PYTHONDONTWRITEBYTECODE|FAST_REFRESH")
_ON = frozenset({"1", "true", "True", "yes", "on", "*"})
_SOURCES = frozenset(
    """api app apps assets client cmd components hooks internal lib libs packages pages
    pkg public server src static styles templates test tests utils views web""".split()  # noqa: SIM905 - a list of words
)
"""Directories with code; what else is mounted from a context may be data, and stays."""
_SOURCE_FILE = re.compile(
    r"package(?:-lock)?\.json|tsconfig[\w.]*\.json|[\w.-]+\.config\.[cm]?[jt]s|pyproject\.toml"
    r"|[\w-]+\.(?:[cm]?[jt]sx?|py|rb|go|php|html)"
)
_STAGES = frozenset({"debug", "dev", "devel", "development", "local"})


class Need(Struct, frozen=True):
    """One thing that production does without.

    *gone* are the addresses that are left out, *edits* what is written otherwise. *key* is the
    attribute of *service* that differs, ``""`` where the service is left out.
    """

    service: str
    key: str
    at: int
    evidence: str
    gone: tuple[Path, ...] = ()
    edits: tuple[YamlEdit, ...] = ()


class Finder:
    """Finds the needs of the services of one file, as far as they are written in the service."""

    def __init__(
        self, path: str, read: Callable[[str], str | None], debug_ports: Collection[str]
    ) -> None:
        self.path = path
        self.read = read
        self.debug_ports = frozenset(debug_ports)

    def needs(self, service: str, body: MappingNode) -> Iterator[Need]:
        """Yield what *service*, whose mapping is *body*, has for development alone."""
        yield from self._mounts(service, body)
        yield from self._command(service, body)
        yield from self._environment(service, body)
        yield from self._ports(service, body)
        yield from self._target(service, body)

    def _mounts(self, service: str, body: MappingNode) -> Iterator[Need]:
        context, node = self._context(body), body.get("volumes")
        if context is None or not isinstance(node, SequenceNode):
            return
        places: list[str] = []
        gone: list[Path] = []
        at = node.start
        found = [parse_volume(scalar_text(item) or "") for item in node.items]
        for n, volume in enumerate(found):
            if volume is not None and volume.kind == "bind" and _is_source(volume.source, context):
                at = node.items[n].start if not gone else at
                places.append(volume.target.rstrip("/") or "/")
                gone.append(("services", service, "volumes", n))
        for n, volume in enumerate(found):
            below = volume is not None and any(volume.target.startswith(f"{p}/") for p in places)
            if below and volume is not None and volume.source is None:
                gone.append(("services", service, "volumes", n))
        if gone:
            words = f"mounts the source over what the image holds: {', '.join(places)}"
            yield Need(service, "volumes", at, words, self._all(body, "volumes", gone))

    def _command(self, service: str, body: MappingNode) -> Iterator[Need]:
        for key in ("command", "entrypoint"):
            node = body.get(key)
            words = " ".join(scalar_text(item) or "" for item in item_nodes(node))
            match = _RELOADS.search(words)
            if node is not None and match and self._context(body) is not None:
                evidence = f"{match[0]} reloads or debugs; the image's own {key} serves"
                yield Need(service, key, node.start, evidence, (("services", service, key),))

    def _environment(self, service: str, body: MappingNode) -> Iterator[Need]:
        node = body.get("environment")
        for name, value, where, at in _pairs(node):
            path: Path = ("services", service, "environment", where)
            if _MODES.fullmatch(name) and value in _DEVELOPMENT:
                production = _DEVELOPMENT[value]
                text = production if isinstance(where, str) else f"{name}={production}"
                words = f"{name} is {value}, {production} in production"
                edit = Replace(self.path, path, text)
                yield Need(service, "environment", at, words, edits=(edit,))
            elif (_SWITCHES.fullmatch(name) or _POLLING.fullmatch(name)) and value in _ON:
                yield Need(service, "environment", at, f"{name} is {value}", (path,))

    def _ports(self, service: str, body: MappingNode) -> Iterator[Need]:
        node = body.get("ports")
        for n, item in enumerate(node.items if isinstance(node, SequenceNode) else ()):
            port = parse_port(scalar_text(item) or "")
            if port is not None and port.target in self.debug_ports:
                path: Path = ("services", service, "ports", n)
                words = f"{port.target} is a debugger's port"
                yield Need(service, "ports", item.start, words, (path,))

    def _target(self, service: str, body: MappingNode) -> Iterator[Need]:
        build = body.get("build")
        node = build.get("target") if isinstance(build, MappingNode) else None
        stage = scalar_text(node)
        context = self._context(body)
        if not isinstance(build, MappingNode) or node is None or stage not in _STAGES:
            return
        named = scalar_text(build.get("dockerfile")) or "Dockerfile"
        text = self.read(posixpath.join(context, named)) if context is not None else None
        stages = [s.name for s in read_dockerfile(text).stages] if text else []
        better = [name for name in stages if name in {"production", "prod", "release", "runtime"}]
        path: Path = ("services", service, "build", "target")
        if better:
            edit = Replace(self.path, path, better[0])
            words = f"stage {stage}; {named} has {better[0]}"
            yield Need(service, "build", node.start, words, edits=(edit,))
        else:
            words = f"stage {stage}; without a target the last stage of {named} is built"
            yield Need(service, "build", node.start, words, (path,))

    def _context(self, body: MappingNode) -> str | None:
        """Return the local build context of the service, or None."""
        build = merged_get(body, "build")
        if build is None:
            return None
        written = merged_get(build, "context") if isinstance(build, MappingNode) else build
        context = scalar_text(written) or "."
        return None if "://" in context or context[0] in "$/~" else posixpath.normpath(context)

    def _all(self, body: MappingNode, key: str, gone: list[Path]) -> tuple[Path, ...]:
        """Return *gone*, or the key itself where nothing would be left of it."""
        node = body.get(key)
        count = len(node.items) if isinstance(node, SequenceNode) else -1
        return (gone[0][:-1],) if len(gone) == count else tuple(gone)


def developers_only(service: str, body: Node) -> str:
    """Return why nobody but developers needs *service*, or ``""``."""
    image = scalar_text(merged_get(body, "image"))
    parsed = parse_image(image) if image else None
    last = parsed.repository.rsplit("/", 1)[-1] if parsed else ""
    for name in (last, service):
        if name.lower().replace("_", "-") in TOOLS:
            return f"{name} shows developers something"
    if image and load().category(image) == "emulator":
        return f"{image} stands in for a cloud service"
    profiles = [scalar_text(item) or "" for item in item_nodes(merged_get(body, "profiles"))]
    if profiles and PROFILES.issuperset(profiles):
        return f"only in profile {', '.join(profiles)}"
    return ""


def _is_source(source: str | None, context: str) -> bool:
    """Return whether a bind mount's *source* is the build context, or sources in it."""
    if source is None or not source.startswith("."):
        return False
    path = posixpath.normpath(source)
    if path == context:
        return True
    inside = not path.startswith("..") if context == "." else path.startswith(f"{context}/")
    name = posixpath.basename(path)
    return inside and (name in _SOURCES or _SOURCE_FILE.fullmatch(name) is not None)


def _pairs(node: Node | None) -> Iterator[tuple[str, str, str | int, int]]:
    """Yield (name, value, step, offset) for the variables that a list or mapping writes."""
    if isinstance(node, MappingNode):
        for entry in node.entries:
            value = entry.value
            if entry.name and isinstance(value, ScalarNode) and not entry.is_merge:
                yield entry.name, value.value, entry.name, entry.start
    elif isinstance(node, SequenceNode):
        for n, item in enumerate(node.items):
            name, _, text = (scalar_text(item) or "").partition("=")
            yield name, text, n, item.start


def production(file: ComposeFile, gone: Collection[Path], edits: Iterable[YamlEdit]) -> str:
    """Return the text of *file* with *edits* and without what stands at the addresses *gone*.

    Comments go with what they belong to, since they stand in *file* as before. Raises RefusedError
    where an edit cannot be made.
    """
    cuts, inline = [], list(edits)
    for path in gone:
        region = _region(file, path)
        if region is None:
            inline.append(Remove(file.path, path))
        else:
            cuts.append((region.lead, _with_blank(file.source, region)))
    if inline and cuts:  # offsets are those of the text before
        edited_file = _read(file, edited(file, inline))
        return production(edited_file, [p for p in gone if _region(file, p) is not None], ())
    if inline:
        return edited(file, inline)
    text, at = [], 0
    for start, end in sorted(cuts):
        text.append(file.source.text[at : max(start, at)])
        at = max(end, at)
    return "".join([*text, file.source.text[at:]])


def _read(file: ComposeFile, text: str) -> ComposeFile:
    return ComposeFile.of(parse(Source(file.path, text, file.source.has_bom)))


def _region(file: ComposeFile, path: Path) -> Region | None:
    """Return the lines of what stands at *path*; None where it has none of its own."""
    region = file.regions_in(str(path[0])).get(str(path[1]))
    for n in range(2, len(path)):
        if region is None:
            return None
        region = next(
            (part for part, step in _parts(file, path[:n], region) if step == path[n]), None
        )
    return region


def _parts(
    file: ComposeFile, path: Path, region: Region
) -> Iterator[tuple[Region, str | int | None]]:
    node, start = node_at(file.root, path), file.source.next_line(region.key)
    if isinstance(node, MappingNode):
        for part in regions(file.source, node, start=start, end=region.end) or []:
            yield part, part.entry.name
    elif isinstance(node, SequenceNode):
        found = item_regions(file.source, node, start=start, end=region.end) or []
        yield from ((part, n) for n, part in enumerate(found))


def _with_blank(source: Source, region: Region) -> int:
    """Return the end of the lines of *region*, with a blank line below where one stands above."""
    above = source.line(region.lead - 1) if region.lead else ""
    if region.end < len(source.text) and not above.strip() and not source.line(region.end).strip():
        return source.next_line(region.end)
    return region.end
