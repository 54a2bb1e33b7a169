"""Remove privileges that services do not need.

All services get `no-new-privileges`: programs in the container cannot gain privileges by setuid.
Where the image catalog lists the capabilities that an image needs, or the service runs as another
user than root, all other capabilities are dropped. Where the catalog lists the directories to which
an image writes, the root file system becomes read-only, with a tmpfs for each of these directories.
Privileged services, services with capabilities, a tmpfs or such options of their own, and images
that are known to need more are left alone, and so is an image with which a service calls `sudo`, or
whose Dockerfile prepares that. Where a program may get its capabilities from its file (`cap_add`,
`setcap` in the Dockerfile), it loses them by `no-new-privileges`, which is then a guess. A service
with a config or secret whose content comes from no file does not become read-only: Docker Compose
could not create the file. Windows containers, which have nothing of all this, are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.definitions import known_text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import is_outside
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.confidence import Confidence, least_certain
from composerefactor.edit.operations import AddItem, AddKey, Edit
from composerefactor.edit.rendering import Value
from composerefactor.errors import UsageError, enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.images.dockerfiles import Chain, chain_of
from composerefactor.images.entries import confidence
from composerefactor.images.health.probes import base_image
from composerefactor.images.lookup import Hardening, file_capabilities, gains_privileges, hardening
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    Site,
    ValueFor,
    addition,
    blocked_refusal,
    find_sites,
    shared_note,
    site_effects,
)
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, node_at, path_of

_NO_NEW_PRIVILEGES = "no-new-privileges:true"
_NO_NEW_TITLE = "Add no-new-privileges to {}"
_NO_NEW_REASON = "Its programs cannot become root by sudo or setuid."
_PURPOSES = {
    **dict.fromkeys(("CHOWN", "DAC_OVERRIDE", "FOWNER"), "prepare its files"),
    "NET_BIND_SERVICE": "bind ports below 1024",
    **dict.fromkeys(("SETGID", "SETPCAP", "SETUID"), "leave root"),
}
"""What the images of the catalog need capabilities for."""

_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")
_PARTS = ("no-new-privileges", "capabilities", "read-only")
_SUDO = re.compile(r"(?:^|[\s;&|(])(?:/usr/bin/)?(?:sudo|doas)\s")
_INSTALLER = r"\b(?:apt(?:-get)?|apk|dnf|yum|microdnf)\b"
_SETUID_PACKAGE = re.compile(r"\s(?:sudo|doas|fixuid)\b")
"""Packages whose programs gain privileges; gosu, su-exec and setpriv only give up privileges."""
_SETUID = r"\bchmod\s+(?:\S+\s+)?(?:[ugo]*\+s|0?[246]\d{3})\b|/etc/sudoers|NOPASSWD"
_SETCAP = r"\bsetcap\b"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    parts: tuple[str, ...] = option(
        _PARTS,
        help="The measures to apply: no-new-privileges, capabilities, read-only.",
        example="no-new-privileges,capabilities",
    )


@fixer(
    Options,
    after=("add-missing-services", "declare-volumes"),
    unsafe=True,
    lasting=True,
    purpose="security",
    cause="a program that is taken over can do more than the service needs",
)
def harden(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield up to three changes for each service, or block that services share."""
    unknown = set(options.parts) - set(_PARTS)
    if unknown:
        raise UsageError(
            f"harden.parts: unknown part {min(unknown)!r}",
            remedy="use one of " + ", ".join(_PARTS),
        )
    models = start_models(project)
    # In the order of the keys in a service: edits at one place are made in this order.
    if "read-only" in options.parts:
        yield from _refusals_of_read_only(models)
        yield from _additions(
            models, _wants_read_only, "read_only", "Make the root file system of {} read-only"
        )
    if "capabilities" in options.parts:
        yield from _additions(
            models, _wants_capabilities, "cap_drop", "Drop the capabilities of {}"
        )
    if "no-new-privileges" in options.parts:
        privileges = _Privileges(project)
        yield from _list_additions(privileges, models)
        yield from _key_additions(privileges, models)


class _WantedKeys(Struct, frozen=True):
    """The keys that a service gets; the place of the first one is the place of all."""

    keys: tuple[tuple[str, tuple[str, ...] | bool], ...]
    evidence: str = ""
    confidence: Confidence = "verified"


def _image(service: Service) -> str:
    """Return the image of *service* with its variables resolved as far as known, or ``""``."""
    return known_text_of(service.image)


def _is_exempt(model: StartModel, service: Service) -> bool:
    """Return whether *service* is privileged, or its image needs to gain privileges."""
    is_privileged = service.privileged is not None and service.privileged.value
    return model.runs_windows or is_privileged or gains_privileges(_image(service))


def _calls_sudo(service: Service) -> bool:
    """Return whether the entrypoint or the command of *service* calls ``sudo``."""
    given = (words.value for words in (service.entrypoint, service.command) if words)
    return any(_SUDO.search(" ".join((*words, ""))) for words in given)


class _Assessment(Struct, frozen=True):
    """The confidence that a service can do without new privileges, and the evidence."""

    confidence: Confidence
    evidence: str


class _Privileges:
    """Whether programs of the services of *project* must gain privileges."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._explained: set[str] = set()
        self._chains: dict[int, Chain | None] = {}
        self._with_sudo: dict[int, set[str]] = {}

    def comment(self, file: ComposeFile, confidence: Confidence, node: Node | None) -> str:
        """Return the comment for the first certain addition to *file*, ``""`` for the others.

        *node* is what gets the addition. In flow style, it has no line for a comment.
        """
        is_known = file.path in self._explained or "no-new-privileges" in file.source.text
        has_line = not isinstance(node, MappingNode | SequenceNode) or not node.flow
        if is_known or confidence == "guess" or not has_line:
            return ""
        self._explained.add(file.path)
        return _NO_NEW_REASON

    def can_be_fixed(self, model: StartModel, service: Service) -> bool:
        """Return whether *service* can do without new privileges, and does not configure them."""
        is_set = any(re.match(r"no-new-privileges\b", each.value) for each in service.security_opt)
        return not (is_set or _is_exempt(model, service) or self._needs_setuid(model, service))

    def _needs_setuid(self, model: StartModel, service: Service) -> bool:
        """Return whether a program of *service* must run as another user than its caller.

        The service, or another one with its image, calls ``sudo``, which ends with "The "no new
        privileges" flag is set, which prevents sudo from running as root"; or its Dockerfile
        prepares that.
        """
        if id(model) not in self._with_sudo:
            callers = [each for each in model.services.values() if _calls_sudo(each)]
            self._with_sudo[id(model)] = {_image(caller) for caller in callers} - {""}
        calls_sudo = _calls_sudo(service) or _image(service) in self._with_sudo[id(model)]
        return calls_sudo or any(map(_prepares_setuid, self._runs(service)))

    def assess(self, services: Iterable[Service]) -> _Assessment:
        """Return the confidence that no program of *services* must gain privileges."""
        known = [self._assess_one(service) for service in services]
        least = least_certain(*(each.confidence for each in known))
        return next(each for each in known if each.confidence == least)

    def _assess_one(self, service: Service) -> _Assessment:
        """Return the confidence that no program of *service* must gain privileges.

        A program with capabilities in its file does not get them with ``no-new-privileges``
        (docker/cli issue 2739).
        """
        chain = self._chain(service)
        if chain is not None:
            if any(re.search(_SETCAP, run) for run in self._runs(service)):
                return _Assessment("guess", "its Dockerfile has setcap")
            evidence = "nothing in its Dockerfile gains privileges"
            if base_image(chain.base):
                return _Assessment("verified", evidence)
            base = chain.base or "its base image"
            return _Assessment("likely", f"{evidence}; {base} is unknown")
        facts = _image_facts(service)
        if facts is not None:
            return _Assessment(confidence(facts.verified), "its image only gives up privileges")
        names = [each.value for each in service.cap_add]
        if names and (service.build or catalog_of(self.project).match(_image(service)) is None):
            return _Assessment("guess", f"its program may get {enumerated(names)} from its file")
        return _Assessment("likely", "few images have programs that gain privileges")

    def _runs(self, service: Service) -> list[str]:
        """Return the commands that build the image of *service*; [] if they are not known."""
        chain = self._chain(service)
        made = chain.instructions if chain else ()
        return [each.text + each.heredoc for each in made if each.name == "RUN"]

    def _chain(self, service: Service) -> Chain | None:
        """Return the build of the image of *service*, if its Dockerfile is in the project."""
        if id(service) not in self._chains:
            build = service.build
            self._chains[id(service)] = chain_of(self.project, build.value) if build else None
        return self._chains[id(service)]


def _prepares_setuid(command: str) -> bool:
    """Return whether *command* prepares that a program runs as another user than its caller."""
    installer = re.search(_INSTALLER, command)
    installs = installer and _SETUID_PACKAGE.search(command, installer.end())
    return bool(installs or re.search(_SETUID, command))


def _image_facts(service: Service) -> Hardening | None:
    if service.build is not None:
        return None  # the image name is that of the result of the build
    return hardening(_image(service))


def _wants_capabilities(model: StartModel, service: Service) -> _WantedKeys | None:
    if _is_exempt(model, service) or service.values("cap_add") or service.values("cap_drop"):
        return None
    user = service.user.value.partition(":")[0] if service.user else ""
    if user and user not in {"0", "root"}:
        evidence = f"it runs as {user}, which has no capabilities anyway"
        needed = file_capabilities(_image(service))
        if needed:
            evidence = f"it runs as {user}, and its program has {enumerated(needed)} in its file"
        # Another program with capabilities in its file does not start without them.
        return _WantedKeys(_dropping(needed), evidence, "likely")
    facts = _image_facts(service)
    if facts is None or user or _overrides_command(service):
        return None
    return _WantedKeys(_dropping(facts.capabilities), facts.source, confidence(facts.verified))


def _dropping(needed: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the keys that drop all capabilities but *needed*."""
    return (("cap_drop", ("ALL",)), *((("cap_add", needed),) if needed else ()))


def _overrides_command(service: Service) -> bool:
    """Return whether *service* runs another program than the one of its image."""
    words = service.command.value if service.command else ()
    return service.entrypoint is not None or bool(words and words[0] in _SHELLS)


def _refusals_of_read_only(models: list[StartModel]) -> Iterator[Refusal]:
    """Yield the services that stay writable since Docker Compose must create a file in them."""
    done: set[tuple[str, tuple[str, ...]]] = set()
    for model in models:
        for service in model.services.values():
            names = tuple(model.inline_files(service))
            if (
                not names
                or (service.name, names) in done
                or _read_only_keys(model, service) is None
            ):
                continue
            done.add((service.name, names))
            own = service.own_definitions or service.definitions
            yield Refusal(
                f"{service.name}: root file system not made read-only: Docker Compose could not "
                f"create {', '.join(names)} in it",
                own[0].file.location_of("services", service.name),
                "write the content to a file, and use `file`",
            )


def _wants_read_only(model: StartModel, service: Service) -> _WantedKeys | None:
    return None if model.inline_files(service) else _read_only_keys(model, service)


def _read_only_keys(model: StartModel, service: Service) -> _WantedKeys | None:
    facts = _image_facts(service)
    if (
        facts is None
        or facts.writable is None
        or _is_exempt(model, service)
        or _overrides_command(service)
        or service.values("read_only")
        or service.values("tmpfs")
    ):
        return None
    mounted = {volume.value.target.rstrip("/") for volume in service.volumes}
    if any(_is_within(path, place) for path in mounted for place in facts.unless):
        return None
    is_configured = any(_is_within(path, p) for path in mounted for p in facts.configuration)
    certainty = "guess" if is_configured else confidence(facts.verified)
    places = tuple(place for place in facts.writable if place not in mounted)
    keys: list[tuple[str, tuple[str, ...] | bool]] = [("read_only", True)]
    if places:
        keys.append(("tmpfs", places))
    return _WantedKeys(tuple(keys), facts.source, certainty)


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _additions(
    models: list[StartModel], keys_for: ValueFor, key: str, title: str
) -> Iterator[Change | Refusal]:
    """Yield a change for each site at which services get what *keys_for* returns.

    *key* decides the site; *title* has a ``{}`` for the names of the services.
    """
    for site in find_sites(models, keys_for, (key,)):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, f"no {key}")
            continue
        wanted: _WantedKeys = site.value
        edits: list[Edit] = []
        effects: list[Effect] = []
        for name, value in wanted.keys:
            content: Value = value if isinstance(value, bool) else [*value]
            comment = _comment(name, value, dict(wanted.keys))
            edits.append(AddKey(site.file.path, site.path, name, content, SERVICE_ORDER, comment))
            effects += site_effects(_with_key(site, name))
        names = enumerated(site.services)
        yield Change(
            title.format(names) + shared_note(site),
            site.location,
            edits,
            effects,
            wanted.evidence,
            wanted.confidence,
        )


def _comment(key: str, value: tuple[str, ...] | bool, keys: Collection[str]) -> str:  # noqa: FBT001
    """Return the comment above *key* with *value*, one of *keys*: what it is for."""
    if key == "tmpfs":
        return "It writes here; the rest of its file system is read-only."
    if key == "read_only":
        return "" if "tmpfs" in keys else "It writes nothing outside of its volumes."
    if key == "cap_drop":
        return "" if "cap_add" in keys else "It needs no capabilities."
    names = value if isinstance(value, tuple) else ()
    purposes = dict.fromkeys(_PURPOSES[name] for name in names if name in _PURPOSES)
    return f"It needs these to {enumerated([*purposes])}." if purposes else ""


def _key_additions(privileges: _Privileges, models: list[StartModel]) -> Iterator[Change | Refusal]:
    """Yield a change for each site at which services get security options."""
    reached: dict[str, list[Service]] = {}

    def wanted(model: StartModel, service: Service) -> str | None:
        """Return what decides whether *service* can share a site: a guess is taken separately."""
        if service.values("security_opt") or not privileges.can_be_fixed(model, service):
            return None
        reached.setdefault(service.name, []).append(service)
        return "guess" if privileges.assess([service]).confidence == "guess" else "certain"

    for site in find_sites(models, wanted, ("security_opt",)):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no security_opt")
            continue
        known = privileges.assess([each for name in site.services for each in reached[name]])
        title = _NO_NEW_TITLE.format(enumerated(site.services))
        yield addition(
            site,
            [_NO_NEW_PRIVILEGES],
            title,
            known.evidence,
            known.confidence,
            comment=privileges.comment(
                site.file, known.confidence, node_at(site.file.root, site.path)
            ),
        )


def _with_key(site: Site, key: str) -> Site:
    return Site(site.file, site.path, (key,), site.value, site.services, site.location)


def _list_additions(
    privileges: _Privileges, models: list[StartModel]
) -> Iterator[Change | Refusal]:
    """Yield a change for each list of security options without no-new-privileges."""
    users: dict[int, list[tuple[StartModel, Service]]] = {}
    for model in models:
        for service in model.services.values():
            for value in service.values("security_opt"):
                users.setdefault(id(value.node), []).append((model, service))
    done: set[int] = set()
    for model in models:
        for service in model.services.values():
            lists = service.values("security_opt")
            if not lists or not privileges.can_be_fixed(model, service):
                continue
            first = lists[0]
            if id(first.node) in done or is_outside(first.file.path):
                continue
            done.add(id(first.node))
            path = path_of(first.file.root, first.node)
            others = [
                other.name
                for user, other in users[id(first.node)]
                if not privileges.can_be_fixed(user, other)
            ]
            if path is None or not isinstance(first.node, SequenceNode) or others:
                reason = (
                    f"{others[0]} shares the list"
                    if others
                    else "the list cannot be extended where it is defined"
                )
                yield Refusal(
                    f"{service.name}: no-new-privileges not added: {reason}",
                    first.location,
                    "add it by hand",
                )
                continue
            reached = [other for _, other in users[id(first.node)]]
            names = tuple(dict.fromkeys(other.name for other in reached))
            known = privileges.assess(reached)
            effect = [Effect(("services", name, "security_opt"), "changes") for name in names]
            if path[0] != "services":
                effect.append(Effect(tuple(map(str, path)), "changes"))
            comment = privileges.comment(first.file, known.confidence, first.node)
            yield Change(
                _NO_NEW_TITLE.format(enumerated(names)),
                first.location,
                [AddItem(first.file.path, path, _NO_NEW_PRIVILEGES, comment)],
                effect,
                known.evidence,
                known.confidence,
            )
