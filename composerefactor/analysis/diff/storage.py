"""Impacts on mounts and volumes.

Volumes with the same name contain the same data, whatever their keys. If another volume is mounted,
or none, the data stays where it is: nothing copies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import basename
from typing import Any

from msgspec import Struct

from composerefactor.analysis.diff import kinds
from composerefactor.analysis.diff.impact import (
    Impact,
    ServicePair,
    State,
    UpEffect,
    impact,
    listed,
)
from composerefactor.analysis.diff.kinds import Risk
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.resources import overlap
from composerefactor.images.catalog import find_placement
from composerefactor.images.lookup import data_paths, lasting_paths


@dataclass(frozen=True, slots=True)
class ResolvedMount:
    """A mount of a service.

    Attributes:
        target: The path in the container.
        kind: ``volume``, ``bind``, ``tmpfs``, ``anonymous`` ...
        identity: What the data belongs to: the real name of a volume, or a path of the host.
        source: The source in the resolved configuration.
        read_only: Whether the container can only read it.
    """

    target: str
    kind: str
    identity: str
    source: str = field(compare=False, default="")
    read_only: bool = field(compare=False, default=False)

    @property
    def label(self) -> str:
        """The mount in words, for messages."""
        if self.kind == "volume":
            return f"volume {self.identity}"
        if self.kind == "anonymous":
            return "an anonymous volume"
        return self.identity if self.kind == "bind" else self.kind

    @property
    def is_file(self) -> bool:
        """Whether a single file is mounted, judging by its name."""
        return self.kind == "bind" and "." in basename(self.identity).lstrip(".")


def mounts_of(state: State, service: Mapping[str, Any]) -> dict[str, ResolvedMount]:
    """Return the mounts of *service* by target."""
    mounts: dict[str, ResolvedMount] = {}
    for item in service.get("volumes") or ():
        if isinstance(item, dict):
            mount = _mount(state, item)
            mounts[mount.target] = mount
    for item in _as_list(service.get("tmpfs")):
        target = item.partition(":")[0]
        mounts.setdefault(target, ResolvedMount(target, "tmpfs", ""))
    return mounts


def mounted_volumes(state: State) -> dict[str, list[str]]:
    """Return the services that mount each volume, by the real name of the volume."""
    users: dict[str, list[str]] = {}
    for name, service in state.services.items():
        for mount in mounts_of(state, service).values():
            if mount.kind == "volume":
                users.setdefault(mount.identity, []).append(name)
    return users


def _mount(state: State, item: Mapping[str, Any]) -> ResolvedMount:
    kind, source = str(item.get("type") or "volume"), str(item.get("source") or "")
    target = str(item.get("target") or "")
    read_only = bool(item.get("read_only"))
    if kind == "volume" and not source:
        return ResolvedMount(target, "anonymous", "", "", read_only)
    if kind == "volume":
        name = state.resource_name("volumes", source)
        subpath = (item.get("volume") or {}).get("subpath")
        return ResolvedMount(
            target, kind, f"{name}/{subpath}" if subpath else name, source, read_only
        )
    return ResolvedMount(target, kind, source, source, read_only)


def _as_list(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(map(str, value))


_NAMING = frozenset({"name", "external"})


class SharedResource(Struct, frozen=True):
    """A network or volume that exists in both states.

    Attributes:
        section: ``networks`` or ``volumes``.
        name: The real name, the same in both states.
        keys: The old and the new key.
        was: The old definition.
        now: The new definition.
    """

    section: str
    name: str
    keys: tuple[str, str]
    was: Mapping[str, Any]
    now: Mapping[str, Any]

    @property
    def path(self) -> tuple[str, str]:
        """The place of the new definition."""
        return self.section, self.keys[1]

    @property
    def external(self) -> tuple[bool, bool]:
        """Whether it is external, in the old and in the new state."""
        return bool(self.was.get("external")), bool(self.now.get("external"))

    def renamed(self, same: str) -> Iterator[Impact]:
        """Yield an impact if its key changed; *same* says what stays the same: ``the data``."""
        old, new = self.keys
        if old != new:
            kind = SECTION_NOUNS[self.section]
            message = f"{kind} {self.name}: the key changed from {old} to {new}; {same}"
            covers = ((self.section, old),)
            yield impact(
                kinds.KEY_RENAMED, self.path, message, effect=UpEffect.NOTHING, covers=covers
            )

    def differing(self, driver: str) -> list[str]:
        """Return the keys in which the definitions differ; *driver* is the default driver."""
        old, new = {"driver": driver, **self.was}, {"driver": driver, **self.now}
        return [
            key
            for key in dict.fromkeys([*old, *new])
            if key not in _NAMING and (old.get(key) or None) != (new.get(key) or None)
        ]


def shared_resources(before: State, after: State, section: str) -> Iterator[SharedResource]:
    """Yield the resources of *section*, ``networks`` or ``volumes``, that exist in both states."""
    old = {before.resource_name(section, key): key for key in before.section(section)}
    new = {after.resource_name(section, key): key for key in after.section(section)}
    for name in old.keys() & new.keys():
        keys = old[name], new[name]
        was, now = before.section(section)[keys[0]], after.section(section)[keys[1]]
        yield SharedResource(section, name, keys, was, now)


def service_mounts(pair: ServicePair) -> Iterator[Impact]:
    """Yield the changes of the mounts, with the data that they leave behind."""
    old, new = mounts_of(pair.before, pair.old), mounts_of(pair.after, pair.new)
    if not pair.new:
        return
    removed = {target: old[target] for target in old if target not in new}
    for target, mount in new.items():
        before = old.get(target)
        if before is not None:
            yield from _at_same_path(pair, before, mount)
            continue
        same = [each for each in removed.values() if _data(each) == _data(mount) and each.identity]
        if same:
            del removed[same[0].target]
            message = f"{mount.label} is mounted at {target}, no longer at {same[0].target}"
            yield _about(pair, kinds.MOUNT_MOVED, message, mount)
        elif pair.old:
            yield _added(pair, mount, old)
    for mount in removed.values():
        yield _removed(pair, mount)


def volumes_left(before: State, after: State) -> Iterator[Impact]:
    """Yield the volumes that are no longer mounted because their services were removed."""
    now = mounted_volumes(after)
    for name, services in mounted_volumes(before).items():
        if name in now or any(s in after.services or s in after.excluded for s in services):
            continue  # for a service that stays, the impact on its mount says more
        key = _key(before, name)
        message = f"volume {name} is no longer used (by {listed(services)}); its data is kept"
        path = ("volumes", key)
        yield impact(kinds.VOLUME_UNUSED, path, message, effect=UpEffect.NOTHING, was=True)


def volume_definitions(before: State, after: State) -> Iterator[Impact]:
    """Yield the volumes whose definition changed."""
    for volume in shared_resources(before, after, "volumes"):
        name, path = volume.name, volume.path
        yield from volume.renamed("the same data")
        if volume.external == (False, True):
            message = f"volume {name} must already exist (external); its data is kept"
            yield impact(kinds.VOLUME_EXTERNAL, path, message, effect=UpEffect.NOTHING)
        elif volume.external == (True, False):
            message = f"volume {name} now belongs to this project; its data is kept"
            yield impact(kinds.VOLUME_EXTERNAL, path, message, effect=UpEffect.NOTHING)
        elif volume.external == (False, False):
            keys = volume.differing(driver="local")
            if keys:
                message = f"volume {name}: {listed(keys)} changed; Docker Compose asks whether to "
                message += "recreate it, which deletes its data"
                risk = Risk.MEDIUM if keys == ["labels"] else None
                yield impact(
                    kinds.VOLUME_REDEFINED, path, message, effect=UpEffect.VOLUME, risk=risk
                )


def _at_same_path(pair: ServicePair, old: ResolvedMount, new: ResolvedMount) -> Iterator[Impact]:
    if _data(old) == _data(new):
        if old.read_only != new.read_only:
            message = f"{new.target} is now {'read-only' if new.read_only else 'writable'}"
            yield _about(pair, kinds.MOUNT_MODE, message, new)
        return
    at = f"at {new.target}"
    if old.kind == new.kind == "volume":
        users = mounted_volumes(pair.after).get(old.identity)
        message = f"{at}: volume {new.identity} instead of {old.identity}"
        if users:
            message += f", which {listed(users)} {_verb(users)}"
            yield _about(pair, kinds.VOLUME_SWITCHED, message, new)
        else:
            yield _left(pair, kinds.VOLUME_RENAMED, message, old, new)
    elif old.kind == new.kind == "bind":
        message = f"{at}: {new.identity} instead of {old.identity}"
        if old.read_only or old.is_file or pair.before.is_source(old.identity):
            yield _about(pair, kinds.SOURCE_MOVED, message, new)
        else:
            yield _left(pair, kinds.BIND_MOVED, message, old, new)
    elif old.kind == "tmpfs" or (old.kind == "bind" and _is_source(pair, old)):
        message = f"{at}: {new.label} instead of {'memory' if old.kind == 'tmpfs' else old.label}"
        yield _about(pair, kinds.SOURCE_MOVED, message, new)
    else:
        label = "memory (not persistent)" if new.kind == "tmpfs" else new.label
        message = f"{at}: {label} instead of {old.label}"
        users = mounted_volumes(pair.after).get(old.identity) if old.kind == "volume" else None
        if users:
            message += f", which {listed(users)} {_verb(users)}"
            yield _about(pair, kinds.VOLUME_SWITCHED, message, new)
        else:
            risk = Risk.MEDIUM if old.kind == "anonymous" else None
            yield _left(pair, kinds.VOLUME_REPLACED, message, old, new, risk)


def _added(pair: ServicePair, new: ResolvedMount, old: Mapping[str, ResolvedMount]) -> Impact:
    """Return the impact of the mount *new*, for which there was none of the mounts *old*."""
    is_covered = any(overlap(each, new.target) for each in old)
    is_own = not is_covered and not pair.old.get("volumes_from")
    if is_own and any(overlap(path, new.target) for path in _data_paths(pair)):
        label = "memory (not persistent)" if new.kind == "tmpfs" else new.label
        message = f"at {new.target}: {label} instead of the storage of the container"
        return _left(
            pair, kinds.VOLUME_REPLACED, message, ResolvedMount(new.target, "container", ""), new
        )
    message = f"mounts {new.label} at {new.target}"
    if new.kind == "tmpfs":
        message = f"keeps {new.target} in memory"
    return _about(pair, kinds.MOUNT_ADDED, message, new)


def _data_paths(pair: ServicePair) -> list[str]:
    """Return where the image of the old service stores data that has to last."""
    image, environment = str(pair.old.get("image") or ""), pair.old.get("environment")
    settings = environment if isinstance(environment, dict) else {}
    paths = data_paths(image, pair.after.catalog, settings) or []
    place = find_placement(pair.old_name or pair.name, image, pair.after.catalog)
    return [each.path for each in lasting_paths(paths, place)]


def _left(
    pair: ServicePair,
    rule: Any,
    message: str,
    old: ResolvedMount,
    new: ResolvedMount,
    risk: Risk | None = None,
) -> Impact:
    place = old.identity or "it"
    message += f"; the data in {place} is left behind"
    return _about(pair, rule, message, new, effect=UpEffect.DATA, risk=risk)


def _removed(pair: ServicePair, mount: ResolvedMount) -> Impact:
    """Return the impact of a mount that was removed without replacement."""
    users = mounted_volumes(pair.after).get(mount.identity) if mount.kind == "volume" else None
    removed = f"{mount.label} is no longer mounted at {mount.target}"
    harmless = (
        mount.kind not in {"volume", "bind"}
        or mount.read_only
        or bool(users)
        or (mount.kind == "bind" and _is_source(pair, mount))
    )
    if harmless:
        message = removed + (f"; {listed(users)} still {_verb(users)} it" if users else "")
        mild = mount.kind in {"tmpfs", "anonymous"} or (mount.is_file and bool(pair.new))
        risk = Risk.LOW if mild else None
        return _about(pair, kinds.MOUNT_REMOVED, message, mount, was=True, risk=risk)
    message = f"{removed}: its data is left behind, and new data is lost with the container"
    risk = None if mount.kind == "volume" or _keeps_data(pair) else Risk.MEDIUM
    return _about(pair, kinds.MOUNT_LOST, message, mount, effect=UpEffect.DATA, was=True, risk=risk)


def _about(
    pair: ServicePair,
    rule: Any,
    message: str,
    mount: ResolvedMount,
    *,
    effect: UpEffect | None = None,
    risk: Risk | None = None,
    was: bool = False,
) -> Impact:
    in_memory = [str(side.get("tmpfs") or "") for side in (pair.old, pair.new)]
    covers = (pair.at("tmpfs"),) if any(mount.target in text for text in in_memory) else ()
    return impact(
        rule,
        pair.at("volumes"),
        message,
        effect=effect,
        risk=risk,
        was=was,
        covers=covers,
        marks=(mount.target,),
    )


def _is_source(pair: ServicePair, mount: ResolvedMount) -> bool:
    return mount.read_only or mount.is_file or pair.before.is_source(mount.identity)


def _keeps_data(pair: ServicePair) -> bool:
    return pair.after.catalog.store_category(str(pair.old.get("image") or "")) != ""


def _data(mount: ResolvedMount) -> tuple[str, str]:
    """Return what identifies the data in *mount*."""
    return mount.kind, mount.identity


def _verb(users: list[str] | None) -> str:
    return "uses" if users and len(users) == 1 else "use"


def _key(state: State, name: str) -> str:
    keys = state.section("volumes")
    return next((key for key in keys if state.resource_name("volumes", key) == name), name)
