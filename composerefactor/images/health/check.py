"""The health check that fits a service: never one that cannot run in its image."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from composerefactor.compose.image_references import parse_image
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.one_off import one_off
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel
from composerefactor.images.catalog import Catalog
from composerefactor.images.dockerfiles import Chain, exposed, read_dockerfile
from composerefactor.images.entries import Use, parse_tag
from composerefactor.images.health import servers as commands
from composerefactor.images.health.built import (
    QUICK,
    Answer,
    BuiltImage,
    NoCheckNeeded,
    NoPossibleCheck,
    ProposedCheck,
)
from composerefactor.images.health.probes import Asks, Probe, Programs, base_image, command_for
from composerefactor.images.health.servers import Image, listening
from composerefactor.images.health.usage import Build, Usage, usage
from composerefactor.images.lookup import HealthCheckChoice, choose, starts_server

_OWN_ENTRY = "describe the image below 'catalog' in .composerefactor.yml, or write the check here"
_MAX_TEXT = 400_000


def healthcheck_for(project: Project, model: StartModel, use: Usage, catalog: Catalog) -> Answer:
    """Return the health check that the service of *use* lacks in *model*, or why there is none.

    A service that has one, or switches it off, and one that ends by itself need none.
    """
    service = model.services[use.name]
    if service.value("healthcheck") is not None:
        return NoCheckNeeded("it has a healthcheck")
    if one_off(model, use.name) is not None:
        return NoCheckNeeded("it does one thing and ends", has_check=False)
    if service.value("provider") is not None:
        return NoPossibleCheck("it is no container", "leave it")
    if use.build is not None:
        return _built(project, use, use.build, catalog)
    if use.image is None:
        return NoPossibleCheck("it has neither image nor build", "give it one")
    return _known_image(use, use.image, catalog)


def _known_image(use: Usage, image: str, catalog: Catalog, chain: Chain | None = None) -> Answer:
    """Return the check that the catalogue has for *image*, or for one built from it by *chain*."""
    entry = catalog.match(image)
    if entry is None and base_image(image) is not None:
        return BuiltImage(Chain(image, ()), lambda _: None, use).check()
    if entry is None:
        return NoPossibleCheck(f"nothing is known about the image {image}", _OWN_ENTRY)
    arguments = use.build.arguments if use.build else {}
    own = chain.last("CMD") if chain and use.command is None else None
    command = (*(use.entrypoint or ()), *(use.command or (own.command if own else ())))
    if not starts_server(entry, command):
        return NoPossibleCheck(
            f"it runs {_program(command)!r}, not the server that {entry.id} is known for",
            "write the check here, or healthcheck: {disable: true} where there is nothing to check",
        )
    if entry.builtin:
        return NoCheckNeeded(f"the image {entry.id} has a health check of its own")
    reference = parse_image(image)
    is_known = "$" not in (reference.tag or "") and not (reference.digest and not reference.tag)
    found = choose(
        entry,
        Use(
            repository=catalog.known_name(image) or "",
            tag=parse_tag(reference.tag or "") if is_known else None,
            environment={
                **(chain.environment(arguments) if chain else {}),
                **use.environment,
            },
            unread=use.unread,
            command=command,
        ),
        use.targets or (exposed(chain, arguments) if chain else ()),
    )
    if isinstance(found, HealthCheckChoice):
        source = f"{entry.id} in the catalogue"
        if entry.source and entry.source != "unverified":
            source += f", from {entry.source}"
        return ProposedCheck(
            found.check.test, found.check.times, source, entry.verified, found.note
        )
    return NoPossibleCheck(found.reason, found.remedy or _OWN_ENTRY)


def _program(command: tuple[str, ...]) -> str:
    """Return what *command* runs, without its arguments: these may be secrets."""
    return next(iter(command[0].split()), "")


def _built(project: Project, use: Usage, build: Build, catalog: Catalog) -> Answer:
    read = _reader(project, build)
    text = build.inline
    if text is None and build.context is not None:
        text = read(build.dockerfile)
    if text is None:
        return _without_dockerfile(use, build)
    file = read_dockerfile(text)
    chain = file.chain(build.target, build.arguments)
    if chain is None:
        stage = f"stage {build.target!r}" if build.target else "FROM"
        return NoPossibleCheck(f"{build.dockerfile} has no {stage}", "correct it, then ask again")
    if chain.base in build.contexts:
        chain = Chain("", chain.instructions)
    built = BuiltImage(chain, read, use)
    is_known = bool(chain.base) and catalog.match(chain.base) is not None
    if is_known and chain.last("HEALTHCHECK") is None and not commands.runtime(built.command):
        return _known_image(use, chain.base, catalog, chain)
    return built.check()


def _without_dockerfile(use: Usage, build: Build) -> Answer:
    """Return a check that needs no more than a shell and what Alpine or Debian hold.

    The Dockerfile is elsewhere, so nothing but the Compose file can tell what the image holds.
    """
    where = posixpath.normpath(posixpath.join(build.context or "", build.dockerfile))
    missing = f"{where} is not here"
    if build.context is None:
        missing = "its build context is not in this project"
    command = commands.text_of((*(use.entrypoint or ()), *(use.command or ())))
    server = commands.server(command)
    if server is not None and (server.never or server.name == "celery worker"):
        return BuiltImage(Chain("", ()), lambda _: None, use).check()
    default = Image(default=server.port, default_of=server.name) if server else Image()
    port = listening(use, command, default)
    if port is None:
        return NoPossibleCheck(
            f"{missing}, and nothing says on which port it listens",
            "publish or expose its port, or write HEALTHCHECK in its Dockerfile",
        )
    runtime = commands.runtime(command)
    asks: Asks = "answer" if server is not None and server.http else "connect"
    found = command_for(Probe(asks, port.text), Programs({runtime: ""})) if runtime else None
    if found is not None:
        return ProposedCheck(
            found[0],
            QUICK,
            f"{runtime}: its command; port {port.text}: {port.how}",
            "practice",
            missing,
        )
    address = f"127.0.0.1 {port.text}"
    return ProposedCheck(
        (
            "CMD-SHELL",
            f"nc -z {address} || bash -c ': > /dev/tcp/127.0.0.1/{port.text}'",
        ),
        QUICK,
        f"port {port.text}: {port.how}",
        "unverified",
        f"{missing}: it runs in images with busybox or bash, not in distroless ones",
    )


def _reader(project: Project, build: Build) -> Callable[[str], str | None]:
    """Return what reads a text file below the build context; None for what is not there."""

    def read(path: str) -> str | None:
        if build.context is None or project.read is None:
            return None
        target = posixpath.normpath(posixpath.join(build.context, path))
        if not project.exists(target):
            return None
        data = project.read(target)
        return data.decode("utf-8", "replace") if len(data) <= _MAX_TEXT else None

    return read


def reports_health(project: Project, model: StartModel, name: str, catalog: Catalog) -> bool:
    """Return whether the service *name* has a health check, of its own or of its image.

    A container without one never becomes healthy, and whoever waits for it never starts.
    """
    service = model.services[name]
    if service.value("healthcheck") is None:
        answer = healthcheck_for(project, model, usage(project, model, service), catalog)
        return isinstance(answer, NoCheckNeeded) and answer.has_check
    return _is_on(service)


def _is_on(service: Service) -> bool:
    """Return whether the declared health check has a test and is not switched off."""
    has_test = False
    for found in service.values("healthcheck"):
        if scalar_text(merged_get(found.node, "disable")) in {"true", "True", "TRUE"}:
            return False
        test = item_nodes(merged_get(found.node, "test"))
        if test:
            has_test = scalar_text(test[0]) != "NONE"
    return has_test
