"""Take privileges away that services do not need.

`no-new-privileges` for all: programs in the container gain nothing by setuid. Where the catalogue
knows what an image needs, or the service runs as another user than root, all other capabilities are
dropped. Where the catalogue knows where an image writes, the root file system becomes read-only,
with a tmpfs for each of these places. Privileged services, those with capabilities, a tmpfs or such
options of their own, and images that are known to need more are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import scalar_text
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.compose.volumes import volumes
from composerefactor.edit.operations import AddItem, AddKey, Edit
from composerefactor.edit.rendering import Value
from composerefactor.errors import UsageError
from composerefactor.images.entries import sureness
from composerefactor.images.lookup import Hardening, gains_privileges, hardening
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    Site,
    Want,
    effects,
    listed,
    refusal,
    sites,
)
from composerefactor.yaml.nodes import SequenceNode, path_of

_NO_NEW = "no-new-privileges:true"
_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")
_PARTS = ("no-new-privileges", "capabilities", "read-only")


@dataclass(frozen=True, slots=True)
class Options:
    """What is taken away."""

    parts: tuple[str, ...] = option(
        _PARTS,
        help="What is done: no-new-privileges, capabilities, read-only.",
        example="no-new-privileges,capabilities",
    )


@fixer(Options, after=("add-missing-services", "declare-volumes"), unsafe=True)
def harden(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield up to three changes for each service, or block that services share."""
    unknown = set(options.parts) - set(_PARTS)
    if unknown:
        raise UsageError(
            f"harden.parts: there is no part {min(unknown)!r}",
            remedy="there are: " + ", ".join(_PARTS),
        )
    every = start_models(project)
    # In the order in which the keys stand, since those of one place are written in this order.
    if "read-only" in options.parts:
        yield from _added(every, _wants_read_only, "read_only", "its root file system is read-only")
    if "capabilities" in options.parts:
        yield from _added(every, _wants_capabilities, "cap_drop", "capabilities are dropped")
    if "no-new-privileges" in options.parts:
        yield from _appended(every)
        yield from _added(every, _wants_no_new, "security_opt", "programs gain no privileges")


class _Wanted(Struct, frozen=True):
    """The keys that a service gets, the first of which decides where."""

    keys: tuple[tuple[str, tuple[str, ...] | bool], ...]
    evidence: str = ""


def _image(model: StartModel, service: Service) -> str:
    return expand(service.text("image") or "", model.variables)


def _is_exempt(model: StartModel, service: Service) -> bool:
    """Return whether *service* is privileged, or of an image that needs to gain privileges."""
    privileged = service.text("privileged")
    return privileged not in {None, "false"} or gains_privileges(_image(model, service))


def _wants_no_new(model: StartModel, service: Service) -> _Wanted | None:
    if _is_exempt(model, service) or service.values("security_opt"):
        return None
    return _Wanted((("security_opt", (_NO_NEW,)),))


def _facts(model: StartModel, service: Service) -> Hardening | None:
    if service.value("build") is not None:
        return None  # the name is that of what is built, which may hold anything
    return hardening(_image(model, service))


def _wants_capabilities(model: StartModel, service: Service) -> _Wanted | None:
    if _is_exempt(model, service) or service.values("cap_add") or service.values("cap_drop"):
        return None
    user = expand(service.text("user") or "", model.variables).partition(":")[0]
    if user and user not in {"0", "root"}:
        return _Wanted((("cap_drop", ("ALL",)),), f"it runs as {user}, which has none anyway")
    facts = _facts(model, service)
    if facts is None or user or _has_own_start(service):
        return None
    keys: list[tuple[str, tuple[str, ...] | bool]] = [("cap_drop", ("ALL",))]
    if facts.capabilities:
        keys.append(("cap_add", facts.capabilities))
    return _Wanted(tuple(keys), sureness(facts.verified))


def _has_own_start(service: Service) -> bool:
    """Return whether *service* does something else than what its image is made for."""
    words = " ".join(scalar_text(item.node) or "" for item in service.items("command")).split()
    return bool(service.values("entrypoint")) or words[:1] in ([shell] for shell in _SHELLS)


def _wants_read_only(model: StartModel, service: Service) -> _Wanted | None:
    facts = _facts(model, service)
    if (
        facts is None
        or facts.writable is None
        or _is_exempt(model, service)
        or _has_own_start(service)
        or service.values("read_only")
        or service.values("tmpfs")
    ):
        return None
    mounted = {
        expand(volume.text.target or "", model.variables).rstrip("/")
        for definition in service.definitions
        for volume in volumes(definition.body)
    }
    if any(_is_within(each, place) for each in mounted for place in facts.unless):
        return None
    places = tuple(place for place in facts.writable if place not in mounted)
    keys: list[tuple[str, tuple[str, ...] | bool]] = [("read_only", True)]
    if places:
        keys.append(("tmpfs", places))
    return _Wanted(tuple(keys), sureness(facts.verified))


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _added(every: list[StartModel], want: Want, key: str, what: str) -> Iterator[Change | Refusal]:
    for found in sites(every, want, (key,)):
        if isinstance(found, BlockedSite):
            yield refusal(found, f"not hardened ({key})")
            continue
        wanted: _Wanted = found.value
        edits: list[Edit] = []
        effect: list[Effect] = []
        for name, value in wanted.keys:
            written: Value = value if isinstance(value, bool) else [*value]
            edits.append(AddKey(found.file.path, found.path, name, written, SERVICE_ORDER))
            effect += effects(_with_key(found, name))
        where = f" (one edit, in {found.block})" if found.is_shared else ""
        title = f"{listed(found.services)}: {what}{where}"
        yield Change(title, found.location, edits, effect, wanted.evidence)


def _with_key(site: Site, key: str) -> Site:
    return Site(site.file, site.path, (key,), site.value, site.services, site.location)


def _appended(every: list[StartModel]) -> Iterator[Change | Refusal]:
    """Yield a change for each list of security options that lacks the one in question."""
    users: dict[int, list[tuple[StartModel, Service]]] = {}
    for model in every:
        for service in model.services.values():
            for found in service.values("security_opt"):
                users.setdefault(id(found.node), []).append((model, service))
    done: set[int] = set()
    for model in every:
        for service in model.services.values():
            lists = service.values("security_opt")
            if not lists or _is_exempt(model, service) or _has_no_new(service):
                continue
            first = lists[0]
            if id(first.node) in done or first.file.path.startswith("../"):
                continue
            done.add(id(first.node))
            path = path_of(first.file.root, first.node)
            others = [
                other.name
                for where, other in users[id(first.node)]
                if _is_exempt(where, other) or _has_no_new(other)
            ]
            if path is None or not isinstance(first.node, SequenceNode) or others:
                reason = f"{others[0]} has the same list" if others else "it cannot be added to"
                yield Refusal(
                    f"{service.name}: security_opt stays: {reason}", first.location, "do it by hand"
                )
                continue
            names = tuple(dict.fromkeys(other.name for _, other in users[id(first.node)]))
            effect = [Effect(("services", name, "security_opt"), "changes") for name in names]
            if path[0] != "services":
                effect.append(Effect(tuple(map(str, path)), "changes"))
            yield Change(
                f"{listed(names)}: programs gain no privileges",
                first.location,
                [AddItem(first.file.path, path, _NO_NEW)],
                effect,
            )


def _has_no_new(service: Service) -> bool:
    """Return whether *service* says something on new privileges, either way."""
    texts = (scalar_text(item.node) or "" for item in service.items("security_opt"))
    return any(re.match(r"no-new-privileges\b", text) for text in texts)
