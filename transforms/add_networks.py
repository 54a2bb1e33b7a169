"""Put services on a dedicated network, or on tiers.

Services that name no network share the default one. `layout=dedicated` gives them one with a name
of its own; `layout=tiers` divides them into `edge` (what faces the outside), `app` and `data`, by
who talks to whom: of a pair that talks, the one farther out joins the network of the other, so no
pair is cut. Whom a proxy, a monitoring service or an image from elsewhere calls may not be written
in Compose files; those are on every network that they could need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_get
from composerefactor.compose.ports import Port, ports
from composerefactor.compose.project import Project
from composerefactor.compose.resources import (
    DEFAULT,
    free_subnet,
    own_definitions,
    used_subnets,
    written_body,
)
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.operations import AddKey, Edit
from composerefactor.edit.rendering import Value
from composerefactor.images.connections import Connection, connections
from composerefactor.images.placement import APPLICATION, placement
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option

Tier = Literal["edge", "app", "data"]
TIERS: tuple[Tier, ...] = ("edge", "app", "data")


class Membership(Struct, frozen=True):
    """The *networks* of a service: that of its own *home* tier first; *reasons* say why, in order.

    The first reason is why it belongs to its tier, each other one is why it joins another.
    """

    home: Tier
    networks: tuple[Tier, ...]
    reasons: tuple[str, ...]


def tiers(model: StartModel, connections: Iterable[Connection]) -> dict[str, Membership]:
    """Propose networks for the services of *model*, so that every pair that talks shares one.

    Of a pair in two tiers the one that is farther out joins the other's network, so data stores are
    on ``data`` alone. Proxies, and what watches or administers the others, are configured in files
    that are not read here: they are on every network that they could need. So are applications that
    are not known to call anyone. Services with ``network_mode`` have no networks; whom they share a
    namespace with speaks for them.
    """
    destinations = {name: _own_tier(model, service) for name, service in model.services.items()}
    speaks_for = {name: _namespace(model, name) for name in model.services}
    joined: dict[str, dict[Tier, str]] = {n: {home: why} for n, (home, why) in destinations.items()}
    calls: set[str] = set()
    for each in connections:
        caller, callee = speaks_for[each.caller], speaks_for[each.callee]
        calls.add(each.caller)
        if caller is None or callee is None or not each.needs_network:
            continue
        outer, inner = sorted((caller, callee), key=lambda n: TIERS.index(destinations[n][0]))
        joined[outer].setdefault(destinations[inner][0], f"{each.caller} talks to {each.callee}")
    present = [tier for tier in TIERS if any(home == tier for home, _ in destinations.values())]
    for name, service in model.services.items():
        for tier, why in _unseen(
            model, service, destinations[name][0], is_known=name in calls
        ).items():
            if tier in present:
                joined[name].setdefault(tier, why)
    return {
        name: Membership(destinations[name][0], tuple(found), tuple(found.values()))
        for name, found in joined.items()
        if speaks_for[name] == name
    }


def _own_tier(model: StartModel, service: Service) -> tuple[Tier, str]:
    place = placement(model, service)
    if place.counts_as == "data stores":
        return "data", f"a data store ({place.category})"
    if place.category == "proxy":
        return "edge", "a proxy"
    published = [port.text.published or port.text.target for port in _ports(service)]
    if published:
        return "edge", f"publishes {', '.join(published)}"
    return "app", "neither published nor a data store"


def _ports(service: Service) -> list[Port]:
    return [port for definition in service.definitions for port in ports(definition.body)]


def _unseen(model: StartModel, service: Service, home: Tier, *, is_known: bool) -> dict[Tier, str]:
    """Return the networks that *service* could need for what its text does not say."""
    place = placement(model, service)
    if place.category == "proxy":
        return {"app": "what it is a proxy for is not written here"}
    if place.counts_as == "infrastructure":
        why = "what it looks after is not written here"
        return {"edge": why, "app": why, "data": why}
    if home != "data" and not is_known and place == APPLICATION:
        why = "whom it calls is not written here"
        return {"app": why, "data": why}
    return {}


def _namespace(model: StartModel, name: str) -> str | None:
    """Return the service on whose networks *name* is: itself, another, or None for none."""
    seen: set[str] = set()
    while name in model.services and name not in seen:
        seen.add(name)
        mode = model.services[name].text("network_mode")
        if not mode:
            return name
        if not mode.startswith("service:"):
            return None
        name = mode.removeprefix("service:")
    return None


@dataclass(frozen=True, slots=True)
class Options:
    """How the services are divided."""

    layout: str = option(
        "dedicated", help="One network for all, or one a tier.", choices=("dedicated", "tiers")
    )
    name: str = option("app-network", help="The name of the dedicated network.", example="shop")
    subnets: bool = option(default=False, help="Give each new network a free subnet.")


class Member(Struct, frozen=True):
    """A service on the default network, and the *networks* that it is to be on instead."""

    file: ComposeFile
    name: str
    networks: tuple[str, ...]


@fixer(Options, after=("add-missing-services", "declare-networks"), unsafe=True)
def add_networks(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield one change for the base files that may be merged with the same others.

    What one of them needs, a file that others read as well has then too: all of them change, or
    none does.
    """
    used = [each.subnet for each in used_subnets(project.files.values())]
    for groups in _tied(start_models(project)):
        wholes = [_together(group) for group in groups]
        members = [_members(w, g, options) for w, g in zip(wholes, groups, strict=True)]
        if all(len(of) < 2 for of in members):  # noqa: PLR2004 - a network is for two or more
            continue
        refused = [r for w, of in zip(wholes, members, strict=True) for r in _refusals(w, of)]
        if refused:
            yield from dict.fromkeys(refused)
            continue
        subnets: dict[str, IPv4Network | None] = {}
        for name in dict.fromkeys(n for of in members for m in of for n in m.networks):
            subnets[name] = subnet = free_subnet(used) if options.subnets else None
            used += [subnet] if subnet else []
        first = project.files[wholes[0].entry.base]
        distinct = list(dict.fromkeys(m for of in members for m in of))
        names = {m.name: ", ".join(m.networks) for m in distinct}
        yield Change(
            _title(options, len(names)),
            first.location_of("services"),
            [*_memberships(distinct), *_declarations(wholes, members, subnets)],
            [
                *(Effect(("services", name, "networks"), "changes") for name in names),
                *(Effect(("networks", name), "adds") for name in subnets),
                Effect(("networks", DEFAULT), "removes"),
            ],
            evidence="; ".join(f"{name}: {networks}" for name, networks in names.items()),
        )


def _tied(all_stacks: Sequence[StartModel]) -> list[list[list[StartModel]]]:
    """Return the stacks by base file, and the bases together that lead to a file in common."""
    by_base: dict[str, list[StartModel]] = {}
    for each in all_stacks:
        by_base.setdefault(each.entry.base, []).append(each)
    tied: list[tuple[set[str], list[list[StartModel]]]] = []
    for group in by_base.values():
        paths = {file.path for model in group for file in model.files}
        meeting = [each for each in tied if each[0] & paths]
        tied = [each for each in tied if each not in meeting]
        tied.append(
            (paths.union(*(p for p, _ in meeting)), [*(g for _, of in meeting for g in of), group])
        )
    return [groups for _, groups in tied]


def _memberships(members: Sequence[Member]) -> Iterator[Edit]:
    for m in members:
        path = ("services", m.name)
        yield AddKey(m.file.path, path, "networks", list(m.networks), SERVICE_ORDER)


def _declarations(
    wholes: Sequence[StartModel],
    members: Sequence[Sequence[Member]],
    subnets: Mapping[str, IPv4Network | None],
) -> Iterator[Edit]:
    """Yield what declares the networks that each base needs, in that base."""
    for whole, of in zip(wholes, members, strict=True):
        needed = {network for member in of for network in member.networks}
        for name in (name for name in (*TIERS, *subnets) if name in needed):
            needed.remove(name)
            subnet = subnets[name]
            value: Value = {"ipam": {"config": [{"subnet": str(subnet)}]}} if subnet else None
            yield AddKey(whole.entry.base, ("networks",), name, value)


def _together(group: Sequence[StartModel]) -> StartModel:
    """Return one stack with all that the entry points of *group*, which share a base, start."""
    ordered = sorted(group, key=lambda each: -len(each.services))  # stable
    services: dict[str, Service] = {}
    files: dict[str, ComposeFile] = {}
    for each in ordered:
        services = {**each.services, **services}
        files = {**{file.path: file for file in each.files}, **files}
    return replace(ordered[0], services=services, files=tuple(files.values()))


def _members(whole: StartModel, group: Sequence[StartModel], options: Options) -> list[Member]:
    """Return the services of *whole* on the default network, each in the file that it belongs to.

    That is the first one which says what it runs, or else the first, in each stack of *group*.
    """
    talks = [each for model in group for each in connections(model)]
    proposed = tiers(whole, talks) if options.layout == "tiers" else {}
    found: dict[Member, None] = {}
    for name in (s.name for s in whole.services.values() if _is_on_default(s)):
        networks = proposed[name].networks if name in proposed else (options.name,)
        for service in (each.services[name] for each in group if name in each.services):
            if _is_on_default(service):  # another stack may have it on a network of its own
                found[Member(_home(service), name, tuple(networks))] = None
    return list(found)


def _home(service: Service) -> ComposeFile:
    definitions = own_definitions(service)
    runs = (d for d in definitions if any(merged_get(d.body, k) for k in ("image", "build")))
    return next(runs, definitions[0]).file


def _is_on_default(service: Service) -> bool:
    return service.value("networks") is None and service.value("network_mode") is None


def _refusals(model: StartModel, members: Sequence[Member]) -> Iterator[Refusal]:
    """Yield what stands in the way: dividing some services and not others would cut them off."""
    for member in members:
        if written_body(member.file, member.name) is None:
            yield Refusal(
                f"{member.name} shares its text with others by an anchor",
                member.file.location_of("services", member.name),
                f"give it `networks: [{', '.join(member.networks)}]` by hand, and the others too",
            )
    inside = {member.name for member in members}
    for service in model.services.values():
        listed = [name for name, _ in service.names("networks")]
        if service.name not in inside and DEFAULT in listed:
            yield Refusal(
                f"{service.name} is on the default network and on others",
                own_definitions(service)[0].file.location_of("services", service.name),
                "name the networks of all services by hand",
            )
    for name in dict.fromkeys(n for member in members for n in member.networks):
        if model.declares("networks", name):
            yield Refusal(
                f"there is a network called {name} already",
                model.declared("networks")[name][0].location,
                "choose another name, as --set add-networks.name=shop",
            )


def _title(options: Options, count: int) -> str:
    if options.layout == "tiers":
        return f"{count} services are divided into tiers"
    return f"{count} services are on the network {options.name}"
