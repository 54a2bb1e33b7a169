"""Put services on a dedicated network, or on tiers.

Services that name no network share the default one. `layout=dedicated` gives them one with a name
of its own; `layout=tiers` divides them into `edge` (what faces the outside), `app` and `data`, by
who talks to whom: of a pair that talks, the one farther out joins the network of the other, so no
pair is cut. Whom a proxy, a monitoring service or an image from elsewhere calls may not be written
in Compose files; those are on every network that they could need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get
from composerefactor.compose.order import SERVICE_ORDER
from composerefactor.compose.project import Project
from composerefactor.edits.operations import AddKey, Edit
from composerefactor.edits.render import Value
from composerefactor.topology.conversations import Conversation, conversations
from composerefactor.topology.homes import own_definitions, written_body
from composerefactor.topology.networks import DEFAULT
from composerefactor.topology.stack import Service, Stack, stacks
from composerefactor.topology.subnets import free_subnet, used_subnets
from composerefactor.topology.tiers import TIERS, tiers
from composerefactor.transform import Change, Effect, Refusal, mending, option


@dataclass(frozen=True, slots=True)
class Options:
    """How the services are divided."""

    layout: str = option(
        "dedicated", help="One network for all, or one a tier.", choices=("dedicated", "tiers")
    )
    name: str = option("app-network", help="The name of the dedicated network.", example="shop")
    subnets: bool = option(default=False, help="Give each new network a free subnet.")


@dataclass(frozen=True, slots=True)
class Member:
    """A service on the default network, and the *networks* that it is to be on instead."""

    file: ComposeFile
    name: str
    networks: tuple[str, ...]


@mending(Options, after=("add-missing-services", "declare-networks"))
def add_networks(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield one change for each base file whose services are on the default network."""
    used = [each.subnet for each in used_subnets(project.files.values())]
    done: set[tuple[str, str]] = set()
    for base in project.bases:
        group = [each for each in stacks(project) if each.entry.base == base]
        whole = _together(group)
        talks = [each for stack in group for each in conversations(stack)]
        members = [m for m in _members(whole, talks, options) if (m.file.path, m.name) not in done]
        done |= {(member.file.path, member.name) for member in members}
        if len(members) < 2:  # noqa: PLR2004 - a network is for two or more
            continue
        new = [n for n in _names(options, members) if not whole.declares("networks", n)]
        refused = list(_refusals(whole, members, new, _names(options, members)))
        if refused:
            yield from refused
            continue
        root = project.files[base]
        edits: list[Edit] = [
            AddKey(m.file.path, ("services", m.name), "networks", list(m.networks), SERVICE_ORDER)
            for m in members
        ]
        for name in new:
            value: Value = None
            if options.subnets:
                subnet = free_subnet(used)
                used.append(subnet)
                value = {"ipam": {"config": [{"subnet": str(subnet)}]}}
            edits.append(AddKey(base, ("networks",), name, value))
        effects = [Effect(("services", m.name, "networks"), "changes") for m in members]
        effects += [Effect(("networks", name), "adds") for name in new]
        effects.append(Effect(("networks", DEFAULT), "removes"))
        yield Change(
            _title(options, members),
            root.location_of("services"),
            edits,
            effects,
            evidence="; ".join(f"{m.name}: {', '.join(m.networks)}" for m in members),
        )


def _together(group: Sequence[Stack]) -> Stack:
    """Return one stack with all that the entry points of *group*, which share a base, start."""
    ordered = sorted(group, key=lambda each: -len(each.services))  # stable
    services: dict[str, Service] = {}
    files: dict[str, ComposeFile] = {}
    for each in ordered:
        services = {**each.services, **services}
        files = {**{file.path: file for file in each.files}, **files}
    return replace(ordered[0], services=services, files=tuple(files.values()))


def _members(stack: Stack, talks: Sequence[Conversation], options: Options) -> Iterator[Member]:
    found = [s for s in stack.services.values() if _is_on_default(s)]
    proposed = tiers(stack, talks) if options.layout == "tiers" else {}
    for service in found:
        networks: Sequence[str] = (options.name,)
        if service.name in proposed:
            networks = proposed[service.name].networks
        definitions = own_definitions(service)
        first = next((d for d in definitions if merged_get(d.body, "image")), definitions[0])
        yield Member(first.file, service.name, tuple(networks))


def _is_on_default(service: Service) -> bool:
    return service.value("networks") is None and service.value("network_mode") is None


def _names(options: Options, members: Sequence[Member]) -> list[str]:
    named = {name for member in members for name in member.networks}
    return [name for name in (*TIERS, options.name) if name in named]


def _refusals(
    stack: Stack, members: Sequence[Member], new: Sequence[str], names: Sequence[str]
) -> Iterator[Refusal]:
    """Yield what stands in the way: dividing some services and not others would cut them off."""
    for member in members:
        if written_body(member.file, member.name) is None:
            yield Refusal(
                f"{member.name} shares its text with others by an anchor",
                member.file.location_of("services", member.name),
                f"give it `networks: [{', '.join(member.networks)}]` by hand, and the others too",
            )
    inside = {member.name for member in members}
    for service in stack.services.values():
        listed = [name for name, _ in service.names("networks")]
        if service.name not in inside and DEFAULT in listed:
            yield Refusal(
                f"{service.name} is on the default network and on others",
                own_definitions(service)[0].file.location_of("services", service.name),
                "name the networks of all services by hand",
            )
    for name in names:
        if name not in new:
            yield Refusal(
                f"there is a network called {name} already",
                stack.declared("networks")[name][0].location,
                "choose another name, as --set add-networks.name=shop",
            )


def _title(options: Options, members: Sequence[Member]) -> str:
    if options.layout == "tiers":
        return f"{len(members)} services are divided into tiers"
    return f"{len(members)} services are on the network {options.name}"
