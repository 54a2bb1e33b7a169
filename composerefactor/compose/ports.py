"""Published ports: the short and the long form (Compose specification)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.interpolation import (
    EXPRESSION_MASK,
    mask_expressions,
    split_outside_expressions,
)
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.yaml.nodes import MappingNode, Node

_MAX_DIGITS = 5
"""Longer numbers are no ports."""

_MAX_RANGE = 65536


class PortText(Struct, frozen=True):
    """The parts of a published port as written; a part that is not written is None.

    *target* and *published* are a port or a range ``first-last``, and may contain variables.

    Attributes:
        target: The port in the container.
        published: The port on the host.
        host_ip: The address on the host.
        protocol: The protocol in lower case.
    """

    target: str
    published: str | None = None
    host_ip: str | None = None
    protocol: str = "tcp"


class Binding(Struct, frozen=True):
    """One container port.

    Attributes:
        target: The port in the container.
        published: The port on the host, a range to choose from, or None for any port.
        host_ip: The address on the host, or None for all.
        protocol: The protocol.
    """

    target: int
    published: str | None
    host_ip: str | None
    protocol: str


class Port(Struct, frozen=True):
    """One item of ``ports``.

    Attributes:
        node: The item.
        text: The parts as written.
        is_long: True for the long form.
    """

    node: Node
    text: PortText
    is_long: bool = False

    def bindings(self) -> list[Binding] | None:
        """Return one binding per container port; None if it contains a variable or is invalid."""
        text = self.text
        targets = _range(text.target)
        published = _range(text.published) if text.published else None
        if (
            targets is None
            or (text.published and published is None)
            or EXPRESSION_MASK in mask_expressions(text.host_ip or "")
        ):
            return None
        if published is None or (len(targets) == 1 and len(published) > 1):
            return [Binding(t, text.published, text.host_ip, text.protocol) for t in targets]
        if len(targets) != len(published):
            return None
        return [
            Binding(target, str(port), text.host_ip, text.protocol)
            for target, port in zip(targets, published, strict=True)
        ]


def parse_port(text: str) -> PortText | None:
    """Return the parts of the short form *text*: ``[[ip:]published:]target[/protocol]``.

    Returns None if the target is empty or if there is more than one protocol.
    """
    ports, *protocols = split_outside_expressions(text, "/")
    *before, target = split_outside_expressions(ports, ":")
    if not target or len(protocols) > 1:
        return None
    published = before.pop() if before else ""
    host_ip = ":".join(before)
    if host_ip.startswith("[") and host_ip.endswith("]"):
        host_ip = host_ip[1:-1]
    protocol = (protocols[0] if protocols else "") or "tcp"
    return PortText(target, published or None, host_ip or None, protocol.lower())


def ports(service: Node) -> Iterator[Port]:
    """Yield the published ports of *service*, merge keys and aliases followed.

    Items that are in neither form are omitted; Docker Compose rejects them.
    """
    for item in item_nodes(merged_get(service, "ports")):
        if isinstance(item, MappingNode):
            values = {
                name: scalar_text(merged_get(item, name))
                for name in ("target", "published", "host_ip", "protocol")
            }
            if values["target"]:
                text = PortText(
                    values["target"],
                    values["published"] or None,
                    values["host_ip"] or None,
                    values["protocol"] or "tcp",
                )
                yield Port(item, text, is_long=True)
        elif (short := parse_port(scalar_text(item) or "")) is not None:
            yield Port(item, short)


def _range(text: str) -> range | None:
    """Return the ports of ``first`` or ``first-last``; None for other texts."""
    first, dash, last = text.partition("-")
    if not (first.isascii() and first.isdigit()) or (
        dash and not (last.isascii() and last.isdigit())
    ):
        return None
    if max(len(first), len(last)) > _MAX_DIGITS:
        return None
    low, high = int(first), int(last or first)
    return range(low, high + 1) if low <= high < _MAX_RANGE else None
