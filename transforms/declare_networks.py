"""Define networks that services name but nothing declares.

The engine rejects such a project ("refers to undefined network"). The definition goes to the file
that names the network, or to the first file where several do. It stays empty, so that Compose
creates the network, unless options say more; `subnet=auto` chooses a subnet that overlaps with none
in the project's files. A network that exists outside of the project is declared as such with
`external=true`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from composerefactor.compose.project import Project
from composerefactor.compose.resources import free_subnet, home, is_part_with, used_subnets
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddKey
from composerefactor.edit.rendering import Value
from composerefactor.errors import Location, UsageError
from composerefactor.images.starters import MissingResource, missing_resources
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Options:
    """How the networks are defined."""

    name: str = option(
        "",
        help="The network's name in Docker, where it is not to begin with the project's.",
        example="shop-network",
    )
    driver: str = option(
        "", help="The driver, where it is not the engine's choice.", example="bridge"
    )
    subnet: str = option(
        "", help="A subnet for the network, or `auto` for a free one.", example=AUTO
    )
    external: bool = option(default=False, help="Declare that the network exists already.")


@fixer(Options)
def declare_networks(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a definition for each network that an entry point lacks."""
    used = [each.subnet for each in used_subnets(project.files.values())]
    seen: set[tuple[str, str]] = set()
    all_stacks = start_models(project)
    for model in all_stacks:
        for missing in missing_resources(model, "networks"):
            if is_part_with(model, all_stacks, "networks", missing.name):
                continue
            file = home(model, missing.users)
            if (file.path, missing.name) in seen:
                continue
            seen.add((file.path, missing.name))
            elsewhere = any(s.declares("networks", missing.name) for s in all_stacks)
            value = None if elsewhere else _definition(options, used)
            edit = AddKey(file.path, ("networks",), missing.name, value)
            yield Change(
                f"network {missing.name} is declared",
                _named_at(model, missing),
                [edit],
                [Effect(("networks", missing.name), "adds")],
                evidence=f"{_users(missing)} on it, and nothing declares it",
                repairs=True,
            )


def _definition(options: Options, used: list[IPv4Network | IPv6Network]) -> Value:
    """Return the value of a network; its subnet counts as *used* from then on."""
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
    try:
        return ip_network(text)
    except ValueError as error:
        raise UsageError(f"declare-networks.subnet: {error}", remedy="as 172.16.5.0/24") from None


def _named_at(model: StartModel, missing: MissingResource) -> Location:
    """Return where the first user of a network is written."""
    service, definition = missing.users[0]
    for text, found in model.services[service].names("networks"):
        if text == missing.name and found.file is definition.file:
            return found.location
    return definition.file.location_of("services", service)


def _users(missing: MissingResource) -> str:
    names = list(dict.fromkeys(name for name, _ in missing.users))
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
