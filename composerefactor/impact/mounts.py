"""The mounts of a service, each by where it leads and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import basename
from typing import Any

from composerefactor.impact.change import State


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
