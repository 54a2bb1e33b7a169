"""The mappings that make up the body of a service: its own, and those that it merges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.topology.stack import Definition, Service
from composerefactor.yamltree.nodes import Mapping, Node, Scalar, Sequence, resolve
from composerefactor.yamltree.path import Path

_NO_POLICY = frozenset(
    {
        *("environment", "env_file", "labels", "annotations", "volumes", "secrets", "configs"),
        *("ports", "expose", "networks", "depends_on", "extra_hosts", "links"),
    }
)
"""A block with nothing but these says what a service is given, not how it is run."""

_ATTRIBUTES = frozenset(
    {
        *("image", "build", "env", "environment", "vars", "variables", "logging", "log", "deploy"),
        *("healthcheck", "volumes", "volume", "ports", "networks", "network", "labels", "secrets"),
        *("depends", "command", "restart", "security", "resources", "limits", "user"),
    }
)
"""A top-level block that is named after one of these is for that and nothing else."""


class Target(Struct, frozen=True):
    """A mapping, or an empty value, *node* of *file*, that gives a service what is added to it.

    *rest* are the keys that lead from there to what is added.
    """

    file: ComposeFile
    node: Node
    rest: tuple[str, ...]


def merged_blocks(body: Node) -> Iterator[Mapping]:
    """Yield *body* and the mappings that it merges by ``<<``, those that win first."""
    yield from _merged(body, set())


def _merged(node: Node, seen: set[int]) -> Iterator[Mapping]:
    node = resolve(node)
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _merged(item, seen)
    elif isinstance(node, Mapping) and id(node) not in seen:
        seen.add(id(node))
        yield node
        for entry in node.entries:
            if entry.is_merge:
                yield from _merged(entry.value, seen)


def targets(definition: Definition, keys: tuple[str, ...]) -> list[Target]:
    """Return where *keys* can be added so that *definition* has them, the nearest place first.

    [] where it has them already, and where an alias, a list or a tag stands in the way.
    """
    found: list[Target] = []
    for block in merged_blocks(definition.body):
        entry = block.entry(keys[0])
        if entry is None:
            found.append(Target(definition.file, block, keys))
            continue
        value = resolve(entry.value)
        if len(keys) == 1 or entry.value.tag:
            return found
        # What is nearer would hide this whole mapping.
        if isinstance(value, Scalar) and value.is_null and not value.anchor:
            return [Target(definition.file, value, keys[1:])]
        if isinstance(value, Mapping) and value.entry(keys[1]) is None:
            return [Target(definition.file, value, keys[1:])]
        return []
    return found


def is_template(block: Node, path: Path) -> bool:
    """Return whether *block*, at *path*, is the common part of services, not one attribute."""
    if not isinstance(block, Mapping) or not path:
        return False
    if path[0] != "services" and _ATTRIBUTES.intersection(re.split(r"[-_.]", str(path[-1]))):
        return False
    names = {entry.name for entry in block.entries if not entry.is_merge}
    return len(names) > 1 and not names <= _NO_POLICY


def has_body(definition: Definition) -> bool:
    """Return whether *definition* says what is run: an image or a build."""
    return any(
        block.entry(k) for block in merged_blocks(definition.body) for k in ("image", "build")
    )


def homes(service: Service) -> list[Definition]:
    """Return the definitions in which an attribute of *service* belongs, the best first.

    That is the first that has the image or the build: its own, or one that it extends. Then the
    first of its own.
    """
    own = [each for each in service.definitions if not each.inherited]
    found = [each for each in (*own, *service.definitions) if has_body(each)][:1]
    return found + [each for each in own[:1] if each not in found] if found else []
