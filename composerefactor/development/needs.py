"""Finds what a service has for development alone, with the evidence for each."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from composerefactor.catalog.catalog import load
from composerefactor.compose.image import parse_image
from composerefactor.compose.merged import item_nodes, merged_get, scalar_text
from composerefactor.compose.ports import parse_port
from composerefactor.compose.volumes import parse_volume
from composerefactor.edits.operations import Replace, YamlEdit
from composerefactor.health.dockerfile import read_dockerfile
from composerefactor.patterns import regex
from composerefactor.yamltree.nodes import Mapping, Node, Scalar, Sequence
from composerefactor.yamltree.path import Path

TOOLS = frozenset(
    """adminer dbgate mailcatcher maildev mailhog mailpit mongo-express pgadmin pgadmin4 pgweb
    phpmyadmin redis-commander redisinsight storybook swagger-editor swagger-ui""".split()  # noqa: SIM905 - a list of words
)
"""Services that show or catch what developers look at; no other service asks them for anything."""
PROFILES = frozenset({"debug", "dev", "devel", "development", "local", "test", "testing", "tests"})
DEBUG_PORTS = ("9229", "9230", "5678", "5005", "2345", "35729", "24678")
"""Node.js inspector, debugpy, Java, Delve, live reload, Vite's reload."""

_RELOADS = regex(
    r"(?<![\w-])(?:--reload|--hot|--watch(?:-\w+)?|nodemon|ts-node-dev|watchmedo|watchexec|debugpy"
    r"|--inspect(?:-brk)?(?:=\S+)?|(?:npm|pnpm|bun)\s+(?:run\s+)?(?:dev|watch)\S*"
    r"|yarn\s+(?:run\s+)?(?:dev|watch)\S*|next\s+dev|vite|air|reflex|dotnet\s+watch"
    r"|manage\.py\s+runserver|flask\s+run\s.*--debug)(?![\w-])"
)
_MODES = regex(r"(?:[A-Z]+_)*ENV(?:IRONMENT)?|(?:[A-Z]+_)+MODE")
_DEVELOPMENT = {"development": "production", "dev": "prod", "Development": "Production"}
_SWITCHES = regex(r"(?:[A-Z]+_)*(?:DEBUG|HOT_RELOAD|RELOAD|USE_?POLLING|WATCH)")
_POLLING = regex(r"(?:CHOKIDAR|WATCHPACK|WDS)_\w+|PYTHONDONTWRITEBYTECODE|FAST_REFRESH")
_ON = frozenset({"1", "true", "True", "yes", "on", "*"})
_SOURCES = frozenset(
    """api app apps assets client cmd components hooks internal lib libs packages pages
    pkg public server src static styles templates test tests utils views web""".split()  # noqa: SIM905 - a list of words
)
"""Directories with code; what else is mounted from a context may be data, and stays."""
_SOURCE_FILE = regex(
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

    def needs(self, service: str, body: Mapping) -> Iterator[Need]:
        """Yield what *service*, whose mapping is *body*, has for development alone."""
        yield from self._mounts(service, body)
        yield from self._command(service, body)
        yield from self._environment(service, body)
        yield from self._ports(service, body)
        yield from self._target(service, body)

    def _mounts(self, service: str, body: Mapping) -> Iterator[Need]:
        context, node = self._context(body), body.get("volumes")
        if context is None or not isinstance(node, Sequence):
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

    def _command(self, service: str, body: Mapping) -> Iterator[Need]:
        for key in ("command", "entrypoint"):
            node = body.get(key)
            words = " ".join(scalar_text(item) or "" for item in item_nodes(node))
            match = _RELOADS.search(words)
            if node is not None and match and self._context(body) is not None:
                evidence = f"{match[0]} reloads or debugs; the image's own {key} serves"
                yield Need(service, key, node.start, evidence, (("services", service, key),))

    def _environment(self, service: str, body: Mapping) -> Iterator[Need]:
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

    def _ports(self, service: str, body: Mapping) -> Iterator[Need]:
        node = body.get("ports")
        for n, item in enumerate(node.items if isinstance(node, Sequence) else ()):
            port = parse_port(scalar_text(item) or "")
            if port is not None and port.target in self.debug_ports:
                path: Path = ("services", service, "ports", n)
                words = f"{port.target} is a debugger's port"
                yield Need(service, "ports", item.start, words, (path,))

    def _target(self, service: str, body: Mapping) -> Iterator[Need]:
        build = body.get("build")
        node = build.get("target") if isinstance(build, Mapping) else None
        stage = scalar_text(node)
        context = self._context(body)
        if not isinstance(build, Mapping) or node is None or stage not in _STAGES:
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

    def _context(self, body: Mapping) -> str | None:
        """Return the local build context of the service, or None."""
        build = merged_get(body, "build")
        if build is None:
            return None
        written = merged_get(build, "context") if isinstance(build, Mapping) else build
        context = scalar_text(written) or "."
        return None if "://" in context or context[0] in "$/~" else posixpath.normpath(context)

    def _all(self, body: Mapping, key: str, gone: list[Path]) -> tuple[Path, ...]:
        """Return *gone*, or the key itself where nothing would be left of it."""
        node = body.get(key)
        count = len(node.items) if isinstance(node, Sequence) else -1
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
    if isinstance(node, Mapping):
        for entry in node.entries:
            value = entry.value
            if entry.name and isinstance(value, Scalar) and not entry.is_merge:
                yield entry.name, value.value, entry.name, entry.start
    elif isinstance(node, Sequence):
        for n, item in enumerate(node.items):
            name, _, text = (scalar_text(item) or "").partition("=")
            yield name, text, n, item.start
