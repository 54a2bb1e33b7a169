"""The health check for a service: never one that cannot run in its image.

It comes from the image catalog, or from the Dockerfile and the build context of the service.
"""

from __future__ import annotations

from composerefactor.compose.image_references import parse_image
from composerefactor.compose.one_off import one_off, reason_it_may_exit
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import Build
from composerefactor.compose.services import StartModel
from composerefactor.images.catalog import Catalog
from composerefactor.images.dockerfiles import (
    Chain,
    chain_of,
    context_reader,
    dockerfile_text,
    exposed_ports,
    read_dockerfile,
)
from composerefactor.images.entries import CatalogEntry, Command, ImageUse, confidence, parse_tag
from composerefactor.images.health.built import (
    PORT_REMEDY,
    Answer,
    BuiltImage,
    NoCheckNeeded,
    NoPossibleCheck,
    ProposedCheck,
    check_times,
)
from composerefactor.images.health.probes import (
    PROBES,
    Probe,
    ProbeKind,
    Programs,
    base_image,
    command_for,
    first_program,
    missing_programs,
)
from composerefactor.images.health.servers import (
    ImagePorts,
    command_line,
    find_runtime,
    find_server,
    listening_port,
)
from composerefactor.images.health.usage import Usage, usage
from composerefactor.images.lookup import HealthCheckChoice, choose_check, starts_server

_DESCRIBE_IMAGE_REMEDY = (
    "describe the image under 'catalog' in .composerefactor.yml, or write the health check yourself"
)


def healthcheck_for(project: Project, model: StartModel, use: Usage, catalog: Catalog) -> Answer:
    """Return the missing health check of a service of *model*, or the reason why there is none.

    *use* describes the service. A service with a health check, or with a disabled one, needs
    none; neither does a one-off service.
    """
    if model.services[use.name].value("healthcheck") is not None:
        return NoCheckNeeded("it has a healthcheck")
    return _proposed_check(project, model, use, catalog)


def _proposed_check(project: Project, model: StartModel, use: Usage, catalog: Catalog) -> Answer:
    """Return the answer for *use* as if it had no health check of its own."""
    if one_off(model, use.name) is not None:
        return NoCheckNeeded("it is a one-off service", has_check=False)
    if use.name in model.without_container:
        return NoCheckNeeded("no container is started for it", has_check=False)
    if model.runs_windows:
        return NoPossibleCheck(
            "it runs in a Windows container", "write a health check for Windows yourself"
        )
    if use.build is not None:
        return _unless_it_exits(model, use, _check_for_build(project, use, use.build, catalog))
    if use.image is None:
        return NoPossibleCheck("it has neither an image nor a build", "add one of them")
    answer = _check_for_image(use, use.image, catalog)
    return answer if catalog.match(use.image) else _unless_it_exits(model, use, answer)


def _unless_it_exits(model: StartModel, use: Usage, answer: Answer) -> Answer:
    """Return *answer*, or that no check is needed for what only a test or a job runs."""
    exits = None if use.targets or use.exposed else reason_it_may_exit(model, use.name)
    if exits is None or isinstance(answer, NoCheckNeeded):
        return answer
    return NoCheckNeeded(f"it may be a one-off service: {exits}", has_check=False)


def _check_for_image(
    use: Usage, image: str, catalog: Catalog, chain: Chain | None = None
) -> Answer:
    """Return the health check of *catalog* for *image*, or for an image that *chain* bases on it.

    *chain* is None for an image that is not built.
    """
    entry = catalog.match(image)
    if entry is None and base_image(image) is not None:
        return BuiltImage(Chain(image, ()), lambda _: None, use).check()
    if entry is None:
        reason = f"the image {image} is not in the image catalog"
        return NoPossibleCheck(reason, _DESCRIBE_IMAGE_REMEDY)
    arguments = use.build.arguments if use.build else {}
    own_command = chain.last("CMD") if chain and use.command is None else None
    command = (
        *(use.entrypoint or ()),
        *(use.command or (own_command.command if own_command else ())),
    )
    if not starts_server(entry, command):
        return NoPossibleCheck(
            f"it runs {_program_name(command)!r}, not the server of the image {entry.id}",
            "write the health check yourself, or healthcheck: {disable: true} if there is nothing "
            "to check",
        )
    if entry.builtin:
        reason = f"the image {entry.id} has its own health check"
        return NoCheckNeeded(reason, confidence=confidence(entry.verified))
    reference = parse_image(image)
    is_known = "$" not in (reference.tag or "") and not (reference.digest and not reference.tag)
    choice = choose_check(
        entry,
        ImageUse(
            repository=catalog.known_name(image) or "",
            tag=parse_tag(reference.tag or "") if is_known else None,
            environment={
                **(chain.environment(arguments) if chain else {}),
                **use.environment,
            },
            unread=use.unread,
            command=command,
        ),
        use.targets or (exposed_ports(chain, arguments) if chain else ()),
    )
    if not isinstance(choice, HealthCheckChoice):
        return NoPossibleCheck(choice.reason, choice.remedy or _DESCRIBE_IMAGE_REMEDY)
    return _proposed(use, entry, choice)


def _proposed(use: Usage, entry: CatalogEntry, choice: HealthCheckChoice) -> Answer:
    """Return *choice*, unless the server of *entry* may not answer it in the service of *use*."""
    if use.private_key and entry.category != "proxy" and "http://" in " ".join(choice.test):
        return NoPossibleCheck(
            f"it mounts the key {use.private_key}, so it may answer HTTPS only",
            "write the health check yourself",
        )
    source = entry.evidence
    certainty = confidence(entry.verified)
    if variable := _port_variable(use, entry):
        source += f"; but {variable} is a published port, and {entry.main_port} is not"
        certainty = "guess"
    return ProposedCheck(
        *(choice.test, choice.times, source, certainty, choice.note), passes=entry.passes
    )


def _port_variable(use: Usage, entry: CatalogEntry) -> str:
    """Return a variable by which the server of *entry* may listen on another port, or ``""``.

    The catalog does not know the variable, but its value is a published port, and the usual port of
    the server is not published.
    """
    if not use.targets or entry.main_port in use.targets:
        return ""
    known = entry.listens.variables
    pairs = use.environment.items()
    names = (n for n, value in pairs if n.endswith("PORT") and value in use.targets)
    return next((name for name in names if name not in known), "")


def _program_name(command: tuple[str, ...]) -> str:
    """Return the program that *command* runs, without arguments, which may be secrets."""
    return next(iter(command[0].split()), "")


def _check_for_build(project: Project, use: Usage, build: Build, catalog: Catalog) -> Answer:
    """Return the health check for an image that *build* describes, or why there is none."""
    read = context_reader(project, build)
    text = dockerfile_text(project, build)
    if text is None:
        return _check_without_dockerfile(use, build)
    file = read_dockerfile(text)
    chain = file.chain(build.target, build.arguments)
    if chain is None:
        stage = f"stage {build.target!r}" if build.target else "FROM"
        return NoPossibleCheck(f"{build.dockerfile} has no {stage}", "correct the build first")
    if chain.base in build.contexts:
        chain = Chain("", chain.instructions)
    built = BuiltImage(chain, read, use)
    is_known = bool(chain.base) and catalog.match(chain.base) is not None
    if is_known and chain.last("HEALTHCHECK") is None and not find_runtime(built.command):
        return _check_for_image(use, chain.base, catalog, chain)
    return built.check()


def _check_without_dockerfile(use: Usage, build: Build) -> Answer:
    """Return a health check for an image whose Dockerfile is not in the project.

    The content of the image is unknown, so the check uses the program that the command of the
    service runs, or else programs that images based on Alpine or Debian contain.
    """
    missing = f"{build.dockerfile_path} is not in the project"
    if build.directory is None:
        missing = "its build context is not in the project"
    command = command_line(use.words)
    server = find_server(command)
    if server is not None and (server.no_port or server.name == "celery worker"):
        return BuiltImage(Chain("", ()), lambda _: None, use).check()
    default = ImagePorts(default=server.port, default_of=server.name) if server else ImagePorts()
    port = listening_port(use, command, default)
    if port is None:
        return NoPossibleCheck(
            f"{missing}, and it is unknown on which port it listens", PORT_REMEDY
        )
    runtime = find_runtime(command)
    kind: ProbeKind = "answer" if server is not None and server.http else "connect"
    probe = command_for(Probe(kind, port.text), Programs({runtime: ""})) if runtime else None
    if probe is not None:
        return ProposedCheck(
            probe[0],
            check_times(use, command),
            f"{runtime}: its command; port {port.text}: {port.evidence}",
            "likely",
            missing,
        )
    address = f"127.0.0.1 {port.text}"
    return ProposedCheck(
        (
            "CMD-SHELL",
            f"nc -z {address} || bash -c ': > /dev/tcp/127.0.0.1/{port.text}'",
        ),
        check_times(use, command),
        f"port {port.text}: {port.evidence}",
        "guess",
        f"{missing}; the check works in images with busybox or bash, not in distroless images",
    )


def image_lacks(image: str, program: str, catalog: Catalog) -> bool:
    """Return whether *image* is known not to contain *program*, in any version.

    A check for some versions that uses a program or a shell shows that they contain it.
    """
    entry = catalog.match(image)
    if entry is not None and entry.has.get(program) is False:
        words = [word for each in entry.variants for word in each.test or ()]
        return not any(program in word or (program, word) == ("sh", "CMD-SHELL") for word in words)
    return program in missing_programs(Chain(image, ()), (program,))


def _cannot_run(project: Project, use: Usage, test: Command, catalog: Catalog) -> bool:
    """Return whether the program of *test* is known to be missing from the image of *use*."""
    program = first_program(test)
    if program not in PROBES:
        return False
    if use.build is None:
        return use.image is not None and image_lacks(use.image, program, catalog)
    chain = chain_of(project, use.build)
    return chain is not None and program in missing_programs(chain, (program,))


def reports_health(project: Project, model: StartModel, name: str, catalog: Catalog) -> bool:
    """Return whether other services can rely on the service *name* to become healthy.

    A container without a health check never becomes healthy, and one with a wrong check neither:
    services that wait for it never start. So the check must be the owner's, or verified: that of
    the image, or one that this module proposes, written to the file before. Its program must not
    be known to be missing from the image.
    """
    service = model.services[name]
    use = usage(project, model, service)
    answer = _proposed_check(project, model, use, catalog)
    check = service.healthcheck
    if check is None:
        if not isinstance(answer, NoCheckNeeded):
            return False
        is_verified = answer.has_check and answer.confidence == "verified"
        return is_verified and not _cannot_run(project, use, answer.test, catalog)
    if check.value.is_off or not check.value.test:
        return False
    if _cannot_run(project, use, check.value.test, catalog):
        return False
    if not isinstance(answer, ProposedCheck) or answer.confidence == "verified":
        return True
    return tuple(map(check.at.scope.expand, answer.test)) != check.value.test
