"""Variables and env files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.facts.builds import BROWSER_PREFIXES
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.variables import CREATE_ENV, EnvFileFacts
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, fixer_occurrences, rule
from composerefactor.compose.env_files import existing_example
from composerefactor.compose.paths import is_inside
from composerefactor.compose.services import Service
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.transforms.fix_interpolation import fix_interpolation

_VITAL = frozenset({"image", "ports", "volumes", "build", "container_name"})
"""The attributes in which an empty text breaks the service."""


@rule(Severity.LOW, "configuration")
def unset_variable(architecture: Architecture) -> Iterator[Occurrence]:
    """A variable has neither a value nor a default.

    Docker Compose prints a warning and uses an empty text. That breaks an image, a port or a path;
    a password is then empty.
    """
    for entry in architecture.entries:
        for variable in entry.variables:
            if variable.source not in {"unset", "required"}:
                continue
            use = variable.uses[0]
            is_vital = any(u.attribute.split(".")[0] in _VITAL for u in variable.uses)
            example = f"; {variable.in_example} lists it" if variable.in_example else ""
            problem = (
                "is required" if variable.source == "required" else "has no value and no default"
            )
            yield Occurrence(
                f"{variable.name} {problem}, and no env file of the project sets it{example}",
                use.location,
                use.service or None,
                variable.name,
                _remedy(entry.env_files),
                Severity.INFO
                if variable.in_example or variable.source == "required"
                else (Severity.MEDIUM if is_vital else None),
            )


def _remedy(env_files: Sequence[EnvFileFacts]) -> str:
    if not env_files:
        return ""
    return f"set it in {env_files[0].path}{env_files[0].creation}"


@rule(Severity.LOW, "configuration")
def missing_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """An env file or label file that a service uses does not exist.

    Docker Compose does not start the project without it, unless it is marked `required: false`.
    Files with secrets are rightly not in git; an example file beside them should then list the
    variables.
    """
    project = architecture.project
    for entry in architecture.entries:
        created = {each.path for each in entry.env_files if each.can_be_created}
        for service in entry.model.services.values():
            for item in service.env_file:
                env_file, path = item.value, item.value.path
                if not env_file.required or project.exists(path):
                    continue
                sample = existing_example(project, path)
                remedy = f"list its variables in {path}.example" if is_inside(path) else ""
                copying = CREATE_ENV if path in created else f"copy {sample}"
                yield Occurrence(
                    f"{service.name} uses the env file {env_file.written}, which does not exist",
                    item.location,
                    service.name,
                    path,
                    copying if sample or path in created else remedy,
                    Severity.INFO if sample or not remedy else None,
                )
            for item in service.label_file:
                if not project.exists(item.value.path):
                    yield Occurrence(
                        f"{service.name} uses the label file {item.value.written}, which does not "
                        "exist",
                        item.location,
                        service.name,
                        item.value.path,
                        "create it, or correct the path",
                    )


@rule(Severity.LOW, "configuration")
def missing_in_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """An env file lacks variables that its example lists.

    The Compose files use these variables; without a value they are empty.
    """
    for entry in architecture.entries:
        for facts in entry.env_files:
            for name in facts.missing:
                yield Occurrence(
                    f"{facts.path} does not set {name}, which {facts.example} lists",
                    Location(facts.path),
                    None,
                    name,
                    f"add it to {facts.path}",
                )


@rule(Severity.INFO, "maintainability")
def unused_env_variable(architecture: Architecture) -> Iterator[Occurrence]:
    """An env file sets a variable that no Compose file uses.

    It may be meant for the programs themselves, which see it only where `env_file` or `environment`
    passes it on. A file of which Compose uses nothing belongs to a program that reads it itself.
    """
    unused: dict[tuple[str, str], Location] = {}
    used: set[tuple[str, str]] = set()
    for entry in architecture.all_entries:
        for facts in entry.env_files:
            names = dict(facts.unused)
            unused.update({(facts.path, name): location for name, location in names.items()})
            used.update((facts.path, name) for name in facts.names if name not in names)
    for_compose = {path for path, _ in used}
    unused = {
        key: location
        for key, location in unused.items()
        if key not in used and key[0] in for_compose
    }
    forms = {name: (f"${{{name}}}", f"${{{name}:") for _, name in unused}
    files = architecture.project.files_with(each for pair in forms.values() for each in pair)
    for (path, name), location in unused.items():
        others = (other for form in forms[name] for other in files.get(form, ()))
        if not any(other.endswith((".yml", ".yaml")) for other in others):
            yield Occurrence(f"no Compose file uses {name} of {path}", location, None, name)


@rule(Severity.MEDIUM, "configuration")
def set_after_build(architecture: Architecture) -> Iterator[Occurrence]:
    """A variable of the built pages is set only when the container starts.

    The values of `VITE_`, `NEXT_PUBLIC_` and `REACT_APP_` variables become part of the pages when
    these are built. An image whose last stage is a web server that serves them does not read the
    variables.
    """
    for entry in architecture.entries:
        for service in entry.services:
            definition = entry.model.services[service.name]
            if not _serves_built_pages(service, definition, entry.catalog):
                continue
            for name, variable in definition.environment.items():
                given = service.build.arguments if service.build else ()
                if name.startswith(BROWSER_PREFIXES) and name not in given:
                    yield Occurrence(
                        f"{name} of {service.name} has no effect: its pages are built before",
                        variable.location,
                        service.name,
                        name,
                        "pass it in build.args, to an ARG of the Dockerfile",
                    )


def _serves_built_pages(service: ServiceFacts, definition: Service, catalog: Catalog) -> bool:
    """Return whether a web server serves what an earlier stage of the Dockerfile has built."""
    build = service.build
    if build is None or not build.is_multi_stage or build.renders_at_start:
        return False
    if definition.command or definition.entrypoint:
        return False
    return catalog.category(build.base) == "proxy"


@rule(Severity.MEDIUM, "validity", transform="fix-interpolation")
def shell_interpolation(architecture: Architecture) -> Iterator[Occurrence]:
    """A value uses shell syntax that Docker Compose does not support.

    Compose expands `$X` and `${X}` with `:-`, `:?` and `:+`. It rejects `${X:=d}` and takes the
    command in `${X:-$(date)}` literally, so that the value is not what it seems to be.
    """
    yield from fixer_occurrences(architecture, fix_interpolation, with_title=True)
