"""The parts of a service that only development needs, with the evidence for each."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.definitions import text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import name_words
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import Variable, sole_expression
from composerefactor.compose.paths import is_absolute, is_outside, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service
from composerefactor.compose.short_forms import parse_port
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.errors import RefusedError
from composerefactor.images.catalog import catalog_of
from composerefactor.images.dockerfiles import (
    Chain,
    Dockerfile,
    dockerfile_text,
    exposed_ports,
    read_dockerfile,
)
from composerefactor.images.environments import MODE_VARIABLE, NAMES
from composerefactor.yaml.comments import Region, item_regions, regions
from composerefactor.yaml.nodes import (
    AliasNode,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    node_at,
    walk,
)
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import item_nodes, scalar_text

TOOLS = frozenset(
    """adminer dbgate mailcatcher maildev mailhog mailpit mongo-express pgadmin pgadmin4 pgweb
    phpmyadmin redis-commander redisinsight storybook swagger-editor swagger-ui""".split()  # noqa: SIM905 - a list of words
)
"""Services that show or catch something for developers; no other service depends on them."""
DEBUG_PORTS = ("9229", "9230", "5678", "5005", "2345", "35729", "24678")
"""Node.js inspector, debugpy, Java, Delve, live reload, Vite's reload."""

RELOADS = (
    r"(?<![\w-])(?:--reload|--hot|--watch(?:-\w+)?|nodemon|ts-node-dev|watchmedo|watchexec|debugpy"
    r"|--inspect(?:-brk)?(?:=\S+)?"
    r"|(?:npm|pnpm|bun|yarn)\s+(?:run\s+)?(?:\w+[-:])?(?:dev|watch)\S*|next\s+dev|vite|air|reflex|dotnet\s+watch"
    r"|manage\.py\s+runserver|flask\s+run\s.*--debug)(?![\w-])"
)
"""What a command line says that reloads or debugs a program."""
_PRODUCTION_MODES = {"development": "production", "dev": "prod", "local": "production"}
ONLY_TWO_MODES = frozenset({"NODE_ENV", "BABEL_ENV", "FLASK_ENV", "RAILS_ENV", "RACK_ENV"})
"""Variables of programs that know development and production alone."""
_SWITCHES = r"(?:[A-Z]+_)*(?:DEBUG|HOT_RELOAD|RELOAD|USE_?POLLING|WATCH)"
_POLLING = r"(?:CHOKIDAR|WATCHPACK|WDS)_\w+|PYTHONDONTWRITEBYTECODE|FAST_REFRESH"
_TRUE = frozenset({"1", "true", "True", "yes", "on", "*"})
_SOURCES = frozenset(
    """api app apps assets client cmd components hooks internal lib libs packages pages
    pkg public server src static styles templates test tests utils views web""".split()  # noqa: SIM905 - a list of words
)
"""Directories with code; other directories of a context may contain data, and stay mounted."""
_DEPENDENCIES = frozenset({".next", ".venv", "node_modules", "vendor", "venv"})
"""Directories that an anonymous volume protects from the source mount beside it."""
_SOURCE_FILE = (
    r"phpunit\.xml(?:\.dist)?|pytest\.ini|package(?:-lock)?\.json|tsconfig[\w.]*\.json|[\w.-]+\.config\.[cm]?[jt]s|pyproject\.toml"
    r"|[\w-]+\.(?:[cm]?[jt]sx?|py|rb|go|php|html)"
)


def mode_in(kind: Literal["production", "staging"], name: str, mode: str) -> str:
    """Return the value of *kind* for the variable *name* if *mode* is one for development.

    ``""`` if it is not, or if the program has no such mode. The letters keep their case.
    """
    production = _PRODUCTION_MODES.get(mode.lower(), "")
    if mode.lower() == "local" and "ENV" not in name:  # as in STORAGE_MODE
        return ""
    word = production if kind == "production" else production and "staging"
    if kind == "staging" and name in ONLY_TWO_MODES:
        return ""
    return word.upper() if mode.isupper() else word.title() if mode.istitle() else word


def default_of(value: str) -> Variable | None:
    """Return the variable of *value* if that is nothing but a variable with a default."""
    found = sole_expression(value)
    return found.variable if found and found.variable.default is not None else None


_OFF = {"1": "0", "true": "false", "True": "False", "yes": "no", "on": "off"}
LOG_LEVEL = r"(?:\w+_)?LOG(?:GING)?_?LEVEL|RUST_LOG"
_LOCAL_ADDRESS = r"https?://(?:localhost|127\.0\.0\.1)(?::\d+)?(?:/[^@\s]*)?"
_NO_MODE = frozenset(
    """bucket branch database db dir directory domain group host id image index key keyspace name
    namespace network password path prefix project queue realm role schema secret stream tag token
    topic url user username version volume""".split()  # noqa: SIM905 - a list of words
)
"""Words in the name of a variable whose value may be `dev` and is no mode."""


class EnvironmentValues(Struct, frozen=True):
    """The values of a variable in the environments; None where only the user knows it."""

    development: str
    staging: str | None
    production: str | None

    def as_defaults(self, variable: str) -> EnvironmentValues:
        """Return the values as defaults of the variable *variable*."""
        texts = (f"${{{variable}:-{each}}}" for each in (self.staging, self.production))
        return EnvironmentValues(self.development, *texts)


def values_by_environment(name: str, value: str) -> EnvironmentValues | None:
    """Return the values of the variable *name*, which is *value* now; None if one suits all.

    The values are conventions: the program that reads them decides.
    """
    if re.fullmatch(_LOCAL_ADDRESS, value):
        return EnvironmentValues(value, None, None)
    if re.fullmatch(_SWITCHES, name) and value in _OFF:
        return EnvironmentValues(value, _OFF[value], _OFF[value])
    if re.fullmatch(LOG_LEVEL, name) and value.lower() in {"debug", "trace"}:
        level = "INFO" if value.isupper() else "info"
        return EnvironmentValues(value, level, level)
    production = (
        "" if _NO_MODE.intersection(name_words(name)) else mode_in("production", name, value)
    )
    if MODE_VARIABLE.fullmatch(name):
        production = mode_in("production", name, value)
    if not production:
        return None
    return EnvironmentValues(value, mode_in("staging", name, value) or production, production)


class DevelopmentSetting(Struct, frozen=True):
    """A setting that only development needs.

    Attributes:
        service: The name of the service.
        key: The attribute that production sets in another way.
        at: The offset of the setting in the file.
        evidence: Why only development needs it.
        removed: The paths that move to the file for development.
        production: What production sets instead, by attribute.
        staging: The variables that have another value in staging.
    """

    service: str
    key: str
    at: int
    evidence: str
    removed: tuple[Path, ...] = ()
    production: Mapping[str, Value] = {}
    staging: Mapping[str, str] = {}


class DevelopmentFinder:
    """Finds the development settings in the services of a file.

    They are services of *project*; *debug_ports* are container ports for debuggers.
    Settings that a service merges or extends are not found.
    """

    def __init__(self, project: Project, debug_ports: Collection[str]) -> None:
        self.project = project
        self.debug_ports = frozenset(debug_ports)
        self._dockerfiles: dict[str, Dockerfile | None] = {}

    def settings(self, service: Service, body: MappingNode) -> Iterator[DevelopmentSetting]:
        """Yield the development settings of *service*, whose mapping in the file is *body*."""
        yield from self._mounts(service, body)
        yield from self._command(service, body)
        yield from self._environment(service.name, body)
        yield from self._ports(service, body)
        yield from self._target(service, body)
        yield from self._arguments(service.name, body)

    def _mounts(self, service: Service, body: MappingNode) -> Iterator[DevelopmentSetting]:
        context, node = _context(service), body.get("volumes")
        if context is None or not isinstance(node, SequenceNode) or not self._has_sources(service):
            return
        places: list[str] = []
        removed: list[Path] = []
        at = node.start
        mounted = {id(volume.at.node): volume.value for volume in service.volumes}
        mounts = [mounted.get(id(item)) for item in node.items]
        for n, volume in enumerate(mounts):
            if (
                volume is not None
                and volume.kind == "bind"
                and self._is_source(volume.source, context)
            ):
                at = node.items[n].start if not removed else at
                places.append(volume.target.rstrip("/") or "/")
                removed.append(("services", service.name, "volumes", n))
        for n, volume in enumerate(mounts):
            if volume is None or volume.source is not None or not places:
                continue
            is_below = any(volume.target.startswith(f"{place}/") for place in places)
            if is_below or posixpath.basename(volume.target) in _DEPENDENCIES:
                removed.append(("services", service.name, "volumes", n))
        if removed:
            evidence = f"mounts the source code over that of the image: {', '.join(places)}"
            paths = _whole_if_empty(node, removed)
            yield DevelopmentSetting(service.name, "volumes", at, evidence, paths)

    def _is_source(self, path: str | None, context: str) -> bool:
        """Return whether the *path* of a bind mount is the build context, or sources in it."""
        if path is None or is_absolute(path) or path == context:
            return path == context
        inside = not is_outside(path) if context == "." else path.startswith(f"{context}/")
        name = posixpath.basename(path)
        is_package = self.project.exists(posixpath.join(path, "__init__.py"))
        is_code = name in _SOURCES or re.fullmatch(_SOURCE_FILE, name) is not None
        return inside and (is_code or is_package)

    def _command(self, service: Service, body: MappingNode) -> Iterator[DevelopmentSetting]:
        for key in ("command", "entrypoint"):
            node = body.get(key)
            words = " ".join(scalar_text(item) or "" for item in item_nodes(node))
            match = re.search(RELOADS, words)
            if node is not None and match and self._has_command(service):
                evidence = f"{match[0]} reloads or debugs; the image has its own {key}"
                path: Path = ("services", service.name, key)
                yield DevelopmentSetting(service.name, key, node.start, evidence, (path,))

    def _environment(self, service: str, body: MappingNode) -> Iterator[DevelopmentSetting]:
        node = body.get("environment")
        for name, value, step, at in _variables(node):
            path: Path = ("services", service, "environment", step)
            variable = default_of(value)
            current = variable.default or "" if variable else value
            values = self._django_settings(name, current, body) or values_by_environment(
                name, current
            )
            is_switch = re.fullmatch(_SWITCHES, name) is not None
            is_level = body.get("build") is not None and re.fullmatch(LOG_LEVEL, name)
            is_known = MODE_VARIABLE.fullmatch(name) or is_level
            if values and values.production and (is_known or (is_switch and variable)):
                evidence = f"{name} is {values.development}, {values.production} in production"
                # the programs of others know two modes
                has_staging = values.staging != values.production and body.get("build") is not None
                if variable is not None:  # a value that the user sets has precedence everywhere
                    evidence = evidence.replace(",", " by default,", 1)
                    values = values.as_defaults(variable.name)
                yield DevelopmentSetting(
                    service,
                    "environment",
                    at,
                    evidence,
                    () if variable else (path,),
                    {"environment": {name: values.production}},
                    {name: values.staging or ""} if has_staging else {},
                )
            elif (is_switch or re.fullmatch(_POLLING, name)) and value in _TRUE:
                yield DevelopmentSetting(service, "environment", at, f"{name} is {value}", (path,))

    def _django_settings(
        self, name: str, module: str, body: MappingNode
    ) -> EnvironmentValues | None:
        """Return the modules of Django's settings, if that for production is beside *module*."""
        package, _, word = module.rpartition(".")
        build = body.get("build")
        context = scalar_text(build.get("context") if isinstance(build, MappingNode) else build)
        if name != "DJANGO_SETTINGS_MODULE" or word not in NAMES["development"] or context is None:
            return None
        for production in ("production", "prod"):
            path = path_from(context, f"{package.replace('.', '/')}/{production}.py")
            if self.project.exists(path):
                better = f"{package}.{production}"
                return EnvironmentValues(module, better, better)
        return None

    def _ports(self, service: Service, body: MappingNode) -> Iterator[DevelopmentSetting]:
        node = body.get("ports")
        items = node.items if isinstance(node, SequenceNode) else []
        image = text_of(service.image)
        entry = catalog_of(self.project).match(image) if image else None
        own = set(map(str, entry.ports)) if entry else set()
        for n, item in enumerate(items if len(items) > 1 else ()):
            port = parse_port(scalar_text(item) or "")
            if port is not None and port.target in self.debug_ports - own:
                path: Path = ("services", service.name, "ports", n)
                evidence = f"{port.target} is the port of a debugger"
                yield DevelopmentSetting(service.name, "ports", item.start, evidence, (path,))

    def _target(self, service: Service, body: MappingNode) -> Iterator[DevelopmentSetting]:
        build = body.get("build")
        node = build.get("target") if isinstance(build, MappingNode) else None
        stage = scalar_text(node)
        if not isinstance(build, MappingNode) or node is None or stage not in NAMES["development"]:
            return
        dockerfile = self._dockerfile(service)
        target = _production_target(dockerfile, stage) if dockerfile else ""
        if target is None:
            return
        name = service.name
        named = scalar_text(build.get("dockerfile")) or "Dockerfile"
        path: Path = ("services", name, "build", "target")
        evidence = f"stage {stage}; without a target Docker builds the last stage of {named}"
        production: Mapping[str, Value] = {}
        if target:
            evidence = f"stage {stage}; {named} has {target}"
            production = {"build": {"target": target}}
        yield DevelopmentSetting(name, "build", node.start, evidence, (path,), production)
        if dockerfile and (chain := dockerfile.chain(target, {})):
            yield from self._port_of_stage(service, body, chain)

    def _port_of_stage(
        self, service: Service, body: MappingNode, chain: Chain
    ) -> Iterator[DevelopmentSetting]:
        """Yield the only port of *service* if its image for production, *chain*, has another."""
        node = body.get("ports")
        written = [scalar_text(n) for n in node.items] if isinstance(node, SequenceNode) else []
        entry = catalog_of(self.project).match(chain.base)
        ports = exposed_ports(chain, {}) or tuple(map(str, entry.ports if entry else ()))
        published, colon, target = (written[0] or "").partition(":") if written else ("", "", "")
        if node is None or len(written) != 1 or not (colon and ports and target.isdecimal()):
            return
        if target not in ports:
            evidence = f"the image for production has port {ports[0]}, not {target}"
            path: Path = ("services", service.name, "ports")
            production: Mapping[str, Value] = {"ports": [Quoted(f"{published}:{ports[0]}")]}
            yield DevelopmentSetting(
                service.name, "ports", node.start, evidence, (path,), production
            )

    def _arguments(self, service: str, body: MappingNode) -> Iterator[DevelopmentSetting]:
        build = body.get("build")
        node = build.get("args") if isinstance(build, MappingNode) else None
        path: Path = ("services", service, "build", "args")
        arguments = [
            (mode_in("production", name, value) if MODE_VARIABLE.fullmatch(name) else "", argument)
            for argument in _variables(node)
            for name, value, _, _ in [argument]
        ]
        is_whole = all(production for production, _ in arguments)
        for production, (name, value, step, at) in arguments:
            if production:
                evidence = f"the argument {name} is {value}, {production} in production"
                yield DevelopmentSetting(
                    service,
                    "build",
                    at,
                    evidence,
                    (path if is_whole else (*path, step),),
                    {"build": {"args": {name: production}}},
                )

    def _dockerfile(self, service: Service) -> Dockerfile | None:
        """Return the Dockerfile of *service*, None if it is not known."""
        if service.name not in self._dockerfiles:
            text = dockerfile_text(self.project, service.build.value) if service.build else None
            self._dockerfiles[service.name] = read_dockerfile(text) if text else None
        return self._dockerfiles[service.name]

    def _chain(self, service: Service) -> Chain | None:
        """Return the build of the image of *service* for production, None if it is not known."""
        dockerfile = self._dockerfile(service)
        if dockerfile is None or service.build is None:
            return None
        stage = service.build.value.target or ""
        return dockerfile.chain(_production_target(dockerfile, stage) or stage, {})

    def _has_command(self, service: Service) -> bool:
        """Return whether the image of *service* is built with a command, as far as it is known."""
        chain = self._chain(service)
        return _context(service) is not None and (
            chain is None or (chain.last("CMD") or chain.last("ENTRYPOINT")) is not None
        )

    def _has_sources(self, service: Service) -> bool:
        """Return whether the image of *service* contains sources, as far as it is known."""
        dockerfile, chain = self._dockerfile(service), self._chain(service)
        stages = {each.name.lower() for each in dockerfile.stages} if dockerfile else set()
        sources = [
            each.flags.get("from", "")
            for each in (chain.instructions if chain else ())
            if each.name in {"COPY", "ADD"}
        ]
        return chain is None or any(
            not source or source.isdigit() or source.lower() in stages for source in sources
        )


def _whole_if_empty(mounts: SequenceNode, removed: list[Path]) -> tuple[Path, ...]:
    """Return *removed*, or the path of *mounts* itself if nothing would be left of it."""
    return (removed[0][:-1],) if len(removed) == len(mounts.items) else tuple(removed)


def _production_target(dockerfile: Dockerfile, stage: str) -> str | None:
    """Return the stage that production builds in place of *stage*; ``""`` is the last one.

    None if *stage* is for development, and there is none for production.
    """
    if stage not in NAMES["development"]:
        return stage
    names = [each.name for each in dockerfile.stages]
    better = [name for name in names if name in {"production", "prod", "release", "runtime"}]
    if better:
        return better[0]
    is_last = not NAMES["development"].isdisjoint(re.split(r"[._-]", (names or [""])[-1].lower()))
    return None if is_last else ""


def developers_only_reason(service: Service) -> str:
    """Return why only developers need *service*, or ``""``."""
    parsed = parse_image(text_of(service.image)) if service.image else None
    last = parsed.repository.rsplit("/", 1)[-1] if parsed else ""
    for name in (last, service.name):
        if name.lower().replace("_", "-") in TOOLS:
            return f"{name} is a tool for developers"
    return ""


def _context(service: Service) -> str | None:
    """Return the build context of *service* relative to the project root, or None."""
    return service.build.value.directory if service.build else None


def _variables(node: Node | None) -> Iterator[tuple[str, str, str | int, int]]:
    """Yield (name, value, path step, offset) for the variables of a list or mapping."""
    if isinstance(node, MappingNode):
        for entry in node.entries:
            value = entry.value
            if entry.name and isinstance(value, ScalarNode) and not entry.is_merge:
                yield entry.name, value.value, entry.name, entry.start
    elif isinstance(node, SequenceNode):
        for n, item in enumerate(node.items):
            name, _, text = (scalar_text(item) or "").partition("=")
            yield name, text, n, item.start


def cut_text(file: ComposeFile, paths: Collection[Path]) -> str:
    """Return the text of *file* without the nodes at *paths*, and without their comments.

    Raises RefusedError if a node shares lines with another one, or has an anchor or an alias.
    """
    cuts = []
    for path in paths:
        region = _movable(file, path)
        cuts.append((region.lead, _end_with_blank(file.source, region)))
    text, at = [], 0
    for start, end in sorted(cuts):
        text.append(file.source.text[at : max(start, at)])
        at = max(end, at)
    rest = "".join([*text, file.source.text[at:]])
    return rest if at < len(file.source.text) else re.sub(_BLANK_LINES_AT_END, r"\1", rest)


_BLANK_LINES_AT_END = r"(\r?\n)(?:[ \t]*\r?\n)+\Z"


def moved_text(file: ComposeFile, paths: Collection[Path], header: str) -> str:
    """Return *header* and the text of the nodes at *paths* of *file*, below the keys around them.

    Raises RefusedError as :func:`cut_text` does.
    """
    regions_of = {path: _movable(file, path) for path in paths}
    ordered = sorted(paths, key=lambda path: regions_of[path].lead)
    services = list(dict.fromkeys(path[1] for path in ordered))
    parts = []
    for service in services:
        lines = []
        around: Path = ("services",)
        for path in (path for path in ordered if path[1] == service):
            for length in range(2, len(path)):
                if path[:length] != around[:length]:
                    key = _region(file, path[:length])
                    entry = key.entry if key else None
                    indent = " " * file.source.column(entry.start) if entry else ""
                    lines.append(f"{indent}{path[length - 1]}:\n")
            around = path[:-1]
            region = regions_of[path]
            lines.append(file.source.text[region.lead : region.end].rstrip("\r\n") + "\n")
        parts.append("".join(lines))
    return f"{header}services:\n" + "\n".join(parts)


def _movable(file: ComposeFile, path: Path) -> Region:
    """Return the lines of the node at *path*; raises RefusedError if they cannot move."""
    region, node = _region(file, path), node_at(file.root, path)
    name = ".".join(map(str, path[1:]))
    location = file.location_of("services", str(path[1]))
    if region is None or node is None:
        raise RefusedError(f"{name} shares its line with other settings", location=location)
    if any(isinstance(each, AliasNode) or each.anchor for each in walk(node)):
        raise RefusedError(f"{name} has an anchor or an alias", location=location)
    above = file.source.text[region.lead : region.key]
    below = file.source.text[region.tail : region.end]
    return replace(
        region,
        lead=region.key if re.match(_COMMENTED_OUT, above) else region.lead,
        end=region.tail if re.match(_COMMENTED_OUT, below) else region.end,
    )


_COMMENTED_OUT = r"[ \t]*#[ \t]*(?:-[ \t]|[a-z_]+:[ \t]*\r?\n)"
"""An item, or a key with a block, that is commented out: no comment on what is beside it."""


def _region(file: ComposeFile, path: Path) -> Region | None:
    """Return the lines of the node at *path*; None if it shares lines with another node."""
    region = file.regions_in(str(path[0])).get(str(path[1]))
    for n in range(2, len(path)):
        if region is None:
            return None
        region = next(
            (part for part, step in _subregions(file, path[:n], region) if step == path[n]), None
        )
    return region


def _subregions(
    file: ComposeFile, path: Path, region: Region
) -> Iterator[tuple[Region, str | int | None]]:
    """Yield the regions inside *region*, the lines of the node at *path*, with their path steps."""
    node, start = node_at(file.root, path), file.source.next_line(region.key)
    if isinstance(node, MappingNode):
        for part in regions(file.source, node, start=start, end=region.end) or []:
            yield part, part.entry.name
    elif isinstance(node, SequenceNode):
        items = item_regions(file.source, node, start=start, end=region.end) or []
        yield from ((part, n) for n, part in enumerate(items))


def _end_with_blank(source: Source, region: Region) -> int:
    """Return the end of the lines of *region*, with a blank line below if there is one above."""
    above = source.line(region.lead - 1) if region.lead else ""
    if region.end < len(source.text) and not above.strip() and not source.line(region.end).strip():
        return source.next_line(region.end)
    return region.end
