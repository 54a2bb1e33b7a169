"""The kinds of changes, each with its risk. Their ids are stable: users name them."""

from __future__ import annotations

from composerefactor.impact.change import Risk, Rule

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
