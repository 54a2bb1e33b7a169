"""Which services may start before a service that they depend on is healthy."""

from __future__ import annotations

import re

from composerefactor.compose.definitions import text_of
from composerefactor.compose.hosts import name_words
from composerefactor.compose.image_references import repository_of
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.services import Service, StartModel
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.connections import connections, host_mentions

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
