"""A network has addresses that belong to others on the internet.

The services of the network, and the machine itself, cannot reach the hosts with these addresses.
Private are 10.0.0.0/8, 172.16.0.0/12 (up to 172.31.255.255) and 192.168.0.0/16 (RFC 1918).
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.resources import used_subnets


@rule(Severity.MEDIUM, "configuration")
def public_subnet(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the subnets of networks that are not private."""
    for entry in architecture.entries:
        for used in used_subnets(entry.model.files):
            if used.subnet.is_global:
                yield Occurrence(
                    f"the subnet {used.subnet} of {used.network} is not private",
                    used.location,
                    None,
                    used.network,
                    "use one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
                )
