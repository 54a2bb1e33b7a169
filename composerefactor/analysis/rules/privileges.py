"""What a container may do on its host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.definitions import text_of
from composerefactor.compose.image_references import parse_image
from composerefactor.images.lookup import gains_privileges


@rule(Severity.HIGH, "security", strength="No service is privileged.")
def privileged(architecture: Architecture) -> Iterator[Occurrence]:
    """A service is privileged.

    `privileged: true` disables the isolation of the container: an attacker who breaks into it
    controls the host.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            if service.privileged is not None and service.privileged.value:
                yield Occurrence(
                    f"{service.name} is privileged",
                    service.privileged.location,
                    service.name,
                    remedy="grant only the capabilities and devices that it needs",
                )


_DANGEROUS = frozenset(
    {
        *("ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH"),
        *("NET_ADMIN", "BPF", "SYS_BOOT"),
    }
)


_NETWORK = (
    r"vpn|wireguard|\bwg\b|wg-easy|tailscale|gluetun|zerotier|netbird|netmaker|openconnect|firewall"
    r"|fail2ban|pcap|packet|suricata|zeek|snort|arkime|ntop|dhcp|pi-?hole|keepalived|netdata"
)
_PURPOSES = {
    "NET_ADMIN": _NETWORK,
    "SYS_MODULE": r"vpn|wireguard|tailscale|gluetun|zerotier",
    "SYS_PTRACE": r"netdata|debug|profil|strace",
}
"""The services that a capability is made for, by their name or image."""


@rule(Severity.MEDIUM, "security")
def dangerous_capability(architecture: Architecture) -> Iterator[Occurrence]:
    """A service has a capability that is close to root on the host.

    With it a program can leave the container, or change the network or the kernel of the host.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for capability in service.cap_add:
                text = capability.value
                name = text.upper().removeprefix("CAP_")
                purpose = _PURPOSES.get(name)
                names = f"{service.name} {text_of(service.image)}".lower()
                is_purpose = purpose and re.search(purpose, names)
                if name == "SYS_PTRACE" and architecture.is_short_lived(capability.location.path):
                    continue  # a debugger needs it
                if name in _DANGEROUS and not is_purpose:
                    yield Occurrence(
                        f"{service.name} has the capability {text}",
                        capability.location,
                        service.name,
                        text,
                        "remove the capabilities that it does not need",
                    )


@rule(Severity.MEDIUM, "security")
def host_namespace(architecture: Architecture) -> Iterator[Occurrence]:
    """A service shares a namespace with the host.

    With `network_mode: host` it is on all networks of the machine and its published ports are
    ignored; with `pid: host` it can see, and end, every process.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            namespaces = {
                "network_mode": service.network_mode,
                "pid": service.pid,
                "ipc": service.ipc,
                "userns_mode": service.userns_mode,
                "uts": service.uts,
            }
            for attribute, value in namespaces.items():
                if value is None or value.value != "host":
                    continue
                facts = entry.service(service.name)
                is_infrastructure = facts is not None and facts.counts_as == "infrastructure"
                yield Occurrence(
                    f"{service.name} shares a namespace with the host ({attribute}: host)",
                    value.location,
                    service.name,
                    attribute,
                    severity=Severity.LOW if is_infrastructure else None,
                )


_EXPECTED = "infrastructure"
"""Services that watch, route to or administer containers usually need the socket."""


_SOCKET_PROXY = r"(?:socket|docker)[-_]?proxy"


@rule(
    Severity.HIGH, "security", strength="No service except socket proxies mounts the Docker socket."
)
def docker_socket(architecture: Architecture) -> Iterator[Occurrence]:
    """A service mounts the Docker socket.

    A program that can use the socket is root on the host, with `:ro` too. A socket proxy passes
    only the requests that a reverse proxy or a monitor needs.
    """
    for entry in architecture.entries:
        for service in entry.services:
            if re.search(_SOCKET_PROXY, f"{service.name} {service.image or ''}"):
                continue  # the remedy for the others
            for mount in service.mounts:
                if mount.is_docker_socket:
                    yield Occurrence(
                        f"{service.name} mounts the Docker socket (root-equivalent)",
                        mount.location,
                        service.name,
                        remedy="use a socket proxy or remove the mount",
                        severity=Severity.MEDIUM if service.counts_as == _EXPECTED else None,
                    )


@rule(
    Severity.INFO,
    "security",
    transform="harden",
    strength="No program can gain privileges in a container.",
)
def privileges_can_be_gained(architecture: Architecture) -> Iterator[Occurrence]:
    """A service lets its programs gain privileges by setuid.

    `no-new-privileges` works with nearly all images, and blocks one way from a break-in to root in
    the container.
    """
    for entry in architecture.entries:
        for service in entry.services:
            if service.name in entry.model.without_container:
                continue
            options = entry.model.services[service.name].security_opt
            if any(option.value.startswith("no-new-privileges") for option in options):
                continue
            if not service.privileged and not gains_privileges(service.image):
                yield Occurrence(
                    f"programs in {service.name} can gain privileges",
                    service.location,
                    service.name,
                )


_ROOT_IMAGES = frozenset(
    {
        *("alpine", "debian", "ubuntu", "node", "python", "golang", "rust", "ruby", "php"),
        *("openjdk", "eclipse-temurin", "amazoncorretto", "maven", "gradle", "scratch"),
        *("aspnet", "runtime", "sdk", "bun", "buster", "bookworm", "caddy", "centos", "fedora"),
    }
)
"""Base images that are known to run as root.

nginx and httpd are not among them: what serves their clients runs as another user. That is true for
the variants of PHP with a server, too.
"""
_PHP_SERVERS = ("fpm", "apache")


@rule(Severity.LOW, "security")
def runs_as_root(architecture: Architecture) -> Iterator[Occurrence]:
    """An image that the project builds runs as root.

    Neither its Dockerfile nor the service sets another user. An attacker who breaks into the
    program then controls the whole container. An image with `gosu` or `su-exec` most likely changes
    to another user when it starts.
    """
    for entry in architecture.entries:
        for service in entry.services:
            build = service.build
            if build is None or not build.runs_as_root or service.user or not build.base:
                continue
            if build.changes_user or _has_own_user(build.base):
                continue
            location = build.base_location or build.location
            yield Occurrence(
                f"{service.name} runs as root: {build.dockerfile} sets no other user",
                location,
                service.name,
                build.dockerfile,
                "add USER to the last stage",
            )


def _has_own_user(base: str) -> bool:
    """Return whether the image *base* may itself set another user than root."""
    name = parse_image(base).name
    short_name = name.rpartition("/")[2]
    if short_name == "php" and any(word in base for word in _PHP_SERVERS):
        return True
    return short_name not in _ROOT_IMAGES or any(
        word in base for word in ("nonroot", "unprivileged", "chiseled")
    )
