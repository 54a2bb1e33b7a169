"""All kinds of impact, with their stable ids and risks, and the risk of a fix."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from composerefactor.refactoring.contract import Change, Effect


class Risk(IntEnum):
    """How carefully a reviewer should look at a change."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The name in lower case."""
        return self.name.lower()


class ImpactKind(Struct, frozen=True):
    """A kind of impact.

    Attributes:
        id: The stable name.
        risk: The risk, unless an impact has its own.
        title: One sentence about it.
    """

    id: str
    risk: Risk
    title: str


REJECTED = ImpactKind("rejected", Risk.HIGH, "Docker Compose rejects the new state.")
NOT_COMPARED = ImpactKind("not-compared", Risk.MEDIUM, "The two states could not be compared.")
ACCEPTED = ImpactKind("accepted", Risk.LOW, "Docker Compose accepts what it rejected before.")
ENTRY_ADDED = ImpactKind("start-command-added", Risk.LOW, "The project has a new start command.")
ENTRY_REMOVED = ImpactKind(
    "start-command-removed", Risk.MEDIUM, "A start command of the project no longer exists."
)
PROJECT_RENAMED = ImpactKind(
    "project-renamed",
    Risk.HIGH,
    "The project has a new name: new containers and volumes are created beside the old ones.",
)

SERVICE_ADDED = ImpactKind("service-added", Risk.LOW, "A service was added.")
SERVICE_REMOVED = ImpactKind(
    "service-removed", Risk.MEDIUM, "A service was removed; its container keeps running."
)
SERVICE_RENAMED = ImpactKind(
    "service-renamed",
    Risk.MEDIUM,
    "A service was renamed: other services reach it only under the new name.",
)
SETTING_CHANGED = ImpactKind("setting-changed", Risk.LOW, "A setting of a service changed.")
WRITTEN_DIFFERENTLY = ImpactKind(
    "written-differently", Risk.LOW, "A text with variables changed; its value here is the same."
)
DEFINITION_CHANGED = ImpactKind(
    "definition-changed", Risk.LOW, "The definition of a network, volume, config or secret changed."
)

IMAGE_CHANGED = ImpactKind(
    "image-changed", Risk.LOW, "The service uses another version of its image."
)
IMAGE_SWITCHED = ImpactKind("image-switched", Risk.MEDIUM, "The service uses another image.")
IMAGE_UNPINNED = ImpactKind(
    "image-unpinned", Risk.MEDIUM, "The image is no longer pinned to one version."
)
IMAGE_OLDER = ImpactKind(
    "image-older", Risk.MEDIUM, "The service uses an older version of its image."
)
IMAGE_BASE = ImpactKind(
    "image-base-changed", Risk.MEDIUM, "A database with existing data runs on another base system."
)
DATA_MAJOR = ImpactKind(
    "data-store-major-version",
    Risk.HIGH,
    "A data store has another major version, which may not be able to read its existing data.",
)
BUILD_CHANGED = ImpactKind("build-changed", Risk.LOW, "The build settings of an image changed.")

PORT_OPENED_TO_WORLD = ImpactKind(
    "port-opened-to-the-world", Risk.HIGH, "A port is published on all interfaces of the host."
)
PORT_OPENED_LOCALLY = ImpactKind(
    "port-opened-locally", Risk.LOW, "A port is published, but only reachable from the host."
)
PORT_OPENED_ON_ADDRESS = ImpactKind(
    "port-opened-on-an-address", Risk.MEDIUM, "A port is published on one address of the host."
)
PORT_CLOSED = ImpactKind("port-closed", Risk.MEDIUM, "A port is no longer published.")
PORT_MOVED = ImpactKind("port-moved", Risk.MEDIUM, "A port is published under a different number.")
PORT_NARROWED = ImpactKind(
    "port-narrowed", Risk.LOW, "A port is reachable from fewer networks than before."
)

PRIVILEGED = ImpactKind(
    "privileged", Risk.HIGH, "The container runs privileged: it has full access to the host."
)
HOST_NAMESPACE = ImpactKind(
    "host-namespace", Risk.HIGH, "The container shares a namespace of the host."
)
CAPABILITY_GAINED = ImpactKind(
    "capability-gained", Risk.HIGH, "The container gets more capabilities."
)
CAPABILITY_KEPT = ImpactKind("capability-kept", Risk.MEDIUM, "Capabilities are no longer dropped.")
CONFINEMENT_LOST = ImpactKind(
    "confinement-lost", Risk.HIGH, "A security option that confined the container was removed."
)
RUNS_AS_ROOT = ImpactKind(
    "runs-as-root", Risk.MEDIUM, "The container no longer runs as a named user."
)
CAPABILITY_LOST = ImpactKind(
    "capability-lost", Risk.MEDIUM, "The container loses capabilities that its program may need."
)
READ_ONLY_ROOT = ImpactKind(
    "read-only-root", Risk.MEDIUM, "The root file system is read-only: writing to it fails."
)
WRITABLE_ROOT = ImpactKind("writable-root", Risk.MEDIUM, "The root file system is writable.")
DEVICE_GAINED = ImpactKind(
    "device-gained", Risk.HIGH, "The container gets access to a device of the host."
)
HOST_PATH_EXPOSED = ImpactKind(
    "host-path-exposed", Risk.HIGH, "A mount gives the container control over the host."
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
    "volume-replaced", Risk.HIGH, "A mount has another type: the data stays in the old place."
)
MOUNT_LOST = ImpactKind("mount-lost", Risk.HIGH, "A mount that contains data was removed.")
MOUNT_REMOVED = ImpactKind("mount-removed", Risk.MEDIUM, "A mount was removed.")
MOUNT_MOVED = ImpactKind("mount-moved", Risk.MEDIUM, "A mount has another path in the container.")
MOUNT_ADDED = ImpactKind("mount-added", Risk.LOW, "A mount was added.")
MOUNT_MODE = ImpactKind("mount-mode", Risk.LOW, "A mount became read-only or writable.")
BIND_MOVED = ImpactKind(
    "bind-mount-moved", Risk.HIGH, "A directory of the host was replaced by another one."
)
SOURCE_MOVED = ImpactKind(
    "mounted-sources-moved", Risk.LOW, "Mounted files come from another place."
)
VOLUME_UNUSED = ImpactKind(
    "volume-unused", Risk.LOW, "A volume is no longer mounted by any service; its data is kept."
)
VOLUME_REDEFINED = ImpactKind(
    "volume-redefined",
    Risk.HIGH,
    "The definition of a volume changed: Docker Compose asks whether to delete its data.",
)
VOLUME_EXTERNAL = ImpactKind(
    "volume-external", Risk.LOW, "A volume became external, or no longer is; its data is kept."
)
KEY_RENAMED = ImpactKind(
    "key-renamed", Risk.NONE, "A network or volume has a new key, but keeps its name."
)

NETWORK_RECREATED = ImpactKind(
    "network-recreated", Risk.MEDIUM, "The definition of a network changed: it is recreated."
)
NETWORK_RENAMED = ImpactKind("network-renamed", Risk.MEDIUM, "A network was renamed.")
NETWORK_OPENED = ImpactKind("network-opened", Risk.HIGH, "A network is no longer internal.")
NETWORK_EXTERNAL = ImpactKind(
    "network-external", Risk.LOW, "A network became external, or no longer is."
)
NETWORK_LEFT = ImpactKind("network-left", Risk.MEDIUM, "Services can no longer reach each other.")
NETWORK_JOINED = ImpactKind("network-joined", Risk.LOW, "Services can now reach each other.")
ALIAS_LOST = ImpactKind("alias-lost", Risk.MEDIUM, "A service is no longer reachable under a name.")
SERVICE_NETWORKS = ImpactKind(
    "service-networks", Risk.LOW, "The network attachments of a service changed."
)

HEALTHCHECK_LOST = ImpactKind("healthcheck-lost", Risk.MEDIUM, "The health check was removed.")
HEALTHCHECK_CHANGED = ImpactKind("healthcheck-changed", Risk.LOW, "The health check changed.")
DEPENDENCY_LOST = ImpactKind(
    "dependency-lost", Risk.MEDIUM, "A service no longer waits for another."
)
DEPENDENCY_WEAKENED = ImpactKind(
    "dependency-weakened", Risk.MEDIUM, "A service waits less strictly for another."
)
DEPENDENCY_CHANGED = ImpactKind(
    "dependency-changed", Risk.LOW, "A dependency of a service changed."
)

LIMIT_LOST = ImpactKind("limit-lost", Risk.MEDIUM, "A resource limit was removed.")
LIMIT_CHANGED = ImpactKind("limit-changed", Risk.LOW, "A resource limit changed.")
RESTART_LOST = ImpactKind("restart-lost", Risk.MEDIUM, "The container is no longer restarted.")
RESTART_CHANGED = ImpactKind("restart-changed", Risk.LOW, "The restart policy changed.")
LOG_ROTATION_LOST = ImpactKind("log-rotation-lost", Risk.MEDIUM, "Logs are no longer rotated.")
NOT_STARTED = ImpactKind(
    "no-longer-started", Risk.MEDIUM, "The service is no longer started by the same command."
)
STARTED = ImpactKind("now-started", Risk.LOW, "The service starts without a profile.")
REPLICAS_CHANGED = ImpactKind("replicas-changed", Risk.LOW, "The number of containers changed.")

SECRET_IN_PLAIN_TEXT = ImpactKind(
    "secret-in-plain-text", Risk.HIGH, "The files contain a credential as plain text."
)
SECRET_OUT_OF_TEXT = ImpactKind(
    "secret-out-of-text", Risk.LOW, "The files no longer contain a credential as plain text."
)

RULES = {rule.id: rule for rule in list(globals().values()) if isinstance(rule, ImpactKind)}
"""All kinds of impact by id."""


_BY_ATTRIBUTE: dict[str, ImpactKind] = {
    "read_only": READ_ONLY_ROOT,
    "cap_drop": CAPABILITY_LOST,
    "security_opt": RIGHTS_REDUCED,
    "healthcheck": HEALTHCHECK_CHANGED,
    "depends_on": DEPENDENCY_CHANGED,
    "deploy": LIMIT_CHANGED,
    "mem_limit": LIMIT_CHANGED,
    "cpus": LIMIT_CHANGED,
    "restart": RESTART_CHANGED,
    "ports": PORT_NARROWED,
    "volumes": MOUNT_ADDED,
    "environment": SECRET_OUT_OF_TEXT,
}
"""The kind of impact of a fix on an attribute of a service: fixers add and restrict, they take no
limit, check or right of use away. Other attributes are settings."""


def risk_of_change(change: Change) -> Risk:
    """Return the highest risk of the effects of *change*; ``none`` if nothing that runs differs.

    The change of a fixer is not made yet, so there are no two states to compare: the attribute that
    an effect is about decides which kind of impact it has.
    """
    if change.leaves_data:
        return VOLUME_REPLACED.risk
    if change.repairs:
        return ACCEPTED.risk
    effects = [effect for effect in change.effects if effect.matters]
    return max((_kind(effect).risk for effect in effects), default=Risk.NONE)


def _kind(effect: Effect) -> ImpactKind:
    section, *keys = effect.path
    if section != "services":
        is_network = section == "networks" and effect.verb != "adds"
        return NETWORK_RECREATED if is_network else DEFINITION_CHANGED
    if len(keys) < 2:  # noqa: PLR2004 - the whole service
        return SERVICE_REMOVED if effect.verb == "removes" else SERVICE_ADDED
    if keys[1] == "networks" and effect.verb != "adds":
        return NETWORK_LEFT
    return _BY_ATTRIBUTE.get(keys[1], SETTING_CHANGED)
