"""What Compose files say on a service, as far as its health check depends on it."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping

from msgspec import Struct

from composerefactor.compose.interpolation import expand, expressions
from composerefactor.compose.merge_keys import item_nodes, merged_get, names_in, scalar_text
from composerefactor.compose.ports import ports
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.services import LocatedNode, Service, StartModel
from composerefactor.yaml.nodes import MappingNode, SequenceNode

_REMOTE = ("git@", "github.com/", "git://", "ssh://", "http://", "https://", "oci://")


class Build(Struct, frozen=True):
    """How an image is built.

    *context* is relative to the project root, None where it is elsewhere. *inline* is the text of
    the Dockerfile where it stands in the Compose file. *contexts* are the names that stand for
    other images or directories.
    """

    context: str | None
    dockerfile: str = "Dockerfile"
    target: str = ""
    arguments: Mapping[str, str | None] = {}
    inline: str | None = None
    contexts: frozenset[str] = frozenset()


class Usage(Struct, frozen=True):
    """How a service is set up.

    Texts have their variables replaced by those of the project's env files and by defaults, but
    for *written* (environment) and *targets*, which are as written. *image* is None without one.
    *entrypoint* and *command* are None where the image's own hold. *environment* has None for
    values that the shell gives; *unread* are env files that are not there.
    """

    name: str
    image: str | None
    build: Build | None
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    environment: Mapping[str, str | None]
    written: Mapping[str, str]
    unread: tuple[str, ...]
    targets: tuple[str, ...]
    exposed: tuple[str, ...]


def usage(project: Project, model: StartModel, service: Service) -> Usage:
    """Return how *service* of *model* is set up."""
    variables = model.variables
    image = service.text("image")
    settings = service.settings
    return Usage(
        name=service.name,
        image=expand(image, variables) if image and not _is_open(image, variables) else image,
        build=_build(model, service),
        entrypoint=_words(service.value("entrypoint"), variables),
        command=_words(service.value("command"), variables),
        environment={
            name: None
            if each.value is None or _is_open(each.value, variables)
            else expand(each.value, variables)
            for name, each in settings.items()
        },
        written={name: each.value for name, each in settings.items() if each.value is not None},
        unread=tuple(_unread(project, model, service)),
        targets=tuple(_targets(service)),
        exposed=tuple(
            text.partition("/")[0]
            for found in service.items("expose")
            if (text := scalar_text(found.node)) and not text.endswith("/udp")
        ),
    )


def _is_open(text: str, variables: Mapping[str, str]) -> bool:
    """Return whether *text* has a variable with neither a value nor a default."""
    return any(
        each.depth == 0
        and each.operator not in {"-", ":-", "+", ":+"}
        and each.name not in variables
        for each in expressions(text)
    )


def _words(found: LocatedNode | None, variables: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the words of a command; None where it is not given (null keeps the image's own)."""
    if found is None:
        return None
    if isinstance(found.node, SequenceNode):
        return tuple(expand(scalar_text(item) or "", variables) for item in item_nodes(found.node))
    text = scalar_text(found.node)
    if text is None:
        return None
    text = expand(text, variables)
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def _targets(service: Service) -> Iterator[str]:
    """Yield the published container ports, as written, each once."""
    seen: set[str] = set()
    for definition in service.definitions:
        for port in ports(definition.body):
            target = port.text.target
            if port.text.protocol != "udp" and "-" not in target.partition("$")[0]:
                if target not in seen:
                    yield target
                seen.add(target)


def _unread(project: Project, model: StartModel, service: Service) -> Iterator[str]:
    directory = project_directory(model.entry)
    for found in service.items("env_file"):
        node = found.node
        named = merged_get(node, "path") if isinstance(node, MappingNode) else node
        text = expand(scalar_text(named) or "", model.variables)
        path = posixpath.normpath(posixpath.join(directory, text))
        if text and path not in service.env_files and not project.exists(path):
            yield text


def _build(model: StartModel, service: Service) -> Build | None:
    values = service.values("build")
    if not values:
        return None
    directory = project_directory(model.entry)
    texts: dict[str, str] = {}
    arguments: dict[str, str | None] = {}
    contexts: set[str] = set()
    for found in values:
        if not isinstance(found.node, MappingNode):
            texts["context"] = scalar_text(found.node) or "."
            continue
        for key in ("context", "dockerfile", "dockerfile_inline", "target"):
            text = scalar_text(merged_get(found.node, key))
            if text is not None:
                texts[key] = text
        arguments.update(_arguments(found, model.variables))
        contexts.update(
            name.partition("=")[0]
            for name in names_in(merged_get(found.node, "additional_contexts"))
        )
    context = expand(texts.get("context", "."), model.variables)
    is_elsewhere = context.startswith((*_REMOTE, "/", "~")) or "://" in context
    path = posixpath.normpath(posixpath.join(directory, context))
    return Build(
        None if is_elsewhere or _is_open(texts.get("context", "."), model.variables) else path,
        expand(texts.get("dockerfile", "Dockerfile"), model.variables),
        expand(texts.get("target", ""), model.variables),
        arguments,
        texts.get("dockerfile_inline"),
        frozenset(contexts),
    )


def _arguments(
    found: LocatedNode, variables: Mapping[str, str]
) -> Iterator[tuple[str, str | None]]:
    node = merged_get(found.node, "args")
    if isinstance(node, MappingNode):
        for entry in node.entries:
            text = scalar_text(entry.value)
            yield entry.name or "", None if text is None else expand(text, variables)
        return
    for item in item_nodes(node):
        name, equals, text = (scalar_text(item) or "").partition("=")
        yield name, expand(text, variables) if equals else None
