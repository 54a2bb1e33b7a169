"""The names under which the services of a stack reach each other."""

from __future__ import annotations

import re

from composerefactor.compose.expand import expand
from composerefactor.compose.merged import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.patterns import regex
from composerefactor.topology.stack import Service, Stack
from composerefactor.yamltree.nodes import Mapping as MappingNode

_CONTAINER = regex(r"[\w.\-]+?[_-](?P<service>[a-z0-9][\w.\-]*)[_-][0-9]+")


class Names:
    """Resolves hosts to services.

    A host is a service's name, its container name, its host name, an alias that it has on a
    network, or for one caller an alias of a link (Compose specification). The names that Compose
    gives to containers (``shop_redis_1``) count as well.
    """

    def __init__(self, stack: Stack) -> None:
        self._services: dict[str, str] = {}
        self._own: dict[tuple[str, str], str | None] = {}
        for service in stack.services.values():
            self._services.setdefault(service.name.lower(), service.name)
        for service in stack.services.values():
            for text in _other_names(service):
                name = expand(text, stack.variables).lower()
                if name:
                    self._services.setdefault(name, service.name)
                    self._own[service.name, name] = service.name
            for link, _ in service.names("links"):
                target, colon, alias = link.partition(":")
                if colon and target in stack.services:
                    self._own[service.name, alias.lower()] = target
            for name in _outside(service):
                self._own.setdefault((service.name, name.lower()), None)

    def service(self, caller: str, host: str) -> str | None:
        """Return the service that *caller* reaches as *host*, or None."""
        name = host.lower()
        if (caller, name) in self._own:
            return self._own[caller, name]
        if name in self._services:
            return self._services[name]
        match = _CONTAINER.fullmatch(name)
        return self._services.get(match["service"]) if match else None

    def is_known(self, caller: str, host: str) -> bool:
        """Return whether something of the project says what *host* is, in the stack or outside."""
        return (caller, host.lower()) in self._own or self.service(caller, host) is not None


def _other_names(service: Service) -> list[str]:
    found = [text for key in ("container_name", "hostname") if (text := service.text(key))]
    host, domain = service.text("hostname"), service.text("domainname")
    if host and domain:
        found.append(f"{host}.{domain}")
    for networks in service.values("networks"):
        if isinstance(networks.node, MappingNode):
            for entry in merged_entries(networks.node).values():
                aliases = item_nodes(merged_get(entry.value, "aliases"))
                found += [text for node in aliases if (text := scalar_text(node))]
    return found


def _outside(service: Service) -> list[str]:
    """Return the hosts that extra_hosts and external_links of *service* explain."""
    found = []
    for text, _ in service.names("extra_hosts"):
        found.append(re.split(r"[=:]", text, maxsplit=1)[0])
    for text, _ in service.names("external_links"):
        container, _, alias = text.partition(":")
        found += [container, alias or container]
    return found
