"""Which services of a start model connect to each other, and the evidence for it.

Evidence is a reference (``depends_on``, ``links`` ...), a host in a variable or a command, or
a label or variable by which a reverse proxy finds a service.

:func:`can_start_first` says whether a service may start before one that it depends on is healthy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from composerefactor.compose.definitions import LocatedNode, text_of
from composerefactor.compose.dependencies import Hint, service_references
from composerefactor.compose.hosts import Mention, hosts_in_command, hosts_in_variable, name_words
from composerefactor.compose.image_references import repository_of
from composerefactor.compose.interpolation import expressions, mask_expressions
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.paths import is_outside
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.catalog import catalog_of, service_placement

_LABEL_PREFIXES = {"traefik": "traefik.", "lucaslorentz/caddy-docker-proxy": "caddy"}
"""Image of a proxy -> prefix of the labels by which it finds services (its documentation)."""

_ROUTING_VARIABLES = {
    "jwilder/nginx-proxy": "VIRTUAL_HOST",
    "nginxproxy/nginx-proxy": "VIRTUAL_HOST",
}
"""Image of a proxy -> variable by which it finds services (its documentation)."""


def proxied_services(model: StartModel) -> Iterator[tuple[str, str, str, Location]]:
    """Yield (proxy, service, evidence, location) for each service that a proxy discovers.

    The evidence names the label or the variable by which the proxy finds the service.
    """
    images = {
        name: repository_of(text_of(service.image)) or ""
        for name, service in model.services.items()
    }
    for proxy, image in images.items():
        prefix, variable = _LABEL_PREFIXES.get(image), _ROUTING_VARIABLES.get(image)
        is_proxy = prefix or variable
        for name, service in model.services.items() if is_proxy else ():
            if name == proxy:
                continue
            label = _routing_label(service, prefix) if prefix else None
            if label is not None:
                yield proxy, name, f"label {label}", service.labels[label].location
            elif variable and variable in service.settings:
                location = service.settings[variable].location
                yield proxy, name, f"variable {variable}", location


def _routing_label(service: Service, prefix: str) -> str | None:
    """Return the first label of *service* for the proxy with *prefix*, unless one disables it."""
    enabled = service.labels.get(f"{prefix}enable")
    if enabled is not None and (enabled.value or "").strip("'\"").lower() == "false":
        return None
    return next((name for name in service.labels if name.lower().startswith(prefix)), None)


_GENERATED_CONTAINER_NAME = re.compile(r"[\w.\-]+?[_-](?P<service>[a-z0-9][\w.\-]*)[_-][0-9]+")


class HostNames:
    """Resolves hosts to services of a start model.

    A host is the name of a service, its container name, its host name, an alias on a network,
    or, for one caller, an alias of a link (Compose specification). The names that Docker Compose
    gives to containers (``shop_redis_1``) count as well.
    """

    def __init__(self, model: StartModel) -> None:
        self._services: dict[str, str] = {}
        self._own: dict[tuple[str, str], str | None] = {}
        for service in model.services.values():
            self._services.setdefault(service.name.lower(), service.name)
        for service in model.services.values():
            for name in map(str.lower, _network_names(service)):
                self._services.setdefault(name, service.name)
                self._own[service.name, name] = service.name
            for link in service.links:
                target, colon, alias = link.value.partition(":")
                if colon and target in model.services:
                    self._own[service.name, alias.lower()] = target
            for name in _external_hosts(service):
                self._own.setdefault((service.name, name.lower()), None)

    def service(self, caller: str, host: str) -> str | None:
        """Return the service that *caller* reaches under the name *host*, or None."""
        name = host.lower()
        if (caller, name) in self._own:
            return self._own[caller, name]
        if name in self._services:
            return self._services[name]
        match = _GENERATED_CONTAINER_NAME.fullmatch(name)
        return self._services.get(match["service"]) if match else None

    def is_known(self, caller: str, host: str) -> bool:
        """Return whether the project defines *host* for *caller*, as a service or an outside host.

        Outside hosts are those of ``extra_hosts`` and ``external_links``.
        """
        return (caller, host.lower()) in self._own or self.service(caller, host) is not None


def _network_names(service: Service) -> list[str]:
    """Return the container name, host names and network aliases of *service*."""
    host, domain = text_of(service.hostname), text_of(service.domainname)
    names = [text_of(service.container_name), host, f"{host}.{domain}" if host and domain else ""]
    names += [alias for network in service.networks.values() for alias in network.value]
    return [name for name in names if name]


def _external_hosts(service: Service) -> list[str]:
    """Return the hosts that ``extra_hosts`` and ``external_links`` of *service* define."""
    hosts = [pair.value.partition("=")[0] for pair in service.extra_hosts]
    for link in service.external_links:
        container, _, alias = link.value.partition(":")
        hosts += [container, alias or container]
    return hosts


class Connection(Struct, frozen=True):
    """The service *caller* uses the service *callee*.

    Attributes:
        caller: Name of the service that uses the other.
        callee: Name of the service that is used.
        hints: The evidence, at least one.
    """

    caller: str
    callee: str
    hints: tuple[Hint, ...]

    @property
    def needs_network(self) -> bool:
        """Whether the two must share a network: False for shared volumes or namespaces alone."""
        return any(hint.kind not in {"volumes_from", "namespace"} for hint in self.hints)


class HostMention(Struct, frozen=True):
    """A host that a service names in a variable or a command.

    Attributes:
        caller: Name of the service.
        variable: Name of the variable, or ``command`` or ``entrypoint``.
        mention: The host with its port and scheme, as written.
        hint: The same as evidence for a connection.
        is_shared: Whether the variable comes from an env file that several services use.
        is_default: Whether only the default of a variable names it (``${SMTP_HOST:-mailhog}``).
    """

    caller: str
    variable: str
    mention: Mention
    hint: Hint
    is_shared: bool = False
    is_default: bool = False


def connections(
    model: StartModel,
    mentions: Iterable[HostMention] | None = None,
    names: HostNames | None = None,
) -> list[Connection]:
    """Return the connections between the services of *model*, callers in the order of the files.

    *mentions* are the results of :func:`host_mentions` if the caller has them already, *names* the
    hosts of the model.
    """
    names = names or HostNames(model)
    hints_by_pair: dict[tuple[str, str], dict[Hint, None]] = {}
    for reference in service_references(model):
        if reference.name in model.services:
            hints_by_pair.setdefault((reference.caller, reference.name), {})[reference.hint] = None
    for mention in host_mentions(model) if mentions is None else mentions:
        callee = names.service(mention.caller, mention.mention.host)
        if callee is not None:
            hints_by_pair.setdefault((mention.caller, callee), {})[mention.hint] = None
    for caller, callee, evidence, location in proxied_services(model):
        hints_by_pair.setdefault((caller, callee), {})[Hint("label", evidence, location)] = None
    order = {name: index for index, name in enumerate(model.services)}
    return [
        Connection(caller, callee, tuple(hints))
        for (caller, callee), hints in sorted(
            hints_by_pair.items(), key=lambda item: (order[item[0][0]], order[item[0][1]])
        )
        if caller != callee
    ]


def host_mentions(
    model: StartModel, callers: Iterable[Service] | None = None
) -> Iterator[HostMention]:
    """Yield every host that variables and commands of services name, whether defined or not.

    *callers* are the services that count; None for all. Data stores use little of an env file that
    they share with other services, so its variables do not count for them.
    """
    shared, catalog = _shared_env_files(model), catalog_of(model)
    for service in model.services.values() if callers is None else callers:
        is_store = service_placement(service, catalog).counts_as == "data stores"
        for name, setting in service.settings.items():
            is_shared = setting.location.path in shared
            if is_store and is_shared:
                continue
            value = model.variables.get(name) if setting.value is None else setting.value
            for mention in hosts_in_variable(name, value or "", model.variables):
                description = f"{name}: {mention.text}"
                hint = Hint(mention.form, description, setting.location)
                is_default = _is_default(mention.host, value or "", model.variables)
                yield HostMention(service.name, name, mention, hint, is_shared, is_default)
        for attribute in ("entrypoint", "command"):
            command = service.value(attribute)
            if command is not None:
                yield from _command_mentions(model, service, attribute, command)


def _shared_env_files(model: StartModel) -> set[str]:
    """Return the env files that several services use, also those of other projects.

    So may files that are called ``.env``, and those outside of the project.
    """
    counts = Counter(path for service in model.services.values() for path in service.env_files)
    return {
        path
        for path, count in counts.items()
        if count > 1 or path.rpartition("/")[2] == ".env" or is_outside(path)
    }


def _command_mentions(
    model: StartModel, service: Service, attribute: str, command: LocatedNode
) -> Iterator[HostMention]:
    text = " ".join(item.written or "" for item in command.items)
    for mention in hosts_in_command(text, model.variables):
        hint = Hint(mention.form, f"{attribute}: {mention.text}", command.location)
        is_default = _is_default(mention.host, text, model.variables)
        yield HostMention(service.name, attribute, mention, hint, is_default=is_default)


def _is_default(host: str, text: str, variables: Mapping[str, str]) -> bool:
    """Return whether *host* is neither in *text* itself nor in the values of its variables."""
    values = [variables.get(e.name, "") for e in expressions(text)]
    return not any(host in part for part in (mask_expressions(text), *values))


_OBSERVERS = frozenset({"monitoring", "logging", "tracing", "tools"})
"""The categories of services that the others do not need, and that observe the others."""
_PROXY = "proxy"
_CLUSTER_STATE = (
    r"(?i)cluster[_ -](?:state|info|status|health)|rs\.(?:status|hello|isMaster)|isWritablePrimary"
    r"|ismaster|wsrep_|endpoint health|consul (?:members|info)|nodetool status"
)
"""In a health check: it asks for the state of the cluster, not of the node."""
_HELPERS = frozenset({"helper", "sidecar", "companion", "agent"})
"""Words in the name of a service that serves the one after which it is named."""
_FIRST_ROLES = frozenset({"primary", "master", "leader", "main", "source"})
"""Words in the name of the node that the others join."""


def can_start_first(model: StartModel, name: str, needed: str) -> bool:
    """Return whether the service *name* is right to start before *needed* is healthy.

    It can work without it, or *needed* may become healthy only when both have started.
    """
    return (
        _is_optional(model, name, needed)
        or _forms_cluster(model, model.services[name], model.services[needed])
        or _works_on(model, needed, name)
        or _is_sidecar(model.services[name], model.services[needed])
    )


def _is_optional(model: StartModel, name: str, needed: str) -> bool:
    """Return whether *name* can work while *needed* is not healthy."""
    service, other = model.services[name], model.services[needed]
    catalog = catalog_of(model)
    category = service_placement(service, catalog).category
    other_category = service_placement(other, catalog).category
    if category in _OBSERVERS or other_category in {*_OBSERVERS, _PROXY}:
        return True
    if category == _PROXY and (len(service.depends_on) > 1 or _finds_services(service)):
        return True  # the other parts are to be reached while one of them is not healthy
    if _is_other_store(model, service, other):
        return True
    own_profiles = {profile.value for profile in service.profiles}
    return any(profile.value not in own_profiles for profile in other.profiles)


def _is_other_store(model: StartModel, service: Service, needed: Service) -> bool:
    """Return whether the two are data stores of different kinds, and nothing names *needed*.

    ``depends_on`` then only says in which order they start.
    """
    images = [each.image and repository_of(each.image.value) for each in (service, needed)]
    catalog = catalog_of(model)
    are_stores = all(
        service_placement(each, catalog).counts_as == "data stores" for each in (service, needed)
    )
    if not are_stores or images[0] == images[1]:
        return False
    hosts = {needed.name, text_of(needed.container_name), text_of(needed.hostname)}
    mentions = host_mentions(model, [service])
    has_files = any(volume.value.kind == "bind" for volume in service.volumes)
    return not has_files and all(each.mention.host not in hosts for each in mentions)


def _finds_services(service: Service) -> bool:
    """Return whether *service* reads from Docker which services there are, as Traefik does."""
    return any(volume.value.is_docker_socket for volume in service.volumes)


def _works_on(model: StartModel, needed: str, name: str) -> bool:
    """Return whether *needed* uses the service *name*, or is its helper."""
    own, words = name_words(name), name_words(needed)
    is_helper = words[: len(own)] == own and bool(_HELPERS.intersection(words[len(own) :]))
    return is_helper or any(
        connection.caller == needed and connection.callee == name
        for connection in connections(model, host_mentions(model, [model.services[needed]]))
    )


def _is_sidecar(service: Service, needed: Service) -> bool:
    """Return whether *service* runs beside *needed*, an application of the project, in its network.

    Such a program, like that of Dapr, serves the application, which may need it to start. An image
    from elsewhere whose network others use, such as a VPN, is what they need.
    """
    shares_network = text_of(service.network_mode) == f"service:{needed.name}"
    return shares_network and needed.build is not None and service.build is None


def _forms_cluster(model: StartModel, service: Service, needed: Service) -> bool:
    """Return whether *needed* may become healthy only after *service* has started.

    Two nodes of one data store are peers, unless the name of *needed* says that it is the first.
    """
    check = needed.healthcheck
    test = check.at.below("test") if check is not None else None
    asks_for_state = test is not None and any(
        re.search(_CLUSTER_STATE, word.written or "") for word in test.items
    )
    if asks_for_state and reason_it_may_exit(model, service.name):
        return True
    images = [each.image and repository_of(each.image.value) for each in (service, needed)]
    is_store = service_placement(needed, catalog_of(model)).counts_as == "data stores"
    are_peers = is_store and images[0] is not None and images[0] == images[1]
    is_first = bool(_FIRST_ROLES.intersection(name_words(needed.name)))
    return are_peers and (asks_for_state or not is_first)
