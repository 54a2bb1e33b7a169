"""Who talks to whom in a stack, and how that is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from composerefactor.compose.connections import Hint, references
from composerefactor.compose.hosts import Mention, in_command, in_variable
from composerefactor.compose.image_references import repository
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.services import LocatedNode, Service, Setting, StartModel
from composerefactor.errors import Location
from composerefactor.images.placement import placement
from composerefactor.yaml.nodes import MappingNode

_BY_LABEL = {"traefik": "traefik.", "lucaslorentz/caddy-docker-proxy": "caddy"}
"""Image of a proxy, and how the labels begin by which it finds services (its documentation)."""

_BY_VARIABLE = {"jwilder/nginx-proxy": "VIRTUAL_HOST", "nginxproxy/nginx-proxy": "VIRTUAL_HOST"}
"""Image of a proxy, and the variable by which it finds services (its documentation)."""


def discovered(model: StartModel) -> Iterator[tuple[str, str, str, Location]]:
    """Yield (proxy, service, words, location) for each service that a proxy finds by itself."""
    images = {
        name: repository(expand(service.text("image") or "", model.variables)) or ""
        for name, service in model.services.items()
    }
    for proxy, image in images.items():
        prefix, variable = _BY_LABEL.get(image), _BY_VARIABLE.get(image)
        for name, service in model.services.items():
            sign = _labelled(service, prefix) if prefix else None
            if variable:
                sign = service.settings.get(variable)
            if sign is not None and name != proxy:
                kind = "label" if prefix else "variable"
                yield proxy, name, f"{kind} {sign.name}", sign.location


def _labelled(service: Service, prefix: str) -> Setting | None:
    labels = service.pairs("labels")
    enabled = labels.get(f"{prefix}enable")
    if enabled is not None and (enabled.value or "").strip("'\"").lower() == "false":
        return None
    return next((s for n, s in labels.items() if n.lower().startswith(prefix)), None)


_CONTAINER = re.compile(r"[\w.\-]+?[_-](?P<service>[a-z0-9][\w.\-]*)[_-][0-9]+")


class HostNames:
    """Resolves hosts to services.

    A host is a service's name, its container name, its host name, an alias that it has on a
    network, or for one caller an alias of a link (Compose specification). The names that Compose
    gives to containers (``shop_redis_1``) count as well.
    """

    def __init__(self, model: StartModel) -> None:
        self._services: dict[str, str] = {}
        self._own: dict[tuple[str, str], str | None] = {}
        for service in model.services.values():
            self._services.setdefault(service.name.lower(), service.name)
        for service in model.services.values():
            for text in _other_names(service):
                name = expand(text, model.variables).lower()
                if name:
                    self._services.setdefault(name, service.name)
                    self._own[service.name, name] = service.name
            for link, _ in service.names("links"):
                target, colon, alias = link.partition(":")
                if colon and target in model.services:
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


class Connection(Struct, frozen=True):
    """The service *caller* needs *callee*; *hints* say why."""

    caller: str
    callee: str
    hints: tuple[Hint, ...]

    @property
    def needs_network(self) -> bool:
        """True unless the two share nothing but volumes or a namespace."""
        return any(hint.kind not in {"volumes_from", "namespace"} for hint in self.hints)


class HostMention(Struct, frozen=True):
    """A host that *caller* names in a variable or a command.

    *variable* is the name of the variable, or of the attribute that holds the command.
    *is_shared* is True where it stands in an env file that several services get.
    """

    caller: str
    variable: str
    mention: Mention
    hint: Hint
    is_shared: bool = False


def connections(
    model: StartModel, mentions: Iterable[HostMention] | None = None
) -> list[Connection]:
    """Return who talks to whom in *model*, callers in the order of the files.

    *mentions* are the hosts that it names, where they are known already.
    """
    names = HostNames(model)
    found: dict[tuple[str, str], dict[Hint, None]] = {}
    for reference in references(model):
        if reference.name in model.services:
            found.setdefault((reference.caller, reference.name), {})[reference.hint] = None
    for each in host_mentions(model) if mentions is None else mentions:
        callee = names.service(each.caller, each.mention.host)
        if callee is not None:
            found.setdefault((each.caller, callee), {})[each.hint] = None
    for caller, callee, words, at in discovered(model):
        found.setdefault((caller, callee), {})[Hint("label", words, at)] = None
    order = {name: index for index, name in enumerate(model.services)}
    return [
        Connection(caller, callee, tuple(hints))
        for (caller, callee), hints in sorted(
            found.items(), key=lambda item: (order[item[0][0]], order[item[0][1]])
        )
        if caller != callee
    ]


def host_mentions(model: StartModel) -> Iterator[HostMention]:
    """Yield every host that variables and commands of the services name, known or not."""
    shared = _shared_env_files(model)
    for service in model.services.values():
        is_store = placement(model, service).counts_as == "data stores"
        for name, setting in service.settings.items():
            is_shared = setting.location.path in shared
            if is_store and is_shared:
                continue
            value = model.variables.get(name) if setting.value is None else setting.value
            for mention in in_variable(name, value or "", model.variables):
                words = f"{name}: {mention.words}"
                hint = Hint(mention.form, words, setting.location)
                yield HostMention(service.name, name, mention, hint, is_shared)
        for attribute in ("entrypoint", "command"):
            found = service.value(attribute)
            if found is not None:
                yield from _in_command(model, service, attribute, found)


def _shared_env_files(model: StartModel) -> set[str]:
    """Return the env files that several services get: a data store has no use for most of it."""
    counts = Counter(path for service in model.services.values() for path in service.env_files)
    return {p for p, count in counts.items() if count > 1 or p.rpartition("/")[2] == ".env"}


def _in_command(
    model: StartModel, service: Service, attribute: str, found: LocatedNode
) -> Iterator[HostMention]:
    text = " ".join(scalar_text(node) or "" for node in item_nodes(found.node))
    for mention in in_command(text, model.variables):
        hint = Hint(mention.form, f"{attribute}: {mention.words}", found.location)
        yield HostMention(service.name, attribute, mention, hint)
