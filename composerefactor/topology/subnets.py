"""Subnets of networks: those in use, and free ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from msgspec import Struct

from composerefactor.compose.expand import expand
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import item_nodes, merged_get, scalar_text
from composerefactor.errors import Location, RefusedError

POOL = "172.16.0.0/16"
"""Where free subnets are taken from: private, and outside the pools from which the Docker daemon
takes subnets by itself (172.17.0.0 to 172.31.255.255 and 192.168.0.0/16)."""

PREFIX_LENGTH = 24


class UsedSubnet(Struct, frozen=True):
    """A *subnet* that the network called *network* has."""

    subnet: IPv4Network | IPv6Network
    network: str
    location: Location


def used_subnets(files: Iterable[ComposeFile]) -> list[UsedSubnet]:
    """Return the subnets that ``ipam`` of the networks in *files* names, variables by default."""
    return [used for file in files for used in _subnets(file)]


def _subnets(file: ComposeFile) -> Iterator[UsedSubnet]:
    for name, body in file.entries("networks").items():
        for config in item_nodes(merged_get(merged_get(body, "ipam"), "config")):
            node = merged_get(config, "subnet")
            text = expand(scalar_text(node) or "", {})
            if node is None or not text:
                continue
            try:
                subnet = ip_network(text, strict=False)
            except ValueError:
                continue
            yield UsedSubnet(subnet, name, file.source.location(node.start))


def free_subnet(
    used: Iterable[IPv4Network | IPv6Network], pool: str = POOL, prefix_length: int = PREFIX_LENGTH
) -> IPv4Network:
    """Return the first subnet of *pool* that overlaps with none of *used*.

    Raises RefusedError where none is left.
    """
    taken = [subnet for subnet in used if isinstance(subnet, IPv4Network)]
    for subnet in IPv4Network(pool).subnets(new_prefix=prefix_length):
        if not any(subnet.overlaps(each) for each in taken):
            return subnet
    raise RefusedError(
        f"no free subnet of {prefix_length} bits is left in {pool}",
        remedy="name one that your network has free",
    )
