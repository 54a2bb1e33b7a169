"""Put services on a dedicated network, or on network tiers.

Services that name no network share the default one. `layout=dedicated` gives them a network with a
name of its own; `layout=tiers` splits them into `edge` (reachable from outside), `app` and `data`,
by their connections: of two connected services, the outer one joins the network of the inner one,
so no connection is cut. The connections of a proxy, a monitoring service or an image from elsewhere
may not appear in Compose files; such services join every network that they could need. A project
that configures the network `default` keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.dependencies import connected
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.resources import (
    DEFAULT_NETWORK,
    free_subnet,
    network_owner,
    unshared_body,
    used_subnets,
)
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.compose.short_forms import ports
from composerefactor.edit.operations import AddKey, Edit
from composerefactor.edit.rendering import Value
from composerefactor.images.catalog import DEFAULT_PLACEMENT, Catalog, catalog_of, service_placement
from composerefactor.images.connections import Connection, connections
from composerefactor.refactoring.contract import Change, Effect, Refusal, Unneeded, fixer, option

Tier = Literal["edge", "app", "data"]
TIERS: tuple[Tier, ...] = ("edge", "app", "data")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    layout: str = option(
        "dedicated",
        help="One network for all services, or one per tier.",
        choices=("dedicated", "tiers"),
    )
    name: str = option("app-network", help="The name of the dedicated network.", example="shop")
    subnets: bool = option(default=False, help="Give each new network a free subnet.")


_TOO_FEW = "fewer than two of its services are on the default network"


class Member(Struct, frozen=True):
    """A service of *file* on the default network, and the *networks* that it joins instead."""

    file: ComposeFile
    name: str
    networks: tuple[str, ...]


@fixer(
    Options,
    after=("add-missing-services", "declare-networks"),
    unsafe=True,
    selected_only=True,
    purpose="security",
    cause="every service can reach every other",
)
def add_networks(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield one change, or the refusals, for each group of base files with files in common.

    A file that several of them read gets the networks for all of them, so either all change or
    none does.
    """
    used = [u.subnet for u in used_subnets(project.files.values())]
    for groups in _connected_groups(start_models(project)):
        models = [_combined_model(group) for group in groups]
        members = [
            _members(model, group, options) for model, group in zip(models, groups, strict=True)
        ]
        if all(len(of) < 2 for of in members):  # noqa: PLR2004 - a network is for two or more
            root = project.files[models[0].entry.root_file]
            named = any(s.value("networks") for m in models for s in m.services.values())
            reason = "its services name their networks already" if named else _TOO_FEW
            yield Unneeded(reason, root.location_of("services"))
            continue
        refused = [
            r for model, of in zip(models, members, strict=True) for r in _refusals(model, of)
        ]
        if refused:
            yield from dict.fromkeys(refused)
            continue
        subnets: dict[str, IPv4Network | None] = {}
        for name in dict.fromkeys(n for of in members for m in of for n in m.networks):
            subnets[name] = subnet = free_subnet(used) if options.subnets else None
            used += [subnet] if subnet else []
        first = project.files[models[0].entry.root_file]
        distinct = list(dict.fromkeys(m for of in members for m in of))
        names = {m.name: ", ".join(m.networks) for m in distinct}
        yield Change(
            _title(options, len(names)),
            first.location_of("services"),
            [*_memberships(distinct), *_declarations(models, members, subnets)],
            [
                *(Effect(("services", name, "networks"), "changes") for name in names),
                *(Effect(("networks", name), "adds") for name in subnets),
                Effect(("networks", DEFAULT_NETWORK), "removes"),
            ],
            evidence="; ".join(f"{name}: {networks}" for name, networks in names.items()),
        )


def _connected_groups(all_models: Sequence[StartModel]) -> list[list[list[StartModel]]]:
    """Return the start models grouped by base file, and these groups by files in common."""
    by_base: dict[str, list[StartModel]] = {}
    for model in all_models:
        by_base.setdefault(model.entry.root_file, []).append(model)
    return connected(by_base.values(), lambda group: {f.path for m in group for f in m.files})


def _memberships(members: Sequence[Member]) -> Iterator[Edit]:
    """Yield the edits that add *members* to their networks."""
    for member in members:
        path = ("services", member.name)
        yield AddKey(member.file.path, path, "networks", list(member.networks), SERVICE_ORDER)


def _declarations(
    models: Sequence[StartModel],
    members: Sequence[Sequence[Member]],
    subnets: Mapping[str, IPv4Network | None],
) -> Iterator[Edit]:
    """Yield the edits that declare the networks of each base file in that file."""
    for model, of in zip(models, members, strict=True):
        needed = {network for member in of for network in member.networks}
        for name in (name for name in (*TIERS, *subnets) if name in needed):
            needed.remove(name)
            subnet = subnets[name]
            value: Value = {"ipam": {"config": [{"subnet": str(subnet)}]}} if subnet else None
            yield AddKey(model.entry.root_file, ("networks",), name, value)


def _combined_model(group: Sequence[StartModel]) -> StartModel:
    """Return one start model with all services and files of *group*, which share a base file."""
    ordered = sorted(group, key=lambda model: -len(model.services))  # stable
    services: dict[str, Service] = {}
    files: dict[str, ComposeFile] = {}
    for model in ordered:
        services = {**model.services, **services}
        files = {**{file.path: file for file in model.files}, **files}
    scopes = {path: scope for model in reversed(ordered) for path, scope in model.scopes.items()}
    return replace(ordered[0], services=services, files=tuple(files.values()), scopes=scopes)


def _members(combined: StartModel, group: Sequence[StartModel], options: Options) -> list[Member]:
    """Return the services of *combined* on the default network, each with the file to change.

    In each start model of *group* that is the first file with its image or build, or the first one.
    """
    all_connections = [c for model in group for c in connections(model)]
    memberships = tiers(combined, all_connections) if options.layout == "tiers" else {}
    members: dict[Member, None] = {}
    for name in (s.name for s in combined.services.values() if _is_on_default(s)):
        networks = memberships[name].networks if name in memberships else (options.name,)
        for service in (m.services[name] for m in group if name in m.services):
            if _is_on_default(service):  # another start model may put it on a network of its own
                members[Member(_destination(service), name, tuple(networks))] = None
    return list(members)


def _destination(service: Service) -> ComposeFile:
    """Return the first file with the image or build of *service*, or the first that defines it."""
    definitions = service.own_definitions
    return next((d for d in definitions if d.has_image), definitions[0]).file


def _is_on_default(service: Service) -> bool:
    return service.value("networks") is None and service.value("network_mode") is None


def _refusals(model: StartModel, members: Sequence[Member]) -> Iterator[Refusal]:
    """Yield the reasons against a change: a partial one would cut services off from others."""
    for member in members:
        if unshared_body(member.file, member.name) is None:
            yield Refusal(
                f"{member.name} shares its definition with others by an anchor",
                member.file.location_of("services", member.name),
                f"add `networks: [{', '.join(member.networks)}]` to it and to the others by hand",
            )
    for declared in model.declared("networks").get(DEFAULT_NETWORK, []) if members else ():
        yield Refusal(
            "the project configures its default network",
            declared.location,
            "name the networks of all services by hand, if they need others",
        )
    inside = {member.name for member in members}
    for service in model.services.values():
        if service.name not in inside and DEFAULT_NETWORK in service.networks:
            yield Refusal(
                f"{service.name} is on the default network and on other networks",
                service.own_definitions[0].file.location_of("services", service.name),
                "name the networks of all services by hand",
            )
    for name in dict.fromkeys(n for member in members for n in member.networks):
        if model.declares("networks", name):
            yield Refusal(
                f"a network named {name} already exists",
                model.declared("networks")[name][0].location,
                "choose another name, for example --set add-networks.name=shop",
            )


def _title(options: Options, count: int) -> str:
    if options.layout == "tiers":
        return f"Split {count} services into network tiers"
    return f"Put {count} services on the network {options.name}"


class Membership(Struct, frozen=True):
    """The networks of a service.

    Attributes:
        networks: The networks to join, that of its own tier first.
        reasons: For each network why the service joins it.
    """

    networks: tuple[Tier, ...]
    reasons: tuple[str, ...]


def tiers(model: StartModel, connections: Iterable[Connection]) -> dict[str, Membership]:
    """Return networks for the services of *model*, so that connected services share one.

    Of two connected services in different tiers, the outer one joins the network of the inner one,
    so data stores are on ``data`` alone. Proxies, and services that watch or administer others, are
    configured in files that are not read here: they join every network that they could need. So do
    applications without a known connection. A service with ``network_mode`` has no networks; the
    service whose namespace it shares joins the networks for it.
    """
    catalog = catalog_of(model)
    own_tiers = {name: _own_tier(service, catalog) for name, service in model.services.items()}
    namespaces = {name: network_owner(model, name) for name in model.services}
    joined: dict[str, dict[Tier, str]] = {n: {tier: why} for n, (tier, why) in own_tiers.items()}
    callers: set[str] = set()
    for connection in connections:
        caller, callee = namespaces[connection.caller], namespaces[connection.callee]
        callers.add(connection.caller)
        if caller is None or callee is None or not connection.needs_network:
            continue
        outer, inner = sorted((caller, callee), key=lambda n: TIERS.index(own_tiers[n][0]))
        joined[outer].setdefault(
            own_tiers[inner][0], f"{connection.caller} connects to {connection.callee}"
        )
    present = [tier for tier in TIERS if any(own == tier for own, _ in own_tiers.values())]
    for name, service in model.services.items():
        for tier, why in _possible_networks(
            service, own_tiers[name][0], catalog, is_known=name in callers
        ).items():
            if tier in present:
                joined[name].setdefault(tier, why)
    return {
        name: Membership(tuple(reasons), tuple(reasons.values()))
        for name, reasons in joined.items()
        if namespaces[name] == name
    }


def _own_tier(service: Service, catalog: Catalog) -> tuple[Tier, str]:
    """Return the tier of *service*, and why it belongs there."""
    place = service_placement(service, catalog)
    if place.counts_as == "data stores":
        return "data", f"a data store ({place.category})"
    if place.category == "proxy":
        return "edge", "a proxy"
    published = [
        port.text.published or port.text.target
        for definition in service.definitions
        for port in ports(definition.body)
    ]
    if published:
        return "edge", f"publishes {', '.join(published)}"
    return "app", "neither published nor a data store"


def _possible_networks(
    service: Service, own: Tier, catalog: Catalog, *, is_known: bool
) -> dict[Tier, str]:
    """Return the networks that *service* could need for connections that no file shows."""
    place = service_placement(service, catalog)
    if place.category == "proxy":
        return {"app": "the targets of the proxy are not in the Compose files"}
    if place.counts_as == "infrastructure":
        why = "the services that it manages are not in the Compose files"
        return {"edge": why, "app": why, "data": why}
    if own != "data" and not is_known and place == DEFAULT_PLACEMENT:
        why = "its connections are not in the Compose files"
        return {"app": why, "data": why}
    return {}
