"""The first format of Compose files: what it had that later ones do not, in today's form.

From the Compose file reference, "Upgrading", version 1 to 2.x.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.compose.order import SERVICE_ORDER
from composerefactor.compose.volumes import volumes
from composerefactor.edits.operations import AddKey, Nest, Remove, Rename, Replace, YamlEdit
from composerefactor.edits.render import Value
from composerefactor.transform import Change, Refusal
from composerefactor.yamltree.nodes import Mapping, Node, Scalar
from composerefactor.yamltree.path import Path
from composerefactor.yamltree.values import to_python

_LOG = ("log_driver", "log_opt")
_TODAY = {
    "net": "network_mode",
    "dockerfile": "build.dockerfile",
    "log_driver": "logging.driver",
    "log_opt": "logging.options",
    "volume_driver": "the driver of a volume",
}


def nested(file: ComposeFile) -> Iterator[Change]:
    """Yield the change that puts services of the top level below ``services``."""
    found = file.top_services
    if not found:
        return
    names = tuple(entry.name or "" for entry in found)
    named = {name: None for entry in found for name in _named_volumes(entry.value)}
    known = file.entries("volumes")
    # The first format named volumes as they are written, without the project before.
    declared: dict[str, Value] = {n: {"name": n} for n in named if n not in known}
    edits: list[Nest | AddKey] = [Nest(file.path, "services", names)]
    if declared:
        edits.append(AddKey(file.path, (), "volumes", declared))
    title = "services of a version 1 file belong below services"
    yield Change(title, file.source.location(found[0].start), edits, repairs=True)


def _named_volumes(body: Node) -> Iterator[str]:
    for volume in volumes(body):
        if volume.text.kind == "volume" and volume.text.source:
            yield volume.text.source


def keys(file: ComposeFile, path: Path, body: Mapping) -> Iterator[Change | Refusal]:
    """Yield what is to be done about keys of version 1 in *body*, a service's mapping at *path*."""
    for names, mend in (
        (("net",), _net),
        (("dockerfile",), _dockerfile),
        (("log_driver", "log_opt"), _logging),
        (("volume_driver",), _volume_driver),
    ):
        found = next((entry for entry in body.entries if entry.name in names), None)
        if found is None:
            continue
        location = file.source.location(found.start)
        edits = mend(file, path, body)
        if edits:
            title = f"{found.name} is a key of version 1, today {_TODAY[found.name or '']}"
            yield Change(title, location, edits, repairs=True)
        else:
            reason = f"{found.name} is a key of version 1, and what it became is there as well"
            remedy = f"write one of the two as {_TODAY[found.name or '']}"
            yield Refusal(reason, location, remedy, repairs=True)


def _net(file: ComposeFile, path: Path, body: Mapping) -> list[YamlEdit]:
    text = scalar_text(body.get("net"))
    if text is None or body.entry("network_mode"):
        return []
    edits: list[YamlEdit] = [Rename(file.path, (*path, "net"), "network_mode")]
    container = text.removeprefix("container:")
    if container != text and container in file.services:
        edits.append(Replace(file.path, (*path, "net"), f"service:{container}"))
    return edits


def _dockerfile(file: ComposeFile, path: Path, body: Mapping) -> list[YamlEdit]:
    build, name = body.get("build"), scalar_text(body.get("dockerfile"))
    context = scalar_text(build)
    if build is None or name is None or merged_get(build, "dockerfile") is not None:
        return []
    there: YamlEdit
    if context is not None and isinstance(build, Scalar):
        both: dict[str, Value] = {"context": context, "dockerfile": name}
        there = Replace(file.path, (*path, "build"), both)
    elif isinstance(build, Mapping):
        there = AddKey(file.path, (*path, "build"), "dockerfile", name, ("context", "dockerfile"))
    else:
        return []
    return [there, Remove(file.path, (*path, "dockerfile"))]


def _logging(file: ComposeFile, path: Path, body: Mapping) -> list[YamlEdit]:
    if body.entry("logging"):
        return []
    value: dict[str, Value] = {}
    for name, today in (("log_driver", "driver"), ("log_opt", "options")):
        node = body.get(name)
        if node is not None:
            value[today] = to_python(node, file.source)
    gone: list[YamlEdit] = [Remove(file.path, (*path, name)) for name in _LOG if body.entry(name)]
    return [AddKey(file.path, path, "logging", value, SERVICE_ORDER), *gone]


def _volume_driver(file: ComposeFile, path: Path, body: Mapping) -> list[YamlEdit]:
    driver = scalar_text(body.get("volume_driver"))
    if driver is None:
        return []
    known = file.entries("volumes")
    edits: list[YamlEdit] = [Remove(file.path, (*path, "volume_driver"))]
    for name in dict.fromkeys(_named_volumes(body)):
        if name not in known:
            value: Value = {"driver": driver}
            edits.append(AddKey(file.path, ("volumes",), name, value))
        elif merged_get(known[name], "driver") is None:
            edits.append(AddKey(file.path, ("volumes", name), "driver", driver))
    return edits
