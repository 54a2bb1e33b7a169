"""Run several containers of a service, and remove what is in their way.

`services` names the services, `replicas` the number: `deploy.replicas` gets it, or `scale` where
the service has that. A fixed container name is removed unless a script, a setting or another
service uses it. A fixed port of the host becomes a range if a proxy of the project is in front, and
the ports of the range are free. Data stores, services that share a volume, and those with an
address, a host name or a task of their own are skipped, with what to do. An id for each container
is not needed: Docker sets `HOSTNAME` in it, which differs. Without `services`, what could have
several containers is only listed.

Docker's DNS gives the addresses of all containers of a service, in random order. Nginx asks it
once, when it starts: reload it after a change of the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.definitions import LocatedNode, text_of
from composerefactor.compose.files import YAML_SUFFIXES, ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.compose.short_forms import port_of
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.edit.operations import Edit, Remove, Replace
from composerefactor.errors import Location, UsageError, enumerated
from composerefactor.images.connections import connections
from composerefactor.images.scaling import Obstacle, obstacles, proxies_of
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._attribute import BlockedSite, addition, blocked_refusal, find_sites
from composerefactor.yaml.nodes import path_of

_FEWEST = 2
_REASON = "One port of the host for each container."
"""The comment at a range of ports."""
_OF_CONTAINERS = r"\b(?:docker|podman|nerdctl)\s+(?!compose\b)|container"
"""In a line: it is about containers, not about services."""
_NO_CONTAINER = (
    r"\s*(?:#|//|-?\s*[\"']?"
    r"(?:image|name|title|description|container_name|service_name)[\"']?\s*[:=])"
)
"""How a line begins that is a comment, or names an image or a definition."""

_EFFECTS: dict[str, tuple[str, Literal["changes", "removes"]]] = {
    "name": ("container_name", "removes"),
    "port": ("ports", "changes"),
}
"""What the removal of an obstacle changes, by its kind."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    services: tuple[str, ...] = option((), help="The services.", example="api,worker")
    replicas: int = option(2, help="The number of containers of each.", example="3")


class _Preparation(Struct, frozen=True):
    """What a service of a start model needs before it can have several containers.

    Attributes:
        model: The start model.
        service: The service.
        edits: The edits that remove what is in the way.
        effects: What they change.
        refusals: What is in the way and stays.
        proxies: The proxies in front of it.
    """

    model: StartModel
    service: Service
    edits: list[Edit] = []
    effects: list[Effect] = []
    refusals: list[Refusal] = []
    proxies: list[str] = []

    def is_in(self, file: ComposeFile, names: Sequence[str]) -> bool:
        """Return whether *file* defines the service, and it is one of *names*."""
        defines = any(each.file is file for each in self.service.definitions)
        return defines and self.service.name in names


@fixer(
    Options,
    after=("add-missing-services", "join-networks"),
    unsafe=True,
    lasting=True,
    selected_only=True,
    purpose="availability",
    cause="nothing answers while the only container of a service is down",
)
def scale_services(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change, or the refusals, for each of the services."""
    models = start_models(project)
    known = sorted({name for model in models for name in model.services})
    for name in options.services:
        if name not in known:
            problem = f"scale-services.services: no service is called {name!r}"
            raise UsageError(problem, remedy=f"use some of {', '.join(known)}")
    if options.replicas < _FEWEST:
        problem = f"scale-services.replicas: {options.replicas} is not several"
        raise UsageError(problem, remedy="use a number from 2")
    prepared = [
        _prepare(project, models, model, model.services[name], options.replicas)
        for name in options.services or known
        for model in models
        if name in model.services
    ]
    if options.services:
        yield from dict.fromkeys(refusal for each in prepared for refusal in each.refusals)
    yield from _changes(project, models, [p for p in prepared if not p.refusals], options)


def _changes(
    project: Project,
    models: Sequence[StartModel],
    prepared: Sequence[_Preparation],
    options: Options,
) -> Iterator[Change | Refusal]:
    """Yield the changes that set the number of containers of the services *prepared*."""
    wanted = str(options.replicas)
    ready = {(id(each.model), each.service.name) for each in prepared}
    present: dict[int, tuple[str, str, LocatedNode]] = {}

    def number_for(model: StartModel, service: Service) -> int | None:
        written = service.scale or service.deploy.replicas
        if (id(model), service.name) not in ready or text_of(written) == wanted:
            return None
        if written is None:
            return options.replicas
        key = "scale" if service.scale else "deploy"
        present[id(written.at.node)] = service.name, key, written.at
        return None

    for site in find_sites(models, number_for, ("deploy", "replicas"), alternatives=("scale",)):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no replicas")
        else:
            title = f"Run {wanted} containers of {enumerated(site.services)}"
            change = addition(site, options.replicas, title)
            needed = [each for each in prepared if each.is_in(site.file, site.services)]
            yield _complete(project, change, needed, options)
    for name, key, at in present.values():
        path = path_of(at.file.root, at.node)
        if path is None or path[:2] != ("services", name) or "$" in (at.written or ""):
            problem = f"{name}: its number of containers is {at.written}"
            yield Refusal(problem, at.location, f"set it to {wanted} there")
            continue
        change = Change(
            f"Run {wanted} containers of {name}, not {at.text}",
            at.location,
            [Replace(at.file.path, path, options.replicas)],
            [Effect(("services", name, key), "changes")],
        )
        needed = [each for each in prepared if each.is_in(at.file, [name])]
        yield _complete(project, change, needed, options)


def _complete(
    project: Project, change: Change, prepared: Sequence[_Preparation], options: Options
) -> Change:
    """Return *change* with what its services need before, and the reason."""
    edits = list(change.edits)
    for edit in (edit for each in prepared for edit in each.edits):
        edits += [edit] if edit not in edits else []
    effects = [*change.effects, *(effect for each in prepared for effect in each.effects)]
    proxies = list(dict.fromkeys(proxy for each in prepared for proxy in each.proxies))
    left = project.unsearched()
    reasons = [
        "the option services" if options.services else "whether it keeps state is unknown",
        *([f"{enumerated(proxies)} passes requests on to it"] if proxies else []),
        *([f"its name is not searched in {left} of the project's files"] if left else []),
    ]
    return replace(
        change,
        edits=edits,
        effects=list(dict.fromkeys(effects)),
        evidence="; ".join(reasons),
        confidence="guess" if not options.services else "likely" if left else "verified",
    )


def _prepare(
    project: Project,
    models: Sequence[StartModel],
    model: StartModel,
    service: Service,
    replicas: int,
) -> _Preparation:
    """Return what *service* of *model* needs before it can have *replicas* containers."""
    found, name = _Preparation(model, service), service.name
    if name in model.without_container:
        found.refusals.append(Refusal(f"{name} has no container", service.location))
        return found
    found.proxies.extend(proxies_of(model, name, connections(model)))
    for obstacle in obstacles(model, service):
        outcome = _removal(project, models, service, obstacle, replicas, found.proxies)
        if isinstance(outcome, Refusal):
            found.refusals.append(outcome)
        elif outcome is not None:
            found.edits.append(outcome)
            key, verb = _EFFECTS[obstacle.kind]
            found.effects.append(Effect(("services", name, key), verb))
    for port in service.ports:
        first, dash, last = (port.value.published or "").partition("-")
        is_range = dash and first.isdigit() and last.isdigit()
        if is_range and int(last) - int(first) + 1 < replicas:
            problem = f"{name}: host ports {first}-{last} are fewer than {replicas}"
            found.refusals.append(Refusal(problem, port.location, "widen the range"))
    return found


def _removal(
    project: Project,
    models: Sequence[StartModel],
    service: Service,
    obstacle: Obstacle,
    replicas: int,
    proxies: Sequence[str],
) -> Edit | Refusal | None:
    """Return the edit that removes *obstacle* of *service*, or why there is none.

    None for what is no obstacle to the program that reads the file: Docker Swarm ignores the name
    of a container, and publishes a port once for all (Docker documentation).
    """
    at, name = obstacle.at, service.name
    refusal = Refusal(f"{name}: in the way: {obstacle.text}", obstacle.location, obstacle.remedy)
    if at is None:
        return refusal
    reader = project.protected_files.get(at.file.path)
    if reader is not None and reader.reader == STACK_DEPLOY:
        return None
    path = path_of(at.file.root, at.node)
    if path is None or path[:2] != ("services", name):
        return refusal
    if obstacle.kind == "name":
        user = _user_of_name(project, name, at)
        problem = f"{name}: in the way: {obstacle.text}, which {user} uses"
        in_use = Refusal(problem, obstacle.location, f"use the service {name} there")
        return in_use if user is not None else Remove(at.file.path, path)
    if not proxies:
        return refusal
    remedy = f"remove the port, which {enumerated(proxies)} does not need, or let Docker choose one"
    problem = f"{name}: in the way: {obstacle.text}, and no range from it is free"
    return _range_of_ports(models, at, replicas) or Refusal(problem, obstacle.location, remedy)


def _range_of_ports(models: Sequence[StartModel], at: LocatedNode, replicas: int) -> Replace | None:
    """Return the edit that turns the published port *at* into a range for *replicas* containers.

    None if another service has a port of the range, or if a variable says the port.
    """
    path, port = path_of(at.file.root, at.node), port_of(at.node)
    published = port.text.published if port is not None else None
    if path is None or port is None or published is None or not published.isdigit():
        return None
    first, last = int(published), int(published) + replicas - 1
    wanted = set(map(str, range(first, last + 1)))
    for model in models:
        bindings = [each for other in model.services.values() for each in other.ports]
        others = [each for each in bindings if each.at.node is not at.node]
        is_read = len(others) < len(bindings)
        if is_read and not wanted.isdisjoint(each.value.published for each in others):
            return None
    if port.is_long:
        return Replace(at.file.path, (*path, "published"), f"{first}-{last}", _REASON)
    before, _, target = (at.written or "").rpartition(":")
    host = before.removesuffix(published)
    return Replace(at.file.path, path, f"{host}{first}-{last}:{target}", _REASON)


def _user_of_name(project: Project, service: str, at: LocatedNode) -> Location | None:
    """Return a place that uses the container name *at* of *service* in a way that would fail.

    Under the name of the service others still reach it, but not ``docker exec``.
    """
    name = at.text or ""
    word = re.compile(rf"(?<![\w.-])(?<!(?<!/)/){re.escape(name)}(?![\w-]|\.\w)")
    for path in project.files_with([name]).get(name, ()):
        for number, line in enumerate((project.text(path) or "").splitlines(), start=1):
            is_item = path.endswith(YAML_SUFFIXES) and line.strip(" -'\":") == name
            if is_item or not word.search(line) or re.match(_NO_CONTAINER, line):
                continue
            if name != service or re.search(_OF_CONTAINERS, line):
                return Location(path, number)
    return None
