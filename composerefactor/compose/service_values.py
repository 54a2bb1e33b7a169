"""The values of a service as structs: one form for the short and the long form of each attribute.

Each ``read_`` function takes the definitions of an attribute in merge order, and merges them as
Docker Compose does (observed: v5.6.1). Which rule applies to which attribute is in
:mod:`composerefactor.compose.attributes`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from composerefactor.compose.definitions import LocatedNode, Value
from composerefactor.compose.merge import values_below
from composerefactor.compose.paths import is_absolute, is_remote, path_from
from composerefactor.compose.short_forms import (
    TRUE,
    Binding,
    Port,
    VolumeText,
    parse_port,
    parse_volume,
    port_in_long_form,
    volume_in_long_form,
)
from composerefactor.compose.sizes import parse_size
from composerefactor.errors import Location
from composerefactor.yaml.nodes import ScalarNode, SequenceNode
from composerefactor.yaml.values import resolve_plain

T = TypeVar("T")
_ESCAPES = {"n": "\n", "t": "\t"}
_LARGE = 1e7
"""From here on, Docker Compose writes floats with an exponent."""


def last(nodes: list[LocatedNode]) -> LocatedNode | None:
    """Return the deciding one of *nodes* if a later value replaces earlier ones.

    Null does not replace a value.
    """
    return next((node for node in reversed(nodes) if not _is_null(node)), None)


def _is_null(node: LocatedNode) -> bool:
    return isinstance(node.node, ScalarNode) and node.node.is_null


def read_text(nodes: list[LocatedNode]) -> Value[str] | None:
    """Return the text that replaces all others."""
    node = last(nodes)
    text = node.text if node else None
    return None if node is None or text is None else Value(text, node)


def read_flag(nodes: list[LocatedNode]) -> Value[bool] | None:
    """Return the boolean that replaces all others."""
    text = read_text(nodes)
    return None if text is None else Value(text.value in TRUE, text.at)


def read_number(nodes: list[LocatedNode]) -> Value[float] | None:
    """Return the number that replaces all others; None if it is not a number."""
    text = read_text(nodes)
    try:
        return None if text is None else Value(float(text.value), text.at)
    except ValueError:
        return None


def read_size(nodes: list[LocatedNode]) -> Value[int] | None:
    """Return the size in bytes that replaces all others; None if it is not a size."""
    text = read_text(nodes)
    size = parse_size(text.value) if text else None
    return None if text is None or size is None else Value(size, text.at)


def read_texts(
    nodes: list[LocatedNode], key: Callable[[str], str] = lambda text: text
) -> tuple[Value[str], ...]:
    """Return the texts of all lists, one per *key*: a later one replaces an earlier one."""
    texts = (Value(item.text or "", item) for node in nodes for item in node.items)
    return _unique(texts, lambda text: key(text.value))


def read_words(nodes: list[LocatedNode]) -> Value[tuple[str, ...]] | None:
    """Return the words of a command; None if it is not set or null, which keeps the image's own.

    A text is split by :func:`shell_words`.
    """
    if not nodes or _is_null(nodes[-1]):
        return None
    node = nodes[-1]
    if isinstance(node.node, SequenceNode):
        return Value(tuple(item.text or "" for item in node.items), node)
    return Value(shell_words(node.text or ""), node)


def shell_words(text: str) -> tuple[str, ...]:
    """Return the words of a command as Docker Compose splits them (observed: v5.6.1).

    It is no shell: it stops at the first operator, such as ``&&``, and a backslash outside of
    single quotes always escapes the next character.
    """
    words: list[str] = []
    word: str | None = None
    quote, escaped = "", False
    for char in text:
        if escaped:
            word, escaped = (word or "") + _ESCAPES.get(char, char), False
        elif char == "\\" and quote != "'":
            escaped = True
        elif char == quote:
            word, quote = word or "", ""
        elif quote:
            word = (word or "") + char
        elif char in "'\"":
            quote = char
        elif char in ";&|<>":
            break
        elif char.isspace():
            words += [] if word is None else [word]
            word = None
        else:
            word = (word or "") + char
    return (*words, *([] if word is None else [word]))


def read_pairs(nodes: list[LocatedNode]) -> dict[str, Value[str | None]]:
    """Return ``KEY=VALUE`` pairs, from lists or mappings; None for a value from the shell.

    ``!reset`` on a pair works only if a single mapping is before it.
    """
    pairs: dict[str, Value[str | None]] = {}
    for index, node in enumerate(nodes):
        for name, entry in node.entries.items():
            if entry.node.tag == "!reset":
                if index == 1 and nodes[0].is_mapping:
                    pairs.pop(name, None)
                continue
            pairs[name] = Value(_value_text(entry), entry)
        for item in node.items:
            name, equals, text = (item.text or "").partition("=")
            pairs[name] = Value(text if equals else None, item)
    return pairs


def read_environment(nodes: list[LocatedNode]) -> dict[str, Value[str | None]]:
    """Return the variables of ``environment``; None for a value from the shell.

    A name without a value is looked up in the env files of the start command. In a list, it is also
    looked up in those of the ``include`` (observed: v5.6.1).
    """
    return {
        name: pair if pair.value is not None else Value(_outer_value(name, pair.at), pair.at)
        for name, pair in read_pairs(nodes).items()
    }


def _outer_value(name: str, at: LocatedNode) -> str | None:
    scope = at.scope
    return (scope.variables if at.written == name else scope.root_variables).get(name)


def _value_text(located: LocatedNode) -> str | None:
    """Return a value as Docker Compose writes it: ``1.10`` without quotes is ``1.1``."""
    node = located.node
    if isinstance(node, ScalarNode) and not node.style and node.tag is None:
        value = resolve_plain(node.value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float):
            is_whole = value.is_integer() and abs(value) < _LARGE
            return str(int(value)) if is_whole else repr(value)
    return located.text


def read_ports(nodes: list[LocatedNode]) -> tuple[Value[Binding], ...]:
    """Return the published ports; a range becomes one binding per container port."""
    bindings = (
        Value(binding, item) for node in nodes for item in node.items for binding in _bindings(item)
    )
    return _unique(bindings, lambda port: port.value.key)


def _bindings(item: LocatedNode) -> list[Binding]:
    is_long = item.is_mapping
    text = port_in_long_form(item.text_below) if is_long else parse_port(item.text or "")
    return (Port(item.node, text).bindings() if text else None) or []


def read_volumes(nodes: list[LocatedNode]) -> tuple[Value[VolumeText], ...]:
    """Return the mounts, one per path in the container.

    The source of a bind mount is relative to the project root. If a variable that is not set
    makes the source empty, the kind is ``""`` and the source is as written.
    """
    volumes = (
        Value(volume, item)
        for node in nodes
        for item in node.items
        if (volume := _volume(item)) is not None
    )
    # The long form is compared as written, and only then cleaned (observed: v5.6.1).
    return _unique(
        volumes, lambda v: v.at.text_below("target") if v.at.is_mapping else v.value.target
    )


def _volume(item: LocatedNode) -> VolumeText | None:
    if item.is_mapping:
        text: VolumeText | None = volume_in_long_form(item.text_below)
        source_node = item.below("source")
        written = source_node.written if source_node else None
    else:
        # A variable may contain several parts of the short form, so it is replaced first.
        text = parse_volume(item.text or "")
        unset = parse_volume(item.written or "") if text is None else None
        if unset is not None:
            return VolumeText("", unset.source, item.scope.expand(unset.target), unset.options)
        written = None
    if text is None:
        return None
    target = text.target and posixpath.normpath(text.target)
    if written and not text.source:
        return VolumeText("", written, target, text.options)
    source = item.scope.path(text.source) if text.kind == "bind" and text.source else text.source
    return VolumeText(text.kind, source, target, text.options)


class EnvFile(Struct, frozen=True):
    """An item of ``env_file`` or ``label_file``.

    Attributes:
        path: The path, relative to the project root.
        written: The path as written, with its variables replaced.
        required: False if Docker Compose accepts that the file does not exist.
    """

    path: str
    written: str
    required: bool = True


def read_env_files(nodes: list[LocatedNode]) -> tuple[Value[EnvFile], ...]:
    """Return the env files or label files, one per path."""
    env_files = (
        Value(EnvFile(item.scope.path(text), text, item.text_below("required") != "false"), item)
        for node in nodes
        for item in node.items
        if (text := item.text_below("path") if item.is_mapping else item.text)
    )
    return _unique(env_files, lambda env_file: env_file.value.path)


class Build(Struct, frozen=True):
    """How an image is built.

    Attributes:
        context: The build context: a path relative to the project root, or a URL.
        dockerfile: The path of the Dockerfile, relative to the context.
        target: The stage to build, or ``""`` for the last one.
        arguments: The build arguments; None for values of the shell.
        inline: The text of a ``dockerfile_inline``, or None.
        contexts: The additional contexts by name.
        is_known: False if a variable in *context* has neither a value nor a default.
    """

    context: str
    dockerfile: str = "Dockerfile"
    target: str = ""
    arguments: Mapping[str, str | None] = {}
    inline: str | None = None
    contexts: Mapping[str, str] = {}
    is_known: bool = True

    @property
    def directory(self) -> str | None:
        """The build context, relative to the project root; None if it is elsewhere or unknown."""
        is_elsewhere = is_remote(self.context) or is_absolute(self.context)
        return None if is_elsewhere or not self.is_known else self.context

    @property
    def dockerfile_path(self) -> str:
        """The path of the Dockerfile, relative to the project root if the context is there."""
        return path_from(self.directory or "", self.dockerfile)


def read_build(nodes: list[LocatedNode], default_context: str) -> Value[Build] | None:
    """Return how the image is built; *default_context* is the path of a missing context."""
    present = [node for node in nodes if not _is_null(node)]
    if not present:
        return None
    mappings = [node for node in present if node.is_mapping]
    written = last([place for node in present if (place := _context_node(node))])
    context = default_context if written is None else _context(written, written.text or ".")
    dockerfile = read_text(values_below(mappings, "dockerfile"))
    target = read_text(values_below(mappings, "target"))
    inline = read_text(values_below(mappings, "dockerfile_inline"))
    contexts = read_pairs(values_below(mappings, "additional_contexts"))
    build = Build(
        context,
        dockerfile.value if dockerfile and dockerfile.value else "Dockerfile",
        target.value if target else "",
        {name: v.value for name, v in read_pairs(values_below(mappings, "args")).items()},
        inline.value if inline else None,
        {name: _context(each.at, each.value or "") for name, each in contexts.items()},
        is_known=written is None or written.known_text is not None,
    )
    return Value(build, present[-1])


def _context_node(build: LocatedNode) -> LocatedNode | None:
    return build.below("context") if build.is_mapping else build


def _context(at: LocatedNode, text: str) -> str:
    return text if is_remote(text) else at.scope.path(text)


class Dependency(Struct, frozen=True):
    """An item of ``depends_on``.

    Attributes:
        condition: What the service waits for.
        required: False if the other service may be missing.
        restart: True if the service is restarted with the other.
    """

    condition: str = "service_started"
    required: bool = True
    restart: bool = False


def read_dependencies(nodes: list[LocatedNode]) -> dict[str, Value[Dependency]]:
    """Return the services of ``depends_on``.

    The short form resets the condition of an earlier file.
    """
    names: dict[str, list[LocatedNode]] = {}
    short: dict[str, Value[Dependency]] = {}
    for node in nodes:
        for name, entry in node.entries.items():
            if entry.node.tag in {"!reset", "!override"}:
                names.pop(name, None)
                short.pop(name, None)
            if entry.node.tag != "!reset":
                names.setdefault(name, []).append(entry)
                short.pop(name, None)
        for item in node.items:
            name = item.text or ""
            restart = read_flag(values_below(names.get(name, []), "restart"))
            names.setdefault(name, [])
            short[name] = Value(Dependency(restart=bool(restart and restart.value)), item)
    return {name: short.get(name) or _dependency(entries) for name, entries in names.items()}


def _dependency(entries: list[LocatedNode]) -> Value[Dependency]:
    condition = read_text(values_below(entries, "condition"))
    required = read_flag(values_below(entries, "required"))
    restart = read_flag(values_below(entries, "restart"))
    return Value(
        Dependency(
            condition.value if condition else "service_started",
            required is None or required.value,
            bool(restart and restart.value),
        ),
        entries[-1],
    )


class HealthCheck(Struct, frozen=True):
    """The health check of a service. Texts are ``""`` if no file sets them.

    Attributes:
        test: The words of the test, of which the first says the form: ``CMD``, ``CMD-SHELL`` or
            ``NONE``. () if no file sets a test.
        interval: The interval.
        timeout: The timeout.
        retries: The retries.
        start_period: The start period.
        disable: True for ``disable: true``.
    """

    test: tuple[str, ...] = ()
    interval: str = ""
    timeout: str = ""
    retries: str = ""
    start_period: str = ""
    disable: bool = False

    @property
    def is_off(self) -> bool:
        """True if there is no check, not even that of the image."""
        return self.disable or self.test[:1] == ("NONE",)


def read_healthcheck(nodes: list[LocatedNode]) -> Value[HealthCheck] | None:
    """Return the health check of a service."""
    present = [node for node in nodes if not _is_null(node)]
    if not present:
        return None
    test = last(values_below(present, "test"))
    words: tuple[str, ...] = ()
    if test is not None and isinstance(test.node, SequenceNode):
        words = tuple(item.text or "" for item in test.items)
    elif test is not None and test.text:
        words = ("CMD-SHELL", test.text)
    texts = {}
    for key in ("interval", "timeout", "retries", "start_period"):
        text = read_text(values_below(present, key))
        texts[key] = text.value if text else ""
    disable = read_flag(values_below(present, "disable"))
    check = HealthCheck(words, **texts, disable=bool(disable and disable.value))
    return Value(check, present[-1])


class Resources(Struct, frozen=True):
    """Limits or reservations of one container.

    Attributes:
        cpus: The number of CPUs.
        memory: The memory in bytes.
    """

    cpus: Value[float] | None = None
    memory: Value[int] | None = None


class Deploy(Struct, frozen=True):
    """The attribute ``deploy``.

    Attributes:
        replicas: The number of containers, as text.
        limits: The limits.
        reservations: The reservations.
        restart_condition: The condition of ``restart_policy``; ``any`` if it has none.
        at: The last definition that sets limits or reservations, or None.
    """

    replicas: Value[str] | None
    limits: Resources
    reservations: Resources
    restart_condition: Value[str] | None
    at: LocatedNode | None


def read_deploy(nodes: list[LocatedNode]) -> Deploy:
    """Return the attribute ``deploy``; empty without definitions."""
    resources = values_below(nodes, "resources")
    policies = values_below(nodes, "restart_policy")
    condition = read_text(values_below(policies, "condition"))
    if condition is None and (policy := last(policies)) is not None:
        condition = Value("any", policy)
    return Deploy(
        read_text(values_below(nodes, "replicas")),
        _resources(values_below(resources, "limits")),
        _resources(values_below(resources, "reservations")),
        condition,
        last([node for node in nodes if _has_limits(node)]),
    )


def _has_limits(deploy: LocatedNode) -> bool:
    resources = deploy.below("resources")
    return resources is not None and not resources.entries.keys().isdisjoint(
        {"limits", "reservations"}
    )


def _resources(nodes: list[LocatedNode]) -> Resources:
    return Resources(
        read_number(values_below(nodes, "cpus")), read_size(values_below(nodes, "memory"))
    )


class Grant(Struct, frozen=True):
    """A secret or config that a service can read.

    Attributes:
        source: The name of the secret or config.
        target: The path or name in the container, as written; ``""`` for the default.
    """

    source: str
    target: str = ""


def read_grants(nodes: list[LocatedNode]) -> tuple[Value[Grant], ...]:
    """Return the secrets or configs, one per target."""
    grants = (Value(_grant(item), item) for node in nodes for item in node.items)
    return _unique(grants, lambda grant: grant.value.target or f"/{grant.value.source}")


def _grant(item: LocatedNode) -> Grant:
    if item.is_mapping:
        return Grant(item.text_below("source") or "", item.text_below("target") or "")
    return Grant(item.text or "")


class Logging(Struct, frozen=True):
    """The attribute ``logging``.

    Attributes:
        driver: The driver, ``""`` for the default of the daemon.
        options: The options.
    """

    driver: str
    options: Mapping[str, str]


def read_logging(nodes: list[LocatedNode]) -> Value[Logging] | None:
    """Return the attribute ``logging``; another driver replaces all that is before it."""
    used: list[LocatedNode] = []
    driver = ""
    for node in nodes:
        own = node.text_below("driver") or ""
        if own and driver and own != driver:
            used.clear()
        driver = own or driver
        if not _is_null(node):
            used.append(node)
    if not used:
        return None
    options = read_pairs(values_below(used, "options"))
    return Value(Logging(driver, {name: v.value or "" for name, v in options.items()}), used[-1])


class Resource(Struct, frozen=True):
    """A declared network, volume, secret or config.

    Attributes:
        location: Where it is declared first.
        full_name: The name that the files set, ``""`` if they set none.
        driver: The driver, ``""`` for the default of Docker Compose.
        external: Whether it is created outside the project.
        internal: Whether a network has no access to the outside.
        file: The file of a secret or config, relative to the project root.
    """

    location: Location
    full_name: str = ""
    driver: str = ""
    external: bool = False
    internal: bool = False
    file: Value[str] | None = None


def read_resource(nodes: list[LocatedNode]) -> Resource:
    """Return the resource of the declarations *nodes*, at least one, in merge order.

    The older form ``external: {name: ...}`` also sets the name (Compose specification).
    """
    external = values_below(nodes, "external")
    name = read_text(values_below(nodes, "name")) or read_text(values_below(external, "name"))
    driver = read_text(values_below(nodes, "driver"))
    internal = read_flag(values_below(nodes, "internal"))
    is_external = read_flag(external)
    file = last(values_below(nodes, "file"))
    return Resource(
        nodes[0].location,
        name.value if name else "",
        driver.value if driver else "",
        external=any(node.is_mapping for node in external)
        or bool(is_external and is_external.value),
        internal=bool(internal and internal.value),
        file=Value(file.scope.path(file.text), file) if file and file.text else None,
    )


def read_hosts(nodes: list[LocatedNode]) -> tuple[Value[str], ...]:
    """Return the pairs ``host=address`` of ``extra_hosts``, each once.

    An address with brackets differs from the same one without them (observed: v5.6.1).
    """
    pairs = _unique(_hosts(nodes), lambda pair: pair.value)
    return tuple(
        Value(f"{name}={address.removeprefix('[').removesuffix(']')}", pair.at)
        for pair in pairs
        for name, _, address in [pair.value.partition("=")]
    )


def _hosts(nodes: list[LocatedNode]) -> Iterator[Value[str]]:
    for node in nodes:
        for name, entry in node.entries.items():
            yield from (Value(f"{name}={item.text or ''}", item) for item in entry.items)
        for item in node.items:
            text = item.text or ""
            yield Value(text if "=" in text else text.replace(":", "=", 1), item)


def read_networks(nodes: list[LocatedNode]) -> dict[str, Value[tuple[str, ...]]]:
    """Return the networks of a service with the aliases on each."""
    names: dict[str, list[LocatedNode]] = {}
    for node in nodes:
        for name, entry in node.entries.items():
            if entry.node.tag in {"!reset", "!override"}:
                names.pop(name, None)
            if entry.node.tag != "!reset":
                names.setdefault(name, []).append(entry)
        for item in node.items:
            names.setdefault(item.text or "", []).append(item)
    return {
        name: Value(
            tuple(alias.value for alias in read_texts(values_below(entries, "aliases"))),
            entries[-1],
        )
        for name, entries in names.items()
    }


def _unique(items: Iterable[T], key: Callable[[T], object]) -> tuple[T, ...]:
    """Return *items*, one per *key*: a later one takes the position of an earlier one."""
    by_key: dict[object, T] = {}
    for item in items:
        by_key[key(item)] = item
    return tuple(by_key.values())
