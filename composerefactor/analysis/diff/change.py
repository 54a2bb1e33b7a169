"""A change in words, with its effect on what runs and its risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.errors import some

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


class Effect(StrEnum):
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


class Rule(Struct, frozen=True):
    """A kind of change: *id* is stable, *title* says in a sentence what it is about."""

    id: str
    risk: Risk
    title: str


class Change(Struct, frozen=True):
    """One change. *words* hide secret values.

    *path* is its place in the new model, or in the old one where *was* is True: then it is gone.
    *covers* are the places that it explains, itself included. A line that belongs to it holds all
    of *marks*. *effect* None is told by the container's hash.
    """

    rule: Rule
    path: Place
    words: str
    effect: Effect | None = None
    risk: Risk = Risk.NONE
    was: bool = False
    covers: tuple[Place, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def service(self) -> str | None:
        """The service that it is about."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "services" else None


def change(
    rule: Rule,
    path: Place,
    words: str,
    *,
    effect: Effect | None = None,
    risk: Risk | None = None,
    was: bool = False,
    covers: tuple[Place, ...] = (),
    marks: tuple[str, ...] = (),
) -> Change:
    """Return a change of *rule*, with the rule's risk unless another is given."""
    return Change(
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


def with_effect(found: Change, effect: Effect) -> Change:
    """Return *found* with *effect*."""
    return replace(found, effect=effect)


def listed(names: Any, most: int = 6) -> str:
    """Return *names* as an enumeration; more than *most* are counted."""
    words = [str(name) for name in names]
    if len(words) > most:
        return some(words, most)
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


REJECTED = Rule("rejected", Risk.HIGH, "The engine rejects the new state.")
NOT_COMPARED = Rule("not-compared", Risk.MEDIUM, "The two states could not be compared.")
ACCEPTED = Rule("accepted", Risk.LOW, "The engine accepts what it rejected before.")
ENTRY_ADDED = Rule("entry-point-added", Risk.LOW, "The project can be started in a new way.")
ENTRY_REMOVED = Rule(
    "entry-point-removed", Risk.MEDIUM, "The project can no longer be started in this way."
)
PROJECT_RENAMED = Rule(
    "project-renamed",
    Risk.HIGH,
    "Another project name: new containers and volumes beside the old ones.",
)

SERVICE_ADDED = Rule("service-added", Risk.LOW, "A service is new.")
SERVICE_REMOVED = Rule(
    "service-removed", Risk.MEDIUM, "A service is gone; its container runs on until it is removed."
)
SERVICE_RENAMED = Rule(
    "service-renamed",
    Risk.MEDIUM,
    "A service has another name: others reach it under that name alone.",
)
SETTING_CHANGED = Rule("setting-changed", Risk.LOW, "A setting of a service has another value.")
WRITTEN_DIFFERENTLY = Rule(
    "written-differently", Risk.LOW, "A text with variables changed that gives the same value here."
)
DEFINITION_CHANGED = Rule(
    "definition-changed", Risk.LOW, "The definition of a network, volume, config or secret changed."
)

IMAGE_CHANGED = Rule("image-changed", Risk.LOW, "Another version of the image.")
IMAGE_SWITCHED = Rule("image-switched", Risk.MEDIUM, "Another image.")
IMAGE_UNPINNED = Rule("image-unpinned", Risk.MEDIUM, "The image no longer names one version.")
IMAGE_OLDER = Rule("image-older", Risk.MEDIUM, "An older version of the image.")
IMAGE_BASE = Rule(
    "image-base-changed", Risk.MEDIUM, "A database runs on another base system with its old data."
)
DATA_MAJOR = Rule(
    "data-store-major-version",
    Risk.HIGH,
    "Another major version of a data store, which may not read the data of the old one.",
)
BUILD_CHANGED = Rule("build-changed", Risk.LOW, "The image is built in another way.")

PORT_OPENED_TO_WORLD = Rule(
    "port-opened-to-the-world", Risk.HIGH, "A port is published on all interfaces of the host."
)
PORT_OPENED_LOCALLY = Rule(
    "port-opened-locally", Risk.LOW, "A port is published on the host itself alone."
)
PORT_OPENED_ON_ADDRESS = Rule(
    "port-opened-on-an-address", Risk.MEDIUM, "A port is published on one address of the host."
)
PORT_CLOSED = Rule("port-closed", Risk.MEDIUM, "A port is no longer published.")
PORT_MOVED = Rule("port-moved", Risk.MEDIUM, "A port is published under another number.")
PORT_NARROWED = Rule("port-narrowed", Risk.LOW, "A port is published for fewer than before.")

PRIVILEGED = Rule("privileged", Risk.HIGH, "The container gets all rights on the host.")
HOST_NAMESPACE = Rule("host-namespace", Risk.HIGH, "The container shares a namespace of the host.")
CAPABILITY_GAINED = Rule("capability-gained", Risk.HIGH, "The container gets more capabilities.")
CAPABILITY_KEPT = Rule(
    "capability-kept", Risk.MEDIUM, "Capabilities that were dropped are kept now."
)
CONFINEMENT_LOST = Rule(
    "confinement-lost", Risk.HIGH, "A security option that confined the container is gone."
)
RUNS_AS_ROOT = Rule("runs-as-root", Risk.MEDIUM, "The container no longer runs as a named user.")
WRITABLE_ROOT = Rule("writable-root", Risk.MEDIUM, "The root file system can be written.")
DEVICE_GAINED = Rule("device-gained", Risk.HIGH, "The container gets a device of the host.")
HOST_PATH_EXPOSED = Rule(
    "host-path-exposed", Risk.HIGH, "A mount gives the container power over the host."
)
RIGHTS_REDUCED = Rule("rights-reduced", Risk.LOW, "The container has fewer rights than before.")

VOLUME_RENAMED = Rule(
    "volume-renamed", Risk.HIGH, "Another volume is mounted: the data stays in the old one."
)
VOLUME_SWITCHED = Rule(
    "volume-switched", Risk.MEDIUM, "Another volume is mounted; the old one is used elsewhere."
)
VOLUME_REPLACED = Rule(
    "volume-replaced", Risk.HIGH, "A mount of another kind: the data stays where it was."
)
MOUNT_LOST = Rule("mount-lost", Risk.HIGH, "Nothing is mounted any more where data was kept.")
MOUNT_REMOVED = Rule("mount-removed", Risk.MEDIUM, "A mount is gone.")
MOUNT_MOVED = Rule("mount-moved", Risk.MEDIUM, "The same is mounted at another path.")
MOUNT_ADDED = Rule("mount-added", Risk.LOW, "Something is mounted.")
MOUNT_MODE = Rule("mount-mode", Risk.LOW, "A mount became read-only or writable.")
BIND_MOVED = Rule(
    "bind-mount-moved", Risk.HIGH, "A directory of the host was replaced by another one."
)
SOURCE_MOVED = Rule("mounted-sources-moved", Risk.LOW, "Mounted files come from another place.")
VOLUME_UNUSED = Rule(
    "volume-unused", Risk.LOW, "No service mounts a volume any more; its data stays."
)
VOLUME_REDEFINED = Rule(
    "volume-redefined",
    Risk.HIGH,
    "The definition of a volume changed: the engine asks whether to delete its data.",
)
VOLUME_EXTERNAL = Rule(
    "volume-external", Risk.LOW, "A volume is created elsewhere, or no longer; its data is kept."
)
KEY_RENAMED = Rule(
    "key-renamed", Risk.NONE, "A network or volume has another key and the same name."
)

NETWORK_RECREATED = Rule(
    "network-recreated", Risk.MEDIUM, "The definition of a network changed: it is made anew."
)
NETWORK_RENAMED = Rule("network-renamed", Risk.MEDIUM, "A network has another name.")
NETWORK_OPENED = Rule(
    "network-opened", Risk.HIGH, "A network that had no way out to the world has one now."
)
NETWORK_EXTERNAL = Rule(
    "network-external", Risk.LOW, "A network is created elsewhere, or no longer."
)
NETWORK_LEFT = Rule("network-left", Risk.MEDIUM, "Services can no longer reach each other.")
NETWORK_JOINED = Rule("network-joined", Risk.LOW, "Services can reach each other.")
ALIAS_LOST = Rule("alias-lost", Risk.MEDIUM, "A service is no longer reached under a name.")
SERVICE_NETWORKS = Rule(
    "service-networks", Risk.LOW, "A service is attached to networks in another way."
)

HEALTHCHECK_LOST = Rule("healthcheck-lost", Risk.MEDIUM, "The health check is gone.")
HEALTHCHECK_CHANGED = Rule("healthcheck-changed", Risk.LOW, "The health check changed.")
DEPENDENCY_LOST = Rule("dependency-lost", Risk.MEDIUM, "A service no longer waits for another.")
DEPENDENCY_WEAKENED = Rule(
    "dependency-weakened", Risk.MEDIUM, "A service waits for less of another than before."
)
DEPENDENCY_CHANGED = Rule("dependency-changed", Risk.LOW, "A service waits for another one.")

LIMIT_LOST = Rule("limit-lost", Risk.MEDIUM, "A limit on resources is gone.")
LIMIT_CHANGED = Rule("limit-changed", Risk.LOW, "A limit on resources changed.")
RESTART_LOST = Rule("restart-lost", Risk.MEDIUM, "The container is no longer restarted.")
RESTART_CHANGED = Rule("restart-changed", Risk.LOW, "The restart policy changed.")
LOG_ROTATION_LOST = Rule("log-rotation-lost", Risk.MEDIUM, "Logs grow without bound.")
NOT_STARTED = Rule(
    "no-longer-started", Risk.MEDIUM, "The service is no longer started by the same command."
)
STARTED = Rule("now-started", Risk.LOW, "The service is started without a profile.")
REPLICAS_CHANGED = Rule("replicas-changed", Risk.LOW, "Another number of containers.")

SECRET_IN_PLAIN_TEXT = Rule(
    "secret-in-plain-text", Risk.HIGH, "A credential stands in the files as plain text."
)
SECRET_OUT_OF_TEXT = Rule(
    "secret-out-of-text", Risk.LOW, "A credential no longer stands in the files as plain text."
)

RULES = {rule.id: rule for rule in list(globals().values()) if isinstance(rule, Rule)}
"""All of them by id."""
