"""Define services that others name and nothing defines.

The engine rejects a project in which `depends_on`, `links`, `volumes_from` or a `service:` value
names a service that there is not. Where the catalogue knows what is meant, it is defined: with the
image (the one that the project uses elsewhere, if it does), what its consumers log in with, a named
volume for its data, a health check, and the network of its consumers.

A host that only connection URLs and variables name (`REDIS_URL=redis://redis:6379`) may be outside
of the project, so defining it changes what runs. Passwords are never written: they become variables
that have to be set, with the value, where a file has it so far, in the env file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from posixpath import join, normpath

from msgspec import Struct

from composerefactor.compose.connections import Hint
from composerefactor.compose.dotenv import assignment
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import MASK, masked
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.resources import (
    DEFAULT,
    home,
    networks_to_reach,
    own_definitions,
    volume_name,
)
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddKey, AddLines, Edit
from composerefactor.images.catalog import Catalog, load
from composerefactor.images.connections import HostMention, host_mentions
from composerefactor.images.lookup import data_paths
from composerefactor.images.starters import Starter, missing_hosts, missing_services, starter_for
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer
from composerefactor.transforms._secrets import ignore
from composerefactor.transforms._start import RequiredVariable, StartedService, login, started


@dataclass(frozen=True, slots=True)
class Options:
    """*catalog* has what is known about images."""

    catalog: Catalog = field(default_factory=load)


class WantedService(Struct, frozen=True):
    """A service *name* that *callers* need in *model*, as *hints* say.

    *mentions* are the variables and commands that name it as a host, *file* is where it belongs.
    *repairs* is True where the engine rejects the project without it.
    """

    model: StartModel
    name: str
    callers: tuple[str, ...]
    hints: tuple[Hint, ...]
    mentions: tuple[HostMention, ...]
    file: ComposeFile
    repairs: bool


@fixer(Options, after=("declare-networks", "declare-volumes"))
def add_missing_services(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a definition, or a refusal, for each service that an entry point lacks."""
    all_stacks = start_models(project)
    volumes = {name for model in all_stacks for name in model.declared("volumes")}
    seen: set[tuple[str, str]] = set()
    for wanted in _wanted(project, all_stacks):
        key = (wanted.file.path, wanted.name)
        if key in seen or _defined_with(wanted, all_stacks):
            continue
        seen.add(key)
        elsewhere = [f.path for f in project.files.values() if wanted.name in f.services]
        starter = _starter(wanted)
        if elsewhere:
            yield _refusal(wanted, f"start it together with {elsewhere[0]}, which defines it")
        elif starter is None:
            yield _refusal(wanted, "define it with an image, or correct the name")
        else:
            yield _change(project, wanted, starter, volumes, options.catalog)


def _wanted(project: Project, all_stacks: list[StartModel]) -> Iterator[WantedService]:
    """Yield what is missing, what the engine rejects first."""
    for model in all_stacks:
        for missing in missing_services(model):
            callers = tuple(dict.fromkeys(each.caller for each in missing.references))
            hosts = {missing.name, *_link_aliases(model, callers, missing.name)}
            named = tuple(m for m in host_mentions(model) if m.mention.host in hosts)
            hints = tuple(each.hint for each in missing.references)
            file = _home(model, callers)
            yield WantedService(model, missing.name, callers, hints, named, file, repairs=True)
    for model in all_stacks:
        rejected = {missing.name for missing in missing_services(model)}
        for host in missing_hosts(model, project.files.values()):
            if host.is_likely and host.host not in rejected:
                callers = tuple(dict.fromkeys(each.caller for each in host.mentions))
                hints = tuple(each.hint for each in host.mentions)
                file = _home(model, callers)
                yield WantedService(
                    model, host.host, callers, hints, host.mentions, file, repairs=False
                )


def _link_aliases(model: StartModel, callers: Iterable[str], name: str) -> Iterator[str]:
    for caller in callers:
        for link, _ in model.services[caller].names("links"):
            target, _, alias = link.partition(":")
            if target == name and alias:
                yield alias


def _home(model: StartModel, callers: Iterable[str]) -> ComposeFile:
    return home(model, [(c, own_definitions(model.services[c])[0]) for c in callers])


def _defined_with(wanted: WantedService, all_stacks: list[StartModel]) -> bool:
    """Return whether another entry point reads the file together with one that defines the name."""
    return any(
        wanted.name in model.services and any(f.path == wanted.file.path for f in model.files)
        for model in all_stacks
    )


def _starter(wanted: WantedService) -> Starter | None:
    for each in wanted.mentions:
        mention = each.mention
        found = starter_for(mention.scheme, mention.host, mention.port, each.variable)
        if found is not None:
            return found
    return starter_for(host=wanted.name)


def _refusal(wanted: WantedService, remedy: str) -> Refusal:
    hint = wanted.hints[0]
    reason = f"{wanted.callers[0]} needs {wanted.name} ({hint.words}), which nothing defines"
    return Refusal(reason, hint.location, remedy, repairs=wanted.repairs)


def _change(
    project: Project, wanted: WantedService, starter: Starter, known: set[str], catalog: Catalog
) -> Change | Refusal:
    model, name, file = wanted.model, wanted.name, wanted.file
    image = _image(project, starter, catalog)
    paths = data_paths(image, catalog) or []
    volumes = {path.path: volume_name(name, path.path, known) for path in paths}
    networks = networks_to_reach(model, wanted.callers)
    new = started(
        starter,
        image,
        name,
        login(model, wanted.mentions),
        volumes,
        [] if networks == [DEFAULT] else networks,
        _restart(wanted),
        model.variables,
        catalog,
    )
    to_set = [each.name for each in new.requires if _is_open(model, each)]
    if to_set and not wanted.repairs:
        return _refusal(wanted, f"set {' and '.join(to_set)} in .env first, then it can be defined")
    edits: list[Edit] = [AddKey(file.path, ("services",), name, dict(new.body))]
    edits += [AddKey(file.path, ("volumes",), volume, None) for volume in volumes.values()]
    edits += _assignments(project, model, new)
    effects = [Effect(("services", name), "adds")]
    effects += [Effect(("volumes", volume), "adds") for volume in volumes.values()]
    if DEFAULT in networks:
        effects.append(Effect(("networks", DEFAULT), "adds"))
    hint = wanted.hints[0]
    return Change(
        f"{name} is defined ({image})",
        hint.location,
        edits,
        effects,
        evidence=_evidence(wanted, starter, to_set),
        repairs=wanted.repairs,
        variables={each.name: each.value or "unset" for each in new.requires},
    )


def _image(project: Project, starter: Starter, catalog: Catalog) -> str:
    """Return the image that the project uses elsewhere, or that of *starter*."""
    for model in start_models(project):
        for service in model.services.values():
            image = service.text("image") or ""
            entry = catalog.match(image) if MASK not in masked(image) else None
            if entry is not None and entry.id == starter.id:
                return image
    return starter.image


def _restart(wanted: WantedService) -> str:
    policies = {wanted.model.services[name].text("restart") or "" for name in wanted.callers}
    lasting = policies & {"always", "unless-stopped"}
    return lasting.pop() if len(policies) == 1 and lasting else ""


def _assignments(project: Project, model: StartModel, new: StartedService) -> Iterator[Edit]:
    """Yield the lines that the env file needs for secrets that the files have so far."""
    entry = model.entry
    path = entry.env_files[0] if entry.env_files else join(project_directory(entry), ".env")
    lines = [
        f"{line}\n"
        for each in new.requires
        if each.value and each.name not in model.variables
        for line in [assignment(each.name, each.value)]
        if line is not None
    ]
    if lines:
        yield AddLines(normpath(path), "".join(lines), private=True)
        if (ignored := ignore(project, normpath(path))) is not None:
            yield ignored


def _evidence(wanted: WantedService, starter: Starter, to_set: list[str]) -> str:
    hint = wanted.hints[0]
    text = f"{', '.join(wanted.callers)}: {hint.words}; facts on {starter.id}: "
    text += starter.entry.verified
    return f"{text}; set {' and '.join(to_set)}" if to_set else text


def _is_open(model: StartModel, required: RequiredVariable) -> bool:
    return not required.value and required.name not in model.variables
