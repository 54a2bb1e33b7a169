"""Let a service join the network of a service that it needs and cannot reach.

Two containers reach each other only if they share a network. Where an address, a link or a label
leads to a service on other networks, or a proxy with published ports depends on it, the service
that needs the other joins one network of it. It stays on its own networks. Variables that only a
browser reads (`VITE_API_URL`) and `depends_on` of other services do not count: they may be about
the order of the start alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.definitions import Definition
from composerefactor.compose.dependencies import Hint
from composerefactor.compose.project import Project
from composerefactor.compose.resources import (
    DEFAULT_NETWORK,
    networks_of,
    networks_to_reach,
    unshared_body,
)
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.operations import AddItem, AddKey, Edit
from composerefactor.edit.rendering import Value
from composerefactor.errors import enumerated
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.connections import connections, host_mentions
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.yaml.nodes import MappingNode, SequenceNode

_FOR_BROWSERS = r"(?:VITE|NEXT_PUBLIC|NUXT_PUBLIC|REACT_APP|VUE_APP|EXPO_PUBLIC|PUBLIC)_\w+: "
"""How the description of a variable begins that a program passes on to the browser."""


@fixer(
    NoOptions,
    after=("add-missing-services", "declare-networks"),
    unsafe=True,
    purpose="correctness",
    cause="a service needs another that it cannot reach",
)
def join_networks(project: Project, _options: NoOptions) -> Iterator[Change | Refusal]:
    """Yield a change, or a refusal, for each service that cannot reach one that it needs."""
    models = start_models(project)
    seen: set[tuple[str, str]] = set()
    for model in (m for m in models if not m.entry.assumed):  # others may never run together
        for name, needed in _unreachable(model).items():
            networks = tuple(networks_to_reach(model, needed))
            service = model.services[name]
            definition = _destination(service)
            key = (definition.file.path, name)
            if key not in seen:
                seen.add(key)
                yield _change(models, service, definition, needed, networks)


def _unreachable(model: StartModel) -> dict[str, dict[str, Hint]]:
    """Return the services that each service needs and shares no network with, with evidence."""
    result: dict[str, dict[str, Hint]] = {}
    mentions = [each for each in host_mentions(model) if not each.is_shared]
    for connection in connections(model, mentions):
        caller = model.services[connection.caller]
        own, others = networks_of(model, caller.name), networks_of(model, connection.callee)
        if own is None or others is None or caller.network_mode or set(own) & set(others):
            continue
        for hint in connection.hints:
            if _needs_network(model, caller, hint):
                result.setdefault(caller.name, {})[connection.callee] = hint
                break
    return result


def _needs_network(model: StartModel, caller: Service, hint: Hint) -> bool:
    """Return whether *hint* shows that *caller* talks to the other service."""
    if hint.kind == "depends_on":
        is_proxy = service_placement(caller, catalog_of(model)).category == "proxy"
        return is_proxy and bool(caller.ports)
    is_for_browser = re.match(_FOR_BROWSERS, hint.message) is not None
    return hint.kind in {"url", "address", "name", "label", "links"} and not is_for_browser


def _destination(service: Service) -> Definition:
    """Return the definition with the networks of *service*, else the one with its image."""
    own = service.own_definitions
    with_networks = [d for d in own if "networks" in d.entries]
    complete = [d for d in own if d.has_image]
    return (with_networks[-1:] or complete or own)[0]


def _change(
    models: list[StartModel],
    service: Service,
    definition: Definition,
    needed: dict[str, Hint],
    networks: tuple[str, ...],
) -> Change | Refusal:
    """Return the change by which *service* joins *networks*, to reach the services *needed*."""
    name, file = service.name, definition.file
    readers = [m for m in models if any(f is file for f in m.files) and name in m.services]
    location = file.location_of("services", name)
    evidence = "; ".join(f"{name} needs {other} ({hint.message})" for other, hint in needed.items())
    reason = f"To reach {enumerated(list(needed))}."
    keeps_default = _others_on_default(readers, name)
    edits = _edits(definition, name, networks, reason, keeps_default=keeps_default)
    is_known = all(
        n == DEFAULT_NETWORK or m.declares("networks", n) for n in networks for m in readers
    )
    if edits is None or not is_known:
        return Refusal(
            f"{name} shares no network with {enumerated(list(needed))}",
            location,
            f"add {enumerated(list(networks))} to its networks",
        )
    return Change(
        f"Let {name} join {enumerated(list(networks))} to reach {enumerated(list(needed))}",
        location,
        edits,
        [
            Effect(("services", name, "networks"), "changes"),
            Effect(("networks", DEFAULT_NETWORK), "changes"),
        ],
        evidence=evidence,
    )


def _others_on_default(models: list[StartModel], name: str) -> bool:
    """Return whether another service than *name* is on the default network of one of *models*."""
    return any(
        DEFAULT_NETWORK in (networks_of(model, other) or ())
        for model in models
        for other in model.services
        if other != name
    )


def _edits(
    definition: Definition,
    name: str,
    networks: tuple[str, ...],
    reason: str,
    *,
    keeps_default: bool,
) -> list[Edit] | None:
    """Return the edits that add *networks* to the service, with *reason* as a comment.

    None if others share the text.
    """
    path = definition.file.path
    body = unshared_body(definition.file, name)
    place = ("services", name, "networks")
    if body is None:
        return None
    if "networks" not in definition.entries:
        value: list[Value] = [*([DEFAULT_NETWORK] if keeps_default else []), *networks]
        return [AddKey(path, place[:-1], "networks", value, SERVICE_ORDER, reason)]
    present = body.get("networks")
    if isinstance(present, SequenceNode) and not present.anchor:
        return [AddItem(path, place, network, reason) for network in networks]
    if isinstance(present, MappingNode) and not present.anchor:
        return [AddKey(path, place, network, None, (), reason) for network in networks]
    return None
