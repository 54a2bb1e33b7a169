"""A service has a capability that is close to root on the host.

With it a program can leave the container, or change the network or the kernel of the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.definitions import text_of

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
    """Yield the capabilities that allow a program to leave the container."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for capability in service.cap_add:
                text = capability.value
                name = text.upper().removeprefix("CAP_")
                purpose = _PURPOSES.get(name)
                names = f"{service.name} {text_of(service.image)}".lower()
                is_purpose = purpose and re.search(purpose, names)
                if name in _DANGEROUS and not is_purpose:
                    yield Occurrence(
                        f"{service.name} has the capability {text}",
                        capability.location,
                        service.name,
                        text,
                        "remove the capabilities that it does not need",
                    )
