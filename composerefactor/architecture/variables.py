"""The variables that Compose puts into the files, and where their values come from."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from composerefactor.architecture.redaction import Redaction
from composerefactor.compose.envfile import Assignment, assignments
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.interpolate import expressions
from composerefactor.compose.project import Project, project_directory
from composerefactor.credentials.envfiles import EXAMPLES
from composerefactor.errors import Location
from composerefactor.topology.stack import Stack
from composerefactor.verify.masking import is_secret_name
from composerefactor.yamltree.nodes import Scalar
from composerefactor.yamltree.path import paths

Source = Literal["env file", "default", "shell", "required", "unset"]

_BUILT_IN = ("COMPOSE_", "DOCKER_", "BUILDKIT_")
_SHELL = frozenset({"PWD", "HOME", "USER", "UID", "GID", "HOSTNAME", "PATH", "SHELL", "LOGNAME"})
_SET_BY_CI = frozenset({"CI", "GITHUB_SHA", "GITHUB_REF", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"})


class VariableUse(Struct, frozen=True):
    """A place at which a variable is used: *service* is ``""`` outside of services."""

    service: str
    attribute: str
    location: Location


class VariableFacts(Struct, frozen=True):
    """A variable of the files of an entry point.

    *defaults* are the defaults written for it, without secrets; *required* is True where a place
    demands it. *source* says what gives it a value: an env file (*set_at*), a default in every
    place, the ``shell`` where it is one of the system's own, nothing although it is ``required``,
    or nothing at all (the engine warns and takes an empty text). *in_example* names the example
    file that has it.
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

    @property
    def services(self) -> tuple[str, ...]:
        """The services that use it."""
        return tuple(dict.fromkeys(use.service for use in self.uses if use.service))


class EnvFileFacts(Struct, frozen=True):
    """An env file that gives variables to the files: *path*, whether it is there and in git.

    *unused* are the variables in it that the files do not use, *example* is the file that shows
    what it needs, and *missing* are the variables of that which it lacks. *is_passed_on* is True
    where a service gets all of it.
    """

    path: str
    is_there: bool
    is_tracked: bool
    names: tuple[str, ...]
    unused: tuple[tuple[str, Location], ...]
    secrets: tuple[str, ...]
    example: str = ""
    missing: tuple[str, ...] = ()
    is_passed_on: bool = False


class _Found(Struct, frozen=True):
    name: str
    default: str | None
    required: bool
    use: VariableUse


def variable_facts(
    project: Project, stack: Stack, redaction: Redaction
) -> tuple[tuple[VariableFacts, ...], tuple[EnvFileFacts, ...]]:
    """Return the variables of *stack* in alphabetical order, and its env files."""
    groups: dict[str, list[_Found]] = {}
    for file in stack.files:
        for found in _in_file(file):
            groups.setdefault(found.name, []).append(found)
    env_files = tuple(_env_file_paths(stack))
    known: dict[str, Location] = {}
    for path in env_files:
        for each in _assigned(project, path):
            known[each.name] = Location(path, each.line)
    examples = {
        each.name: sample
        for path in env_files
        if (sample := _example(project, path))
        for each in _assigned(project, sample)
    }
    facts = tuple(
        _facts(name, found, known.get(name), examples.get(name, ""), redaction)
        for name, found in sorted(groups.items())
    )
    passed = {
        setting.name
        for service in stack.services.values()
        for setting in service.settings.values()
        if setting.value is None
    }
    used = {*groups, *passed}
    return facts, tuple(_env_file(project, stack, path, used, set(groups)) for path in env_files)


def _in_file(file: ComposeFile) -> Iterator[_Found]:
    for where, node in paths(file.root):
        if not isinstance(node, Scalar) or "$" not in node.value:
            continue
        words = [str(part) for part in where if isinstance(part, str)]
        in_service = len(words) > 1 and words[0] == "services"
        service = words[1] if in_service else ""
        attribute = ".".join(words[2:4] if in_service else words[:2])
        use = VariableUse(service, attribute, file.source.location(node.start))
        for each in expressions(node.value):
            variable = each.variable
            default = variable.default
            if each.operator in {"+", ":+"}:
                default = ""
            yield _Found(each.name, default, variable.required, use)


def _facts(
    name: str, found: list[_Found], set_at: Location | None, sample: str, redaction: Redaction
) -> VariableFacts:
    secret = is_secret_name(name)
    defaults = [f.default for f in found if f.default is not None]
    shown = [redaction.named(name, text) for text in dict.fromkeys(defaults) if text]
    everywhere = all(f.default is not None for f in found)
    required = any(f.required for f in found)
    source: Source = "unset"
    if set_at is not None:
        source = "env file"
    elif everywhere:
        source = "default"
    elif name in _SHELL | _SET_BY_CI or name.startswith("CI_"):
        source = "shell"
    elif required:
        source = "required"
    return VariableFacts(
        name,
        tuple(dict.fromkeys(shown)),
        required,
        secret,
        source,
        tuple(dict.fromkeys(f.use for f in found)),
        set_at,
        sample,
        everywhere,
    )


def _env_file_paths(stack: Stack) -> Iterator[str]:
    directory = project_directory(stack.entry)
    given = stack.entry.env_files or (posixpath.join(directory, ".env"),)
    yield from dict.fromkeys(posixpath.normpath(path) for path in given)


def _env_file(
    project: Project, stack: Stack, path: str, used: set[str], interpolated: set[str]
) -> EnvFileFacts:
    lines = _assigned(project, path)
    inner = {e.name for each in lines for e in expressions(each.value)}
    passed_on = any(path in service.env_files for service in stack.services.values())
    names = tuple(dict.fromkeys(each.name for each in lines))
    sample = _example(project, path)
    expected = [each.name for each in _assigned(project, sample)] if sample else []
    unused = [
        (each.name, Location(path, each.line))
        for each in lines
        if each.name not in used | inner and not each.name.startswith(_BUILT_IN)
    ]
    return EnvFileFacts(
        path,
        project.exists(path),
        project.is_tracked(path),
        names,
        () if passed_on else tuple(dict.fromkeys(unused)),
        tuple(n for n in names if is_secret_name(n)),
        sample,
        tuple(n for n in dict.fromkeys(expected) if n in interpolated and n not in names)
        if project.exists(path)
        else (),
        passed_on,
    )


def _example(project: Project, path: str) -> str:
    directory, name = posixpath.split(path)
    places = (posixpath.join(directory, form.format(name)) for form in EXAMPLES)
    return next((place for place in places if project.exists(place)), "")


def _assigned(project: Project, path: str) -> tuple[Assignment, ...]:
    if project.read is None or path.startswith(("/", "~")) or not project.exists(path):
        return ()
    return assignments(project.read(path).decode("utf-8", "replace"))
