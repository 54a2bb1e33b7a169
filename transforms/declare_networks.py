"""Declare networks that services refer to but nothing declares.

Docker Compose rejects such a project ("refers to undefined network"). The declaration goes to the
file that refers to the network, or to the first file where several do. It stays empty, so that
Docker Compose creates the network, unless options say more; `subnet=auto` chooses a subnet that
does not overlap with any in the project's files. With `external=true` it is declared as a network
that exists outside of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from composerefactor.compose.project import Project
from composerefactor.compose.resources import free_subnet, used_subnets
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddKey
from composerefactor.edit.rendering import Value
from composerefactor.errors import Location, UsageError
from composerefactor.images.starters import MissingResource, undeclared_resources
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Options:
    """How the networks are declared."""

    name: str = option(
        "",
        help="The network's name in Docker, instead of one that begins with the project's name.",
        example="shop-network",
    )
    driver: str = option("", help="The driver, instead of the default one.", example="bridge")
    subnet: str = option(
        "", help="A subnet for the network, or `auto` for a free one.", example=AUTO
    )
    external: bool = option(default=False, help="Declare that the network already exists.")


@fixer(
    Options,
    purpose="correctness",
    cause="services are on a network that nothing declares",
)
def declare_networks(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a declaration for each network that a start command lacks."""
    used = [each.subnet for each in used_subnets(project.files.values())]
    models = start_models(project)
    for model, missing, file in undeclared_resources(models, "networks"):
        elsewhere = any(s.declares("networks", missing.name) for s in models)
        if elsewhere and model.entry.assumed:
            continue  # a part of a start command that nothing in the repository names
        value = None if elsewhere else _definition(options, used)
        yield Change(
            f"Declare network {missing.name}",
            _first_use(model, missing),
            [AddKey(file.path, ("networks",), missing.name, value)],
            [Effect(("networks", missing.name), "adds")],
            evidence=f"{_users_text(missing)} to it, but nothing declares it",
            repairs=True,
        )


def _definition(options: Options, used: list[IPv4Network | IPv6Network]) -> Value:
    """Return the declaration of a network, and add its subnet to *used*."""
    value: dict[str, Value] = {}
    if options.name:
        value["name"] = options.name
    if options.external:
        value["external"] = True
        return value
    if options.driver:
        value["driver"] = options.driver
    if options.subnet:
        subnet = free_subnet(used) if options.subnet == AUTO else _subnet(options.subnet)
        used.append(subnet)
        value["ipam"] = {"config": [{"subnet": str(subnet)}]}
    return value or None


def _subnet(text: str) -> IPv4Network | IPv6Network:
    """Return *text* as a subnet; raises UsageError if it is invalid."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise UsageError(
            f"declare-networks.subnet: {error}", remedy="write a subnet such as 172.16.5.0/24"
        ) from None


def _first_use(model: StartModel, missing: MissingResource) -> Location:
    """Return where a service first refers to the network."""
    service, definition = missing.users[0]
    network = model.services[service].networks.get(missing.name)
    if network is not None and network.at.file is definition.file:
        return network.location
    return definition.file.location_of("services", service)


def _users_text(missing: MissingResource) -> str:
    names = list(dict.fromkeys(name for name, _ in missing.users))
    return f"{', '.join(names)} {'refers' if len(names) == 1 else 'refer'}"
