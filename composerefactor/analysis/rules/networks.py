"""Who reaches whom: networks, subnets and names of hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.builds import BROWSER_PREFIXES
from composerefactor.analysis.facts.services import Edge, ServiceFacts
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.definitions import text_of
from composerefactor.compose.hosts import HOST, name_words, urls
from composerefactor.compose.resources import UsedSubnet, used_subnets
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location, enumerated
from composerefactor.images.lookup import DATA_CATEGORIES, PAGE_WORDS, runs_server
from composerefactor.images.starters import missing_hosts


@rule(Severity.HIGH, "configuration", transform="join-networks")
def no_shared_network(architecture: Architecture) -> Iterator[Occurrence]:
    """A service needs another one that it cannot reach.

    Two containers reach each other only if they share a network: a connection fails with "could not
    resolve host". A service without `networks` is on the network `default`.
    """
    for entry in architecture.certain:
        addressed = {
            (each.caller, entry.hosts.service(each.caller, each.mention.host))
            for each in entry.mentions
            if not each.is_shared
        }
        for edge in entry.edges:
            callee = entry.service(edge.callee)
            if callee is None or entry.may_reach(edge.caller, edge.callee):
                continue
            if not entry.model.without_container.isdisjoint({edge.caller, edge.callee}):
                continue  # another file has the rest of it
            if _is_for_another(architecture, entry.service(edge.caller), callee):
                continue
            if (edge.caller, edge.callee) in addressed or _routes(entry, edge):
                network = (callee.networks or ("",))[0]
                yield Occurrence(
                    f"{edge.caller} needs {edge.callee}, but shares no network with it",
                    edge.location,
                    edge.caller,
                    edge.callee,
                    f"add the network {network} to {edge.caller}",
                )


def _is_for_another(
    architecture: Architecture, caller: ServiceFacts | None, callee: ServiceFacts
) -> bool:
    """Return whether *caller* waits for a profile, and reaches *callee* in another start command.

    A file that moves some services to a network of its own leaves out those with other profiles.
    """
    return (
        caller is not None
        and bool(caller.profiles)
        and any(
            each.service(caller.name)
            and each.service(callee.name)
            and each.may_reach(caller.name, callee.name)
            for each in architecture.certain
        )
    )


def _routes(entry: InvocationFacts, edge: Edge) -> bool:
    """Return whether a label, a link or a proxy leads to the callee.

    `depends_on` of another service may be only the order of the start.
    """
    caller = entry.service(edge.caller)
    is_proxy = caller is not None and caller.category == "proxy" and bool(caller.ports)
    return not {"label", "links"}.isdisjoint(edge.kinds) or (
        is_proxy and edge.condition == "service_started"
    )


_ADDRESS = re.compile(rf"{re.escape(HOST)}:(?P<port>[0-9]+)")
_NOT_CALLED = r"ADVERTISED|PUBLIC|EXTERNAL|NO_PROXY"
"""Words of variables with the name of the service itself, or with hosts that it may call."""


@rule(Severity.LOW, "configuration")
def host_not_resolved(architecture: Architecture) -> Iterator[Occurrence]:
    """A service uses `host.docker.internal`, which Docker resolves on Docker Desktop only.

    On Linux it needs `extra_hosts: ["host.docker.internal:host-gateway"]`, which is harmless
    elsewhere. The name under which a server is known to its clients (`ADVERTISED_LISTENERS`) is for
    these to resolve, and is left out.
    """
    for entry in architecture.entries:
        if entry.model.runs_windows:
            continue
        for service in entry.model.services.values():
            is_set = any(host.value.startswith(f"{HOST}=") for host in service.extra_hosts)
            at = next(_mentions(entry.model, service), None)
            if at is not None and not is_set and not service.network_mode:
                yield Occurrence(
                    f"{service.name} uses {HOST}, which Linux does not resolve",
                    at,
                    service.name,
                    remedy=f'add extra_hosts: ["{HOST}:host-gateway"]',
                )


def _mentions(model: StartModel, service: Service) -> Iterator[Location]:
    """Yield the locations at which variables and the command of *service* name the host."""
    for name, setting in service.settings.items():
        value = _without_own(service, setting.value or "")
        names_host = HOST in value and not re.search(_NOT_CALLED, name.upper())
        if names_host and _is_for(model, service, name, setting.location.path):
            yield setting.location
    for words in (service.entrypoint, service.command):
        if words is not None and any(HOST in word for word in words.value):
            yield words.location


def _is_for(model: StartModel, service: Service, variable: str, path: str) -> bool:
    """Return whether *variable*, which is set at *path*, is for *service*.

    In an env file that several services read, ``AUTH_SMTP_HOST`` is for the service ``auth``.
    """
    readers = [each.name for each in model.services.values() if path in each.env_files]
    words = set(name_words(variable))
    named = [name for name in model.services if words.intersection(name_words(name))]
    return len(readers) < 2 or service.name in named  # noqa: PLR2004 - several


def _without_own(service: Service, value: str) -> str:
    """Return *value* without the addresses at which *service* itself is reached from outside."""
    own = {port.value.published for port in service.ports}
    return _ADDRESS.sub(lambda match: "" if match["port"] in own else match[0], value)


@rule(Severity.LOW, "configuration", transform="add-missing-services")
def missing_host(architecture: Architecture) -> Iterator[Occurrence]:
    """A connection refers to a host that no service defines.

    An address such as `redis://redis:6379` leads to the service `redis`. No service of the project
    has this name: it is missing, belongs to another project, or the name is misspelt.
    """
    others = list(architecture.project.files.values())
    for entry in architecture.entries:
        for missing in missing_hosts(entry.model, others, entry.mentions):
            if not missing.is_likely:
                continue
            first = missing.mentions[0]
            yield Occurrence(
                f"{first.caller} connects to {missing.host} ({first.variable}), "
                f"but no service has this name",
                first.hint.location,
                first.caller,
                missing.host,
                "add the service, or correct the name",
                is_fixable=missing.starter is not None and not missing.is_default,
            )


_BROWSERS = frozenset({"cypress", "playwright", "puppeteer", "selenium"})
"""Words in the names of services that bring their own browser."""


@rule(Severity.MEDIUM, "configuration")
def container_name_in_browser(architecture: Architecture) -> Iterator[Occurrence]:
    """A variable for the browser contains the name of a container.

    The values of `VITE_`, `NEXT_PUBLIC_` and `REACT_APP_` variables are part of what the browser
    loads. The browser is outside of the networks of Docker: it needs an address that is published.
    That of a test (Playwright, Cypress) is inside.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            if _BROWSERS.intersection(name_words(f"{service.name} {text_of(service.image)}")):
                continue
            variables = {**service.environment, **service.build_arguments}
            for name, variable in variables.items():
                for url in urls(variable.value or "") if name.startswith(BROWSER_PREFIXES) else ():
                    callee = entry.hosts.service(service.name, url.hosts[0][0])
                    if callee is not None:
                        yield Occurrence(
                            f"{name} of {service.name} contains {url.scheme}://{url.hosts[0][0]}, "
                            f"which a browser cannot resolve",
                            variable.location,
                            service.name,
                            name,
                            f"use the address at which users reach {callee}",
                        )


@rule(Severity.MEDIUM, "configuration")
def overlapping_subnets(architecture: Architecture) -> Iterator[Occurrence]:
    """Two networks have overlapping subnets.

    Docker refuses to create the second network.
    """
    for entry in architecture.certain:
        used = used_subnets(entry.model.files)
        for first, second in combinations(used, 2):
            same_family = first.subnet.version == second.subnet.version
            if first.network != second.network and same_family and _overlap(first, second):
                yield Occurrence(
                    f"the subnets of {first.network} and {second.network} overlap "
                    f"({first.subnet}, {second.subnet})",
                    second.location,
                    None,
                    f"{first.network} {second.network}",
                    "let Docker choose the subnets, or choose others",
                )


def _overlap(first: UsedSubnet, second: UsedSubnet) -> bool:
    return first.subnet.overlaps(second.subnet)


@rule(Severity.MEDIUM, "configuration")
def public_subnet(architecture: Architecture) -> Iterator[Occurrence]:
    """A network has addresses that belong to others on the internet.

    The services of the network, and the machine itself, cannot reach the hosts with these
    addresses. Private are 10.0.0.0/8, 172.16.0.0/12 (up to 172.31.255.255) and 192.168.0.0/16 (RFC
    1918).
    """
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


_MOST_STORES = 3


def needless_guests(
    entry: InvocationFacts, stores: Iterable[ServiceFacts]
) -> Iterator[ServiceFacts]:
    """Yield the proxies and frontends open to the outside that reach *stores*, but use none.

    What a frontend uses is known only if its settings name another service.
    """
    names = {each.name for each in stores}
    users = {each.caller for each in entry.edges if each.callee in names}
    users |= {each.callee for each in entry.edges if each.caller in names}
    for service in entry.services:
        serves_pages = (
            service.counts_as == "applications"
            and bool(PAGE_WORDS.intersection(name_words(service.name)))
            and any(each.caller == service.name for each in entry.edges)
        )
        is_outer = service.category == "proxy" or serves_pages
        is_known = service.networks and not service.missing_env_files
        if not is_outer or not is_known or service.name in users:
            continue
        if any(port.is_open for port in service.ports) and any(
            entry.may_reach(service.name, name) for name in names
        ):
            yield service


@rule(Severity.LOW, "security")
def flat_network(architecture: Architecture) -> Iterator[Occurrence]:
    """A service that is open to the outside reaches data stores that it does not use.

    All services are on one network, so who breaks into a proxy or a frontend can try the passwords
    of the data stores. With a network for each tier, only their clients reach them.
    """
    for entry in architecture.entries:
        inside = [each for each in entry.services if each.networks]
        networks = {network for each in inside for network in each.networks or ()}
        stores = [
            each
            for each in inside
            if each.category in DATA_CATEGORIES
            and runs_server(entry.model.services[each.name], entry.catalog.match(each.image))
        ]
        if len(networks) != 1 or not stores or not all(each.networks for each in inside):
            continue
        for outer in needless_guests(entry, stores):
            if architecture.is_short_lived(outer.location.path):
                continue
            is_default = any(each.implicit for each in entry.networks)
            names = enumerated((each.name for each in stores), _MOST_STORES)
            yield Occurrence(
                f"{outer.name}, which is open to the outside, can reach {names}, "
                "which it does not use",
                outer.location,
                outer.name,
                "",
                "composerefactor fix --unsafe --select add-networks --set add-networks.layout=tiers"
                if is_default
                else "put the data stores on a network that only their clients join",
            )
            break
