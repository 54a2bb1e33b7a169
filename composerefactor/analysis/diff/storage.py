"""Where data is kept: mounts and volumes. The same volume name is the same data, whatever its key.

A mount of another volume, or none, leaves what was written where it is: nothing copies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import basename
from typing import Any

from msgspec import Struct

from composerefactor.analysis.diff.change import (
    BIND_MOVED,
    KEY_RENAMED,
    MOUNT_ADDED,
    MOUNT_LOST,
    MOUNT_MODE,
    MOUNT_MOVED,
    MOUNT_REMOVED,
    SOURCE_MOVED,
    VOLUME_EXTERNAL,
    VOLUME_REDEFINED,
    VOLUME_RENAMED,
    VOLUME_REPLACED,
    VOLUME_SWITCHED,
    VOLUME_UNUSED,
    Impact,
    Risk,
    ServicePair,
    State,
    UpEffect,
    impact,
    listed,
)
from composerefactor.images.catalog import load


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount at *target*. *kind* is ``volume``, ``bind``, ``tmpfs``, ``anonymous`` ...

    *identity* is what the data belongs to: a volume's name as the engine calls it, whatever its
    key, or a path of the host. *source* is how the file names it.
    """

    target: str
    kind: str
    identity: str
    source: str = field(compare=False, default="")
    read_only: bool = field(compare=False, default=False)

    @property
    def words(self) -> str:
        """The mount as people call it."""
        if self.kind == "volume":
            return f"volume {self.identity}"
        if self.kind == "anonymous":
            return "an anonymous volume"
        return self.identity if self.kind == "bind" else self.kind

    @property
    def is_file(self) -> bool:
        """Whether a single file is mounted, as far as names tell."""
        return self.kind == "bind" and "." in basename(self.identity).lstrip(".")


def mounts_of(state: State, service: Mapping[str, Any]) -> dict[str, Mount]:
    """Return the mounts of *service* by target."""
    found: dict[str, Mount] = {}
    for item in service.get("volumes") or ():
        if isinstance(item, dict):
            mount = _mount(state, item)
            found[mount.target] = mount
    for item in _listed(service.get("tmpfs")):
        target = item.partition(":")[0]
        found.setdefault(target, Mount(target, "tmpfs", ""))
    return found


def mounted_volumes(state: State) -> dict[str, list[str]]:
    """Return the names of all mounted volumes, with the services that mount each."""
    found: dict[str, list[str]] = {}
    for name, service in state.services.items():
        for mount in mounts_of(state, service).values():
            if mount.kind == "volume":
                found.setdefault(mount.identity, []).append(name)
    return found


def _mount(state: State, item: Mapping[str, Any]) -> Mount:
    kind, source = str(item.get("type") or "volume"), str(item.get("source") or "")
    target = str(item.get("target") or "")
    read_only = bool(item.get("read_only"))
    if kind == "volume" and not source:
        return Mount(target, "anonymous", "", "", read_only)
    if kind == "volume":
        name = state.resource_name("volumes", source)
        below = (item.get("volume") or {}).get("subpath")
        return Mount(target, kind, f"{name}/{below}" if below else name, source, read_only)
    return Mount(target, kind, source, source, read_only)


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(map(str, value))


_NAMING = frozenset({"name", "external"})


class SharedResource(Struct, frozen=True):
    """A resource that both states have: its *name*, the *keys* and the definitions, old and new."""

    section: str
    name: str
    keys: tuple[str, str]
    was: Mapping[str, Any]
    now: Mapping[str, Any]

    @property
    def path(self) -> tuple[str, str]:
        """Where it is defined now."""
        return self.section, self.keys[1]

    @property
    def external(self) -> tuple[bool, bool]:
        """Whether it has to exist already, before and after."""
        return bool(self.was.get("external")), bool(self.now.get("external"))

    def renamed(self, same: str) -> Iterator[Impact]:
        """Yield the change of its key, if that is another; *same* says what stays: ``the data``."""
        old, new = self.keys
        if old != new:
            kind = self.section.removesuffix("s")
            words = f"{kind} {self.name}: its key is {new}, was {old}; {same}"
            covers = ((self.section, old),)
            yield impact(KEY_RENAMED, self.path, words, effect=UpEffect.NOTHING, covers=covers)

    def differing(self, driver: str) -> list[str]:
        """Return the keys in which the definitions differ; *driver* is the one by default."""
        old, new = {"driver": driver, **self.was}, {"driver": driver, **self.now}
        return [
            key
            for key in dict.fromkeys([*old, *new])
            if key not in _NAMING and (old.get(key) or None) != (new.get(key) or None)
        ]


def kept(before: State, after: State, section: str) -> Iterator[SharedResource]:
    """Yield the resources of *section*, ``networks`` or ``volumes``, that both states have."""
    old = {before.resource_name(section, key): key for key in before.section(section)}
    new = {after.resource_name(section, key): key for key in after.section(section)}
    for name in old.keys() & new.keys():
        keys = old[name], new[name]
        was, now = before.section(section)[keys[0]], after.section(section)[keys[1]]
        yield SharedResource(section, name, keys, was, now)


def service_mounts(pair: ServicePair) -> Iterator[Impact]:
    """Yield what is mounted otherwise, with the data that this leaves behind."""
    old, new = mounts_of(pair.before, pair.old), mounts_of(pair.after, pair.new)
    if not pair.new:
        return
    gone = {target: old[target] for target in old if target not in new}
    for target, mount in new.items():
        before = old.get(target)
        if before is not None:
            yield from _at_same_path(pair, before, mount)
            continue
        same = [each for each in gone.values() if _what(each) == _what(mount) and each.identity]
        if same:
            del gone[same[0].target]
            words = f"{mount.words} is mounted at {target}, no longer at {same[0].target}"
            yield _about(pair, MOUNT_MOVED, words, mount)
        elif pair.old:
            words = f"mounts {mount.words} at {target}"
            if mount.kind == "tmpfs":
                words = f"keeps {target} in memory"
            yield _about(pair, MOUNT_ADDED, words, mount)
    for mount in gone.values():
        yield _removed(pair, mount)


def volumes_left(before: State, after: State) -> Iterator[Impact]:
    """Yield the volumes that no service mounts any more since the services that did are gone."""
    now = mounted_volumes(after)
    for name, services in mounted_volumes(before).items():
        if name in now or any(s in after.services or s in after.left_out for s in services):
            continue  # where a service stays, its mount says more
        key = _key(before, name)
        words = f"volume {name} is no longer used ({listed(services)} had it); its data stays"
        path = ("volumes", key)
        yield impact(VOLUME_UNUSED, path, words, effect=UpEffect.NOTHING, was=True)


def volume_definitions(before: State, after: State) -> Iterator[Impact]:
    """Yield volumes of one name whose definition differs."""
    for volume in kept(before, after, "volumes"):
        name, path = volume.name, volume.path
        yield from volume.renamed("the same data")
        if volume.external == (False, True):
            words = f"volume {name} has to exist already (external); its data is kept"
            yield impact(VOLUME_EXTERNAL, path, words, effect=UpEffect.NOTHING)
        elif volume.external == (True, False):
            words = f"volume {name} belongs to this project now; its data is kept"
            yield impact(VOLUME_EXTERNAL, path, words, effect=UpEffect.NOTHING)
        elif volume.external == (False, False):
            keys = volume.differing(driver="local")
            if keys:
                words = f"volume {name} is defined with another {listed(keys)}: the engine asks "
                words += "whether to make it anew, which deletes its data"
                risk = Risk.MEDIUM if keys == ["labels"] else None
                yield impact(VOLUME_REDEFINED, path, words, effect=UpEffect.VOLUME, risk=risk)


def _at_same_path(pair: ServicePair, old: Mount, new: Mount) -> Iterator[Impact]:
    if _what(old) == _what(new):
        if old.read_only != new.read_only:
            words = f"{new.target} is {'read-only' if new.read_only else 'writable'} now"
            yield _about(pair, MOUNT_MODE, words, new)
        return
    at = f"at {new.target}"
    if old.kind == new.kind == "volume":
        users = mounted_volumes(pair.after).get(old.identity)
        words = f"{at}: volume {new.identity} instead of {old.identity}"
        if users:
            words += f", which {listed(users)} {'uses' if len(users) == 1 else 'use'}"
            yield _about(pair, VOLUME_SWITCHED, words, new)
        else:
            yield _left(pair, VOLUME_RENAMED, words, old, new)
    elif old.kind == new.kind == "bind":
        words = f"{at}: {new.identity} instead of {old.identity}"
        if old.read_only or old.is_file or pair.before.keeps(old.identity):
            yield _about(pair, SOURCE_MOVED, words, new)
        else:
            yield _left(pair, BIND_MOVED, words, old, new)
    elif old.kind == "tmpfs" or (old.kind == "bind" and _is_source(pair, old)):
        words = f"{at}: {new.words} instead of {'memory' if old.kind == 'tmpfs' else old.words}"
        yield _about(pair, SOURCE_MOVED, words, new)
    else:
        instead = "memory, which forgets," if new.kind == "tmpfs" else new.words
        words = f"{at}: {instead} instead of {old.words}"
        users = mounted_volumes(pair.after).get(old.identity) if old.kind == "volume" else None
        if users:
            yield _about(pair, VOLUME_SWITCHED, f"{words}, which {listed(users)} uses", new)
        else:
            risk = Risk.MEDIUM if old.kind == "anonymous" else None
            yield _left(pair, VOLUME_REPLACED, words, old, new, risk)


def _left(
    pair: ServicePair, rule: Any, words: str, old: Mount, new: Mount, risk: Risk | None = None
) -> Impact:
    words += f"; what is in {'it' if old.kind == 'anonymous' else old.identity} is left behind"
    return _about(pair, rule, words, new, effect=UpEffect.DATA, risk=risk)


def _removed(pair: ServicePair, mount: Mount) -> Impact:
    """Return what it means that nothing is mounted any more where *mount* was."""
    users = mounted_volumes(pair.after).get(mount.identity) if mount.kind == "volume" else None
    where = f"{mount.words} is no longer mounted at {mount.target}"
    harmless = (
        mount.kind not in {"volume", "bind"}
        or mount.read_only
        or bool(users)
        or (mount.kind == "bind" and _is_source(pair, mount))
    )
    if harmless:
        words = where + (f"; {listed(users)} still {_verb(users)} it" if users else "")
        mild = mount.kind in {"tmpfs", "anonymous"} or (mount.is_file and bool(pair.new))
        risk = Risk.LOW if mild else None
        return _about(pair, MOUNT_REMOVED, words, mount, was=True, risk=risk)
    words = f"{where}: its data is left behind, and what is written there goes with the container"
    risk = None if mount.kind == "volume" or _keeps_data(pair) else Risk.MEDIUM
    return _about(pair, MOUNT_LOST, words, mount, effect=UpEffect.DATA, was=True, risk=risk)


def _about(
    pair: ServicePair,
    rule: Any,
    words: str,
    mount: Mount,
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
        words,
        effect=effect,
        risk=risk,
        was=was,
        covers=covers,
        marks=(mount.target,),
    )


def _is_source(pair: ServicePair, mount: Mount) -> bool:
    return mount.read_only or mount.is_file or pair.before.keeps(mount.identity)


def _keeps_data(pair: ServicePair) -> bool:
    image = str(pair.old.get("image") or "")
    category = load().category(image) if image else None
    return category is not None and load().categories[category].counts_as == "data stores"


def _what(mount: Mount) -> tuple[str, str]:
    return mount.kind, mount.identity


def _verb(users: list[str] | None) -> str:
    return "uses" if users and len(users) == 1 else "use"


def _key(state: State, name: str) -> str:
    keys = state.section("volumes")
    return next((key for key in keys if state.resource_name("volumes", key) == name), name)
