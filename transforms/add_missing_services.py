"""Add services that others refer to and nothing defines.

Docker Compose rejects a project in which `depends_on`, `links`, `volumes_from` or a `service:`
value refers to an undefined service. Where the image catalog knows the service, it is added: with
the image (the one that the project uses elsewhere, if any), the login that its clients use, a named
volume for its data, a health check, and the network of its clients.

A host that only connection URLs and variables name (`REDIS_URL=redis://redis:6379`) may be outside
of the project, so adding it changes what runs; where a comment says what to install or to run for
it, that is a guess. One that only the default of a variable names (`${SMTP_HOST:-mailhog}`) is left
alone. Passwords are never written to a Compose file: they become required variables, and if a file
contains the value so far, it moves to the env file, unless git tracks that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from msgspec import Struct

from composerefactor.compose.definitions import text_of
from composerefactor.compose.dependencies import Hint
from composerefactor.compose.dotenv import assignment
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project, env_files_of
from composerefactor.compose.resources import (
    DEFAULT_NETWORK,
    destination_file,
    networks_to_reach,
    volume_name,
)
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddKey, AddLines, Edit
from composerefactor.errors import enumerated
from composerefactor.images.catalog import Catalog, catalog_of
from composerefactor.images.connections import HostMention, host_mentions
from composerefactor.images.lookup import data_paths
from composerefactor.images.starters import Starter, missing_hosts, missing_services, starter_for
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.transforms._secrets import gitignore_edit, reason_not_to_write
from composerefactor.transforms._start import NewService, RequiredVariable, find_login, new_service


class WantedService(Struct, frozen=True):
    """An undefined service that others refer to.

    Attributes:
        model: The start model in which it is undefined.
        name: The name of the service.
        callers: The services that refer to it.
        hints: Where and how they refer to it.
        mentions: The variables and commands that name it as a host.
        file: The file to which its definition belongs.
        repairs: True if Docker Compose rejects the project without it.
    """

    model: StartModel
    name: str
    callers: tuple[str, ...]
    hints: tuple[Hint, ...]
    mentions: tuple[HostMention, ...]
    file: ComposeFile
    repairs: bool


@fixer(
    NoOptions,
    after=("declare-networks", "declare-volumes"),
    purpose="correctness",
    cause="a service is named, but nothing defines it",
)
def add_missing_services(project: Project, _options: NoOptions) -> Iterator[Change | Refusal]:
    """Yield a change, or a refusal, for each undefined service of a start command."""
    models = start_models(project)
    volumes = {name for model in models for name in model.declared("volumes")}
    catalog = catalog_of(project)
    images = _images(models, catalog)
    seen: set[tuple[str, str]] = set()
    for wanted in _wanted_services(project, models):
        key = (wanted.file.path, wanted.name)
        if key in seen or _is_defined_elsewhere(wanted, models):
            continue
        seen.add(key)
        elsewhere = [f.path for f in project.files.values() if wanted.name in f.services]
        starter = _find_starter(wanted)
        if elsewhere:
            yield _refusal(wanted, f"start it together with {elsewhere[0]}, which defines it")
        elif starter is None:
            yield _refusal(wanted, "define it with an image, or correct the name")
        else:
            yield _change(project, wanted, starter, volumes, images, catalog)


def _wanted_services(project: Project, models: list[StartModel]) -> Iterator[WantedService]:
    """Yield the undefined services, first those that Docker Compose requires."""
    for model in models:
        for missing in missing_services(model):
            callers = tuple(dict.fromkeys(r.caller for r in missing.references))
            hosts = {missing.name, *_link_aliases(model, callers, missing.name)}
            mentions = tuple(m for m in host_mentions(model) if m.mention.host in hosts)
            hints = tuple(r.hint for r in missing.references)
            file = _destination(model, callers)
            yield WantedService(model, missing.name, callers, hints, mentions, file, repairs=True)
    for model in models:
        rejected = {missing.name for missing in missing_services(model)}
        for host in missing_hosts(model, project.files.values()):
            if host.is_likely and not host.is_default and host.host not in rejected:
                callers = tuple(dict.fromkeys(m.caller for m in host.mentions))
                hints = tuple(m.hint for m in host.mentions)
                file = _destination(model, callers)
                yield WantedService(
                    model, host.host, callers, hints, host.mentions, file, repairs=False
                )


def _link_aliases(model: StartModel, callers: Iterable[str], name: str) -> Iterator[str]:
    """Yield the aliases by which *callers* link to service *name*."""
    for caller in callers:
        for link in model.services[caller].links:
            target, _, alias = link.value.partition(":")
            if target == name and alias:
                yield alias


def _destination(model: StartModel, callers: Iterable[str]) -> ComposeFile:
    """Return the file to which a service that *callers* need belongs."""
    return destination_file(model, [(c, model.services[c].own_definitions[0]) for c in callers])


def _is_defined_elsewhere(wanted: WantedService, models: list[StartModel]) -> bool:
    """Return whether another start command reads the file together with one that defines it."""
    return any(
        wanted.name in model.services and any(f.path == wanted.file.path for f in model.files)
        for model in models
    )


def _find_starter(wanted: WantedService) -> Starter | None:
    """Return the starter of the image catalog for *wanted*, or None."""
    for host_mention in wanted.mentions:
        mention = host_mention.mention
        starter = starter_for(mention.scheme, mention.host, mention.port, host_mention.variable)
        if starter is not None:
            return starter
    return starter_for(host=wanted.name)


def _refusal(wanted: WantedService, remedy: str) -> Refusal:
    hint = wanted.hints[0]
    reason = f"{wanted.callers[0]} refers to undefined service {wanted.name} ({hint.message})"
    return Refusal(reason, hint.location, remedy, repairs=wanted.repairs)


def _change(
    project: Project,
    wanted: WantedService,
    starter: Starter,
    taken: set[str],
    images: Mapping[str, str],
    catalog: Catalog,
) -> Change | Refusal:
    """Return the change that adds *wanted*; the names of its volumes are added to *taken*.

    *images* are those that the project uses elsewhere, by what they are in *catalog*.

    A refusal if it needs a password that no file has, and the project runs without it, or one that
    would be written to a file in git.
    """
    model, name, file = wanted.model, wanted.name, wanted.file
    image = images.get(starter.id, starter.image)
    paths = data_paths(image, catalog) or []
    volumes = {path.path: volume_name(name, path.path, taken) for path in paths}
    networks = networks_to_reach(model, wanted.callers)
    new = new_service(
        starter,
        image,
        name,
        find_login(model, wanted.mentions),
        volumes,
        [] if networks == [DEFAULT_NETWORK] else networks,
        _common_restart_policy(wanted),
        model.variables,
        catalog,
    )
    to_set = [each.name for each in new.requires if _is_unset(model, each)]
    if to_set and not wanted.repairs:
        return _refusal(wanted, f"set {' and '.join(to_set)} in .env, then run again")
    env_file, lines = env_files_of(model.entry)[-1], _secret_lines(model, new)
    if lines and (refused := reason_not_to_write(project, env_file)):
        why, remedy = refused
        return Refusal(
            f"service {name} is not added with the credentials of its clients: {why}",
            wanted.hints[0].location,
            remedy,
            repairs=wanted.repairs,
        )
    reason = f"{enumerated(wanted.callers)} {'needs' if len(wanted.callers) == 1 else 'need'} it."
    edits: list[Edit] = [AddKey(file.path, ("services",), name, dict(new.body), (), reason)]
    edits += [AddKey(file.path, ("volumes",), volume, None) for volume in volumes.values()]
    if lines:
        edits.append(AddLines(env_file, lines, private=True))
        ignored = gitignore_edit(project, env_file)
        edits += [ignored] if ignored is not None else []
    effects = [Effect(("services", name), "adds")]
    effects += [Effect(("volumes", volume), "adds") for volume in volumes.values()]
    if DEFAULT_NETWORK in networks:
        effects.append(Effect(("networks", DEFAULT_NETWORK), "adds"))
    hint = wanted.hints[0]
    is_optional = not wanted.repairs and any(_is_optional(project, hint) for hint in wanted.hints)
    return Change(
        f"Add service {name} ({image})",
        hint.location,
        edits,
        effects,
        evidence="a comment says when it is needed"
        if is_optional
        else _evidence(wanted, starter, to_set),
        confidence="guess" if is_optional else "verified",
        repairs=wanted.repairs,
        variables={each.name: each.value or "unset" for each in new.requires},
    )


def _images(models: Iterable[StartModel], catalog: Catalog) -> dict[str, str]:
    """Return the first image of each kind that services of *models* have, by its catalog id."""
    images: dict[str, str] = {}
    for model in models:
        for service in model.services.values():
            image = (service.image.at.known_text if service.image else None) or ""
            entry = catalog.match(image) if image else None
            if entry is not None:
                images.setdefault(entry.id, image)
    return images


def _common_restart_policy(wanted: WantedService) -> str:
    """Return the policy of all callers if it restarts services permanently, otherwise ``""``."""
    policies = {text_of(wanted.model.services[name].restart) for name in wanted.callers}
    permanent = policies & {"always", "unless-stopped"}
    return permanent.pop() if len(policies) == 1 and permanent else ""


_OPTION = (
    r"(?i)^\s*#.*\b(?:run|install|uncomment|optional(?:ly)?|only (?:needed )?(?:if|for|when)"
    r"|if you|when you|to (?:enable|use))\b"
)
"""A comment that says that the setting below it is for those who have done, or want, something."""


def _is_optional(project: Project, hint: Hint) -> bool:
    """Return whether a comment directly above *hint* says that not everybody needs it."""
    file = project.files.get(hint.location.path)
    lines = file.source.text.splitlines()[: (hint.location.line or 1) - 1] if file else []
    above = takewhile(lambda line: line.lstrip().startswith("#"), reversed(lines))
    return any(re.match(_OPTION, line) for line in above)


def _secret_lines(model: StartModel, new: NewService) -> str:
    """Return the lines of an env file with the secrets of *new* that Compose files contain."""
    return "".join(
        f"{line}\n"
        for each in new.requires
        if each.value and each.name not in model.variables
        for line in [assignment(each.name, each.value)]
        if line is not None
    )


def _evidence(wanted: WantedService, starter: Starter, to_set: list[str]) -> str:
    """Return who refers to the service, the source of its facts, and the variables to set."""
    hint = wanted.hints[0]
    text = f"{', '.join(wanted.callers)}: {hint.message}; {starter.entry.evidence}"
    return f"{text}; set {' and '.join(to_set)}" if to_set else text


def _is_unset(model: StartModel, required: RequiredVariable) -> bool:
    """Return whether no file has a value for *required*."""
    return not required.value and required.name not in model.variables
