"""Variables of the Compose files, and env files.

:func:`variable_facts` says which variables the files of a start command use, what sets them, and
what its env files lack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.definitions import text_of
from composerefactor.compose.dotenv import descriptions
from composerefactor.compose.env_files import (
    assignment_place,
    assignment_places,
    assignments_in,
    existing_example,
)
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import (
    SET_BY_SHELL,
    expressions,
    password_hashes,
    sole_expression,
)
from composerefactor.compose.masking import Masking
from composerefactor.compose.paths import is_inside
from composerefactor.compose.ports import published_ports
from composerefactor.compose.project import Project, Scope, env_files_of
from composerefactor.compose.secrets import is_credential, is_placeholder, is_secret_name
from composerefactor.compose.services import StartModel
from composerefactor.errors import Location, enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.yaml.nodes import ScalarNode

CREATE_ENV = "composerefactor fix --select create-env"
"""The command that writes a missing `.env`."""

Source = Literal["env file", "default", "shell", "required", "unset"]

_VARIABLE = re.compile(r"\$\{?(\w+)")
_BUILT_IN = ("COMPOSE_", "DOCKER_", "BUILDKIT_")
_SET_BY_COMPOSE = frozenset({"COMPOSE_PROJECT_NAME"})
_SET_BY_CI = frozenset({"CI", "GITHUB_SHA", "GITHUB_REF", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"})


class VariableUse(Struct, frozen=True):
    """A place that uses a variable.

    Attributes:
        service: The service, ``""`` outside of services.
        attribute: The attribute, with dots.
        location: The file and line.
        has_default: Whether it gives the variable a default that is not empty.
    """

    service: str
    attribute: str
    location: Location
    has_default: bool = False


class VariableFacts(Struct, frozen=True):
    """A variable in the files of a start command.

    Attributes:
        name: The name.
        defaults: The defaults that the files have for it, without secrets.
        required: Whether some place requires it (``${NAME:?}``).
        is_secret: Whether the name is that of a secret.
        source: What sets it: an env file, a ``default`` in every place, or the ``shell`` for a
            variable of the system. ``required`` and ``unset`` mean that nothing sets it: Docker
            Compose rejects the project, or warns and uses an empty string.
        uses: The places that use it.
        set_at: The line of the env file.
        in_example: The example file that contains it, ``""`` if none does.
        has_default_everywhere: Whether every place has a default.
        must_be_set: Whether somebody has to set it: nothing does, or its default is a secret that
            everybody can read, or stands for a value (``changeme``).
        description: What the comment in the example file or env file says about it, else what it
            is for by its place: a port of the host, a tag, a variable of a known image.
    """

    name: str
    defaults: tuple[str, ...]
    required: bool
    is_secret: bool
    source: Source
    uses: tuple[VariableUse, ...]
    set_at: Location | None = None
    in_example: str = ""
    has_default_everywhere: bool = False
    must_be_set: bool = False
    description: str = ""

    @property
    def services(self) -> tuple[str, ...]:
        """The services that use it."""
        return tuple(dict.fromkeys(use.service for use in self.uses if use.service))


class EnvFileFacts(Struct, frozen=True):
    """An env file that sets variables of the Compose files.

    Attributes:
        path: The path.
        exists: Whether it exists.
        is_tracked: Whether it is in git.
        names: The variables in it.
        unused: The variables that the Compose files do not use, with their lines.
        secrets: The variables with secret names.
        example: The example file next to it, ``""`` without one.
        missing: The variables that the example has, the Compose files use, and it lacks.
        is_passed_on: Whether a service gets all of it as its environment.
    """

    path: str
    exists: bool
    is_tracked: bool
    names: tuple[str, ...]
    unused: tuple[tuple[str, Location], ...]
    secrets: tuple[str, ...]
    example: str = ""
    missing: tuple[str, ...] = ()
    is_passed_on: bool = False

    @property
    def can_be_created(self) -> bool:
        """Whether :data:`CREATE_ENV` writes it."""
        return not self.exists and basename(self.path) == ".env" and is_inside(self.path)

    @property
    def creation(self) -> str:
        """The end of a remedy that says what writes it; ``""`` if nothing does."""
        return f"; `{CREATE_ENV}` writes {self.path}" if self.can_be_created else ""


class _Reference(Struct, frozen=True):
    """One use of a variable: the default that this place gives it, and what provides its value."""

    name: str
    default: str | None
    required: bool
    use: VariableUse
    scope: Scope


def variable_facts(
    project: Project, model: StartModel, masking: Masking
) -> tuple[tuple[VariableFacts, ...], tuple[EnvFileFacts, ...]]:
    """Return the variables of *model* in alphabetical order, and its env files.

    Env files are read from *project*; *masking* masks secrets in the defaults.
    """
    groups: dict[str, list[_Reference]] = {}
    for file in (*model.files, *model.extended_files):
        for reference in _references(file, model.scopes[file.path]):
            groups.setdefault(reference.name, []).append(reference)
    env_files = env_files_of(model.entry)
    all_env_files = {path for scope in model.scopes.values() for path in scope.env_files}
    examples = {
        assignment.name: example
        for path in env_files
        if (example := existing_example(project, path))
        for assignment in assignments_in(project, example)
    }
    described = _described_by_use(model) | {
        name: masking.text(text)
        for path in (*env_files, *(existing_example(project, path) for path in env_files))
        for name, text in descriptions(project.text(path) or "").items()
    }
    places = assignment_places(project, all_env_files)
    facts = tuple(
        _facts(
            *(name, references, places, examples.get(name, ""), described.get(name, "")), masking
        )
        for name, references in sorted(groups.items())
    )
    passed = {
        setting.name
        for service in model.services.values()
        for setting in service.settings.values()
        if setting.value is None
    }
    used = {*groups, *passed, *_variables_without_expression(model)}
    return facts, tuple(_env_file(project, model, path, used, set(groups)) for path in env_files)


_BY_NAME = {
    "NODE_ENV": "mode of Node.js programs",
    "RUST_LOG": "log level",
    "TZ": "time zone",
}
"""Variables that all programs of a language or system read: Node.js, Rust (env_logger), POSIX."""


def _described_by_use(model: StartModel) -> dict[str, str]:
    """Return what the variables of *model* are for by the places that use them, by name.

    A place says so if it is the variable alone: a port of the host, a tag, a variable of an image
    that the catalog describes.
    """
    found = dict(_BY_NAME)
    tagged: dict[str, list[str]] = {}
    for service in model.services.values():
        for port in published_ports(service):
            if name := _sole_variable(port.written):
                found.setdefault(name, f"port of the host for {service.name}:{port.target}")
        image = service.image.at.written or "" if service.image else ""
        if name := _sole_variable(image[image.rfind(":${") + 1 :]):
            tagged.setdefault(name, []).append(service.name)
        entry = catalog_of(model).match(text_of(service.image)) if service.image else None
        for own, text in (entry.variables if entry else {}).items():
            setting = service.settings.get(own)
            if setting is not None and (name := _sole_variable(setting.value or "")):
                found.setdefault(name, f"{text} ({service.name})")
    for name, services in tagged.items():
        noun = "image" if len(services) == 1 else "images"
        found.setdefault(name, f"version of the {noun} of {enumerated(services, 3)}")
    return found


def _sole_variable(text: str) -> str:
    """Return the name of the variable that *text* consists of, ``""`` if there is more or none."""
    found = sole_expression(text)
    return found.name if found else ""


def _variables_without_expression(model: StartModel) -> Iterator[str]:
    """Yield the variables that secrets, configs and builds name without ``$``."""
    for section in ("secrets", "configs"):
        for declarations in model.declared(section).values():
            yield from (name for each in declarations if (name := each.text_below("environment")))
    for service in model.services.values():
        yield from (name for name, each in service.build_arguments.items() if each.value is None)


def _references(file: ComposeFile, scope: Scope) -> Iterator[_Reference]:
    for path, node in file.paths:
        if not isinstance(node, ScalarNode) or "$" not in node.value:
            continue
        keys = [str(part) for part in path if isinstance(part, str)]
        in_service = len(keys) > 1 and keys[0] == "services"
        service = keys[1] if in_service else ""
        attribute = ".".join(keys[2:4] if in_service else keys[:2])
        use = VariableUse(service, attribute, file.source.location(node.start))
        hashes = password_hashes(node.value)
        known = expressions(node.value)
        guards = [each for each in known if each.operator.endswith("+")]
        for expression in known:
            if any(
                guard.name == expression.name and guard.start < expression.start < guard.end
                for guard in guards
            ):
                continue  # ${X:+...$X...}: it is only read where it has a value
            if any(start <= expression.start < end for start, end in hashes):
                continue
            variable = expression.variable
            default = variable.default
            if expression.operator in {"+", ":+"}:
                default = ""
            yield _Reference(expression.name, default, variable.required, use, scope)


def _facts(
    name: str,
    references: list[_Reference],
    places: dict[str, dict[str, Location]],
    example: str,
    description: str,
    masking: Masking,
) -> VariableFacts:
    """Return the facts of the variable *name*; *places* are the lines of the env files by path."""
    defaults = [r.default for r in references if r.default is not None]
    shown = [masking.named(name, text) for text in dict.fromkeys(defaults) if text]
    # Messages name the first use, so uses in which nothing sets the variable come first.
    references = sorted(
        references, key=lambda r: (name in r.scope.variables, r.default is not None)
    )
    has_default_everywhere = all(r.default is not None for r in references)
    required = any(r.required for r in references)
    set_at = None
    if all(name in r.scope.variables for r in references):
        set_at = assignment_place(name, references[0].scope, places)
    source: Source = "unset"
    if set_at is not None:
        source = "env file"
    elif all(r.default is not None or name in r.scope.variables for r in references):
        source = "default"
    elif name in SET_BY_SHELL | _SET_BY_COMPOSE | _SET_BY_CI or name.startswith("CI_"):
        source = "shell"
    elif required:
        source = "required"
    return VariableFacts(
        name,
        tuple(dict.fromkeys(shown)),
        required,
        is_secret_name(name),
        source,
        tuple(dict.fromkeys(replace(r.use, has_default=bool(r.default)) for r in references)),
        set_at,
        example,
        has_default_everywhere,
        source in {"required", "unset"} or (source == "default" and _is_stopgap(name, defaults)),
        description,
    )


def _is_stopgap(name: str, defaults: list[str]) -> bool:
    """Return whether one of *defaults* of the variable *name* is not meant to be used."""
    return any(
        is_placeholder(default) or (is_secret_name(name) and is_credential(name, default))
        for default in defaults
    )


def _env_file(
    project: Project, model: StartModel, path: str, used: set[str], interpolated: set[str]
) -> EnvFileFacts:
    """Return the facts about the env file at *path*.

    *used* are the variables that the Compose files use or pass on, *interpolated* only the former.
    """
    lines = assignments_in(project, path)
    used_inside = {e.name for line in lines for e in expressions(line.value)}
    is_passed_on = any(path in service.env_files for service in model.services.values())
    names = tuple(dict.fromkeys(line.name for line in lines))
    example = existing_example(project, path)
    expected = [line.name for line in assignments_in(project, example)]
    unused = [
        (line.name, Location(path, line.line))
        for line in lines
        if line.name not in used | used_inside and not line.name.startswith(_BUILT_IN)
    ]
    if unused and not is_passed_on:
        commented = _named_in_comments(project)
        unused = [(name, location) for name, location in unused if name not in commented]
    return EnvFileFacts(
        path,
        project.exists(path),
        project.is_tracked(path),
        names,
        () if is_passed_on else tuple(dict.fromkeys(unused)),
        tuple(n for n in names if is_secret_name(n)),
        example,
        tuple(n for n in dict.fromkeys(expected) if n in interpolated and n not in names)
        if project.exists(path)
        else (),
        is_passed_on,
    )


def _named_in_comments(project: Project) -> set[str]:
    """Return the variables in commented-out lines of the Compose files: they may be used again."""
    return {
        match[1]
        for file in project.files.values()
        for line in file.source.text.splitlines()
        if line.lstrip().startswith("#")
        for match in _VARIABLE.finditer(line)
    }
