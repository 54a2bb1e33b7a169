"""A change in words, with its effect on what runs and its risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.errors import first_of

Place: TypeAlias = tuple[str, ...]
"""A place in a model, from its top; positions in lists are decimal numbers."""


class Risk(IntEnum):
    """How much a reviewer should worry."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The name as users write it."""
        return self.name.lower()


class UpEffect(StrEnum):
    """What the next ``docker compose up`` does about a change."""

    NOTHING = "nothing"
    ORDER = "start order alone"
    BUILD = "image built anew"
    CREATED = "container created"
    RECREATED = "container recreated"
    REMOVED = "container no longer part of the project"
    NETWORK = "network recreated"
    DATA = "data left behind"
    VOLUME = "volume to be recreated"
    REJECTED = "nothing starts"
    UNKNOWN = "unknown"


class ImpactKind(Struct, frozen=True):
    """A kind of change: *id* is stable, *title* says in a sentence what it is about."""

    id: str
    risk: Risk
    title: str


class Impact(Struct, frozen=True):
    """One change. *words* hide secret values.

    *path* is its place in the new model, or in the old one where *was* is True: then it is gone.
    *covers* are the places that it explains, itself included. A line that belongs to it holds all
    of *marks*. *effect* None is told by the container's hash.
    """

    rule: ImpactKind
    path: Place
    words: str
    effect: UpEffect | None = None
    risk: Risk = Risk.NONE
    was: bool = False
    covers: tuple[Place, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def service(self) -> str | None:
        """The service that it is about."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "services" else None


def impact(
    rule: ImpactKind,
    path: Place,
    words: str,
    *,
    effect: UpEffect | None = None,
    risk: Risk | None = None,
    was: bool = False,
    covers: tuple[Place, ...] = (),
    marks: tuple[str, ...] = (),
) -> Impact:
    """Return a change of *rule*, with the rule's risk unless another is given."""
    return Impact(
        rule, path, words, effect, rule.risk if risk is None else risk, was, (path, *covers), marks
    )


def _unknown(path: str) -> bool:  # noqa: ARG001 - answers as a tree without files does
    return False


@dataclass(frozen=True, slots=True)
class State:
    """One state of an entry point: the resolved *model*, and what else is known about it.

    *raw* is the uninterpolated model and *hashes* has each container's; None where they are
    unknown. *keeps* tells whether a path below the project directory is part of the sources, so
    that it holds no data of what runs. *left_out* are services that are written, and not resolved.
    """

    model: Mapping[str, Any] = field(repr=False)
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
    hashes: Mapping[str, str] | None = None
    keeps: Callable[[str], bool] = _unknown
    left_out: frozenset[str] = frozenset()

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services by name."""
        return self.section("services")

    def section(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """Return a top-level section; one without entries is {}."""
        found = self.model.get(name) or {}
        return {key: value or {} for key, value in found.items()}

    def raw_service(self, name: str) -> Mapping[str, Any] | None:
        """Return the uninterpolated service, or None where it is unknown."""
        services = (self.raw or {}).get("services") or {}
        return services.get(name)

    def resource_name(self, section: str, key: str) -> str:
        """Return what the engine calls a network or volume: the same name is the same thing."""
        return str(self.section(section).get(key, {}).get("name") or key)


class ServicePair(Struct, frozen=True):
    """A service in both states; *old* or *new* is {} where it is not there.

    *old_name* is another one where it was renamed.
    """

    name: str
    before: State
    after: State
    old_name: str = ""

    @property
    def old(self) -> Mapping[str, Any]:
        """The old definition."""
        return self.before.services.get(self.old_name or self.name, {})

    @property
    def new(self) -> Mapping[str, Any]:
        """The new definition."""
        return self.after.services.get(self.name, {})

    @property
    def raw(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """Both definitions as they are written, with variables."""
        return (
            self.before.raw_service(self.old_name or self.name),
            self.after.raw_service(self.name),
        )

    def at(self, *path: str) -> Place:
        """Return a place in the service."""
        return ("services", self.name, *path)


def with_effect(found: Impact, effect: UpEffect) -> Impact:
    """Return *found* with *effect*."""
    return replace(found, effect=effect)


def listed(names: Any, most: int = 6) -> str:
    """Return *names* as an enumeration; more than *most* are counted."""
    words = [str(name) for name in names]
    if len(words) > most:
        return first_of(words, most)
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


REJECTED = ImpactKind("rejected", Risk.HIGH, "The engine rejects the new state.")
NOT_COMPARED = ImpactKind("not-compared", Risk.MEDIUM, "The two states could not be compared.")
ACCEPTED = ImpactKind("accepted", Risk.LOW, "The engine accepts what it rejected before.")
ENTRY_ADDED = ImpactKind("entry-point-added", Risk.LOW, "The project can be started in a new way.")
ENTRY_REMOVED = ImpactKind(
    "entry-point-removed", Risk.MEDIUM, "The project can no longer be started in this way."
)
PROJECT_RENAMED = ImpactKind(
    "project-renamed",
    Risk.HIGH,
    "Another project name: new containers and volumes beside the old ones.",
)

SERVICE_ADDED = ImpactKind("service-added", Risk.LOW, "A service is new.")
SERVICE_REMOVED = ImpactKind(
    "service-removed", Risk.MEDIUM, "A service is gone; its container runs on until it is removed."
)
SERVICE_RENAMED = ImpactKind(
    "service-renamed",
    Risk.MEDIUM,
    "A service has another name: others reach it under that name alone.",
)
SETTING_CHANGED = ImpactKind(
    "setting-changed", Risk.LOW, "A setting of a service has another value."
)
WRITTEN_DIFFERENTLY = ImpactKind(
    "written-differently", Risk.LOW, "A text with variables changed that gives the same value here."
)
DEFINITION_CHANGED = ImpactKind(
    "definition-changed", Risk.LOW, "The definition of a network, volume, config or secret changed."
)

IMAGE_CHANGED = ImpactKind("image-changed", Risk.LOW, "Another version of the image.")
IMAGE_SWITCHED = ImpactKind("image-switched", Risk.MEDIUM, "Another image.")
IMAGE_UNPINNED = ImpactKind("image-unpinned", Risk.MEDIUM, "The image no longer names one version.")
IMAGE_OLDER = ImpactKind("image-older", Risk.MEDIUM, "An older version of the image.")
IMAGE_BASE = ImpactKind(
    "image-base-changed", Risk.MEDIUM, "A database runs on another base system with its old data."
)
DATA_MAJOR = ImpactKind(
    "data-store-major-version",
    Risk.HIGH,
    "Another major version of a data store, which may not read the data of the old one.",
)
BUILD_CHANGED = ImpactKind("build-changed", Risk.LOW, "The image is built in another way.")

PORT_OPENED_TO_WORLD = ImpactKind(
    "port-opened-to-the-world", Risk.HIGH, "A port is published on all interfaces of the host."
)
PORT_OPENED_LOCALLY = ImpactKind(
    "port-opened-locally", Risk.LOW, "A port is published on the host itself alone."
)
PORT_OPENED_ON_ADDRESS = ImpactKind(
    "port-opened-on-an-address", Risk.MEDIUM, "A port is published on one address of the host."
)
PORT_CLOSED = ImpactKind("port-closed", Risk.MEDIUM, "A port is no longer published.")
PORT_MOVED = ImpactKind("port-moved", Risk.MEDIUM, "A port is published under another number.")
PORT_NARROWED = ImpactKind("port-narrowed", Risk.LOW, "A port is published for fewer than before.")

PRIVILEGED = ImpactKind("privileged", Risk.HIGH, "The container gets all rights on the host.")
HOST_NAMESPACE = ImpactKind(
    "host-namespace", Risk.HIGH, "The container shares a namespace of the host."
)
CAPABILITY_GAINED = ImpactKind(
    "capability-gained", Risk.HIGH, "The container gets more capabilities."
)
CAPABILITY_KEPT = ImpactKind(
    "capability-kept", Risk.MEDIUM, "Capabilities that were dropped are kept now."
)
CONFINEMENT_LOST = ImpactKind(
    "confinement-lost", Risk.HIGH, "A security option that confined the container is gone."
)
RUNS_AS_ROOT = ImpactKind(
    "runs-as-root", Risk.MEDIUM, "The container no longer runs as a named user."
)
WRITABLE_ROOT = ImpactKind("writable-root", Risk.MEDIUM, "The root file system can be written.")
DEVICE_GAINED = ImpactKind("device-gained", Risk.HIGH, "The container gets a device of the host.")
HOST_PATH_EXPOSED = ImpactKind(
    "host-path-exposed", Risk.HIGH, "A mount gives the container power over the host."
)
RIGHTS_REDUCED = ImpactKind(
    "rights-reduced", Risk.LOW, "The container has fewer rights than before."
)

VOLUME_RENAMED = ImpactKind(
    "volume-renamed", Risk.HIGH, "Another volume is mounted: the data stays in the old one."
)
VOLUME_SWITCHED = ImpactKind(
    "volume-switched", Risk.MEDIUM, "Another volume is mounted; the old one is used elsewhere."
)
VOLUME_REPLACED = ImpactKind(
    "volume-replaced", Risk.HIGH, "A mount of another kind: the data stays where it was."
)
MOUNT_LOST = ImpactKind("mount-lost", Risk.HIGH, "Nothing is mounted any more where data was kept.")
MOUNT_REMOVED = ImpactKind("mount-removed", Risk.MEDIUM, "A mount is gone.")
MOUNT_MOVED = ImpactKind("mount-moved", Risk.MEDIUM, "The same is mounted at another path.")
MOUNT_ADDED = ImpactKind("mount-added", Risk.LOW, "Something is mounted.")
MOUNT_MODE = ImpactKind("mount-mode", Risk.LOW, "A mount became read-only or writable.")
BIND_MOVED = ImpactKind(
    "bind-mount-moved", Risk.HIGH, "A directory of the host was replaced by another one."
)
SOURCE_MOVED = ImpactKind(
    "mounted-sources-moved", Risk.LOW, "Mounted files come from another place."
)
VOLUME_UNUSED = ImpactKind(
    "volume-unused", Risk.LOW, "No service mounts a volume any more; its data stays."
)
VOLUME_REDEFINED = ImpactKind(
    "volume-redefined",
    Risk.HIGH,
    "The definition of a volume changed: the engine asks whether to delete its data.",
)
VOLUME_EXTERNAL = ImpactKind(
    "volume-external", Risk.LOW, "A volume is created elsewhere, or no longer; its data is kept."
)
KEY_RENAMED = ImpactKind(
    "key-renamed", Risk.NONE, "A network or volume has another key and the same name."
)

NETWORK_RECREATED = ImpactKind(
    "network-recreated", Risk.MEDIUM, "The definition of a network changed: it is made anew."
)
NETWORK_RENAMED = ImpactKind("network-renamed", Risk.MEDIUM, "A network has another name.")
NETWORK_OPENED = ImpactKind(
    "network-opened", Risk.HIGH, "A network that had no way out to the world has one now."
)
NETWORK_EXTERNAL = ImpactKind(
    "network-external", Risk.LOW, "A network is created elsewhere, or no longer."
)
NETWORK_LEFT = ImpactKind("network-left", Risk.MEDIUM, "Services can no longer reach each other.")
NETWORK_JOINED = ImpactKind("network-joined", Risk.LOW, "Services can reach each other.")
ALIAS_LOST = ImpactKind("alias-lost", Risk.MEDIUM, "A service is no longer reached under a name.")
SERVICE_NETWORKS = ImpactKind(
    "service-networks", Risk.LOW, "A service is attached to networks in another way."
)

HEALTHCHECK_LOST = ImpactKind("healthcheck-lost", Risk.MEDIUM, "The health check is gone.")
HEALTHCHECK_CHANGED = ImpactKind("healthcheck-changed", Risk.LOW, "The health check changed.")
DEPENDENCY_LOST = ImpactKind(
    "dependency-lost", Risk.MEDIUM, "A service no longer waits for another."
)
DEPENDENCY_WEAKENED = ImpactKind(
    "dependency-weakened", Risk.MEDIUM, "A service waits for less of another than before."
)
DEPENDENCY_CHANGED = ImpactKind("dependency-changed", Risk.LOW, "A service waits for another one.")

LIMIT_LOST = ImpactKind("limit-lost", Risk.MEDIUM, "A limit on resources is gone.")
LIMIT_CHANGED = ImpactKind("limit-changed", Risk.LOW, "A limit on resources changed.")
RESTART_LOST = ImpactKind("restart-lost", Risk.MEDIUM, "The container is no longer restarted.")
RESTART_CHANGED = ImpactKind("restart-changed", Risk.LOW, "The restart policy changed.")
LOG_ROTATION_LOST = ImpactKind("log-rotation-lost", Risk.MEDIUM, "Logs grow without bound.")
NOT_STARTED = ImpactKind(
    "no-longer-started", Risk.MEDIUM, "The service is no longer started by the same command."
)
STARTED = ImpactKind("now-started", Risk.LOW, "The service is started without a profile.")
REPLICAS_CHANGED = ImpactKind("replicas-changed", Risk.LOW, "Another number of containers.")

SECRET_IN_PLAIN_TEXT = ImpactKind(
    "secret-in-plain-text", Risk.HIGH, "A credential stands in the files as plain text."
)
SECRET_OUT_OF_TEXT = ImpactKind(
    "secret-out-of-text", Risk.LOW, "A credential no longer stands in the files as plain text."
)

RULES = {rule.id: rule for rule in list(globals().values()) if isinstance(rule, ImpactKind)}
"""All of them by id."""
