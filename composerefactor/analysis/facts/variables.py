"""The variables that Compose puts into the files, and where their values come from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

from msgspec import Struct

from composerefactor.compose.dotenv import Assignment, assignments
from composerefactor.compose.env_files import EXAMPLES
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.interpolation import expand, expressions
from composerefactor.compose.merge_keys import item_nodes, scalar_text
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.secrets import (
    MASK,
    is_common_word,
    is_credential,
    is_secret_name,
    mask_text,
    passwords,
)
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.credentials import LiteralCredential
from composerefactor.yaml.nodes import ScalarNode, paths, walk

_SHORTEST = 4
_HARMLESS = re.compile(
    r"true|false|yes|no|on|off|none|null|[0-9]{1,5}|[0-9]+(?:ms|[smhd])"
    r"|[a-z][a-z0-9+.-]*://[\w.-]+(?::[0-9]+)?/?",
    re.IGNORECASE,
)
"""Values that say nothing, whatever they are called: switches, ports, times, addresses."""
_PASSWORD_OPTION = re.compile(
    r"(?P<option>(?<!\S)(?:-a|-p|--pass|--password|--requirepass|--masterauth|-P)[\s=]+|(?<!\S)-p(?=\S))"
    r"(?P<value>(?![0-9]+(?:\s|$)|\d+:)(?:\"[^\"]*\"|'[^']*'|\S+))"
)
_SHELL_DEFAULT = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*):?[=?+](?P<value>[^{}]+)\}")
"""What the engine takes for no default, and people do."""

_COMMAND_SECRET = re.compile(
    r"(?:--?(?:requirepass|masterauth|pass(?:word)?|auth|token|secret|api-?key)(?:[=\s]+))"
    r"[\"']?(?P<value>[^\s\"'$]+)",
    re.IGNORECASE,
)


class Redaction:
    """Masks every secret that the text of a project gives away.

    Known are the values of variables with secret names, in Compose files, env files and defaults,
    passwords in connection URLs, and arguments of options for passwords. Words that are as common
    as ``postgres`` are masked only where their name or place says that they are secret.
    """

    def __init__(self, models: Iterable[StartModel], known: Iterable[LiteralCredential]) -> None:
        """Prepare for the reports on *models*, in the files of which *known* are credentials."""
        self._stacks = tuple(models)
        self._known = tuple(known)
        self._shown: dict[str, str] = {}

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        secrets = (*(each.value for each in self._known), *_secrets(self._stacks))
        found = {value.strip("\"' ") for value in secrets}
        names = _names(self._stacks)
        masked = sorted(
            (
                value
                for value in found
                if len(value) >= _SHORTEST
                and not _HARMLESS.fullmatch(value)
                and not is_common_word(value)
                and not any(value in name for name in names)
            ),
            key=len,
            reverse=True,
        )
        if not masked:
            return None
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, masked))})(?!\w)")

    def text(self, text: str) -> str:
        """Return *text*, a value or a command of a file, without secrets."""
        if text not in self._shown:  # services and entry points have many values in common
            without = _PASSWORD_OPTION.sub(_without_value, text) if "-" in text else text
            self._shown[text] = mask_text(self.words(without))
        return self._shown[text]

    def words(self, text: str) -> str:
        """Return *text*, a sentence about the project, without the secrets that are known."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def named(self, name: str, value: str) -> str:
        """Return the *value* of a variable called *name*, or a mask."""
        return MASK if _is_secret(name, value) else self.text(value)


def _without_value(match: re.Match[str]) -> str:
    is_variable = match["value"].lstrip("\"'").startswith("$")
    return match[0] if is_variable else match["option"] + MASK


def _secrets(models: tuple[StartModel, ...]) -> Iterator[str]:
    files = {id(file): file for model in models for file in model.files}
    for file in files.values():
        for node in walk(file.root):
            if isinstance(node, ScalarNode):
                yield from _defaults(node.value)
                yield from (node.value[start:end] for start, end in passwords(node.value))
    for model in models:
        for name, value in model.variables.items():
            yield from _of_pair(name, value)
        for service in model.services.values():
            yield from _of_service(model, service)


def _of_service(model: StartModel, service: Service) -> Iterator[str]:
    for name, setting in service.settings.items():
        value = setting.value or ""
        for text in {value, expand(value, model.variables)}:
            yield from _of_pair(name, text)
    for attribute in ("command", "entrypoint"):
        for found in service.values(attribute):
            words = " ".join(scalar_text(item) or "" for item in item_nodes(found.node))
            yield from (match["value"] for match in _COMMAND_SECRET.finditer(words))


def _is_secret(name: str, value: str) -> bool:
    """Return whether *value*, given to the variable *name*, is a secret, or may well be one."""
    if is_credential(name, value):
        return True
    return bool(value) and is_secret_name(name) and not _HARMLESS.fullmatch(value)


def _names(models: tuple[StartModel, ...]) -> set[str]:
    """Return the names that a report on *models* is full of."""
    found: set[str] = set()
    for model in models:
        found.update(model.services, *(model.declared(section) for section in RESOURCE_SECTIONS))
        for service in model.services.values():
            found.update(re.split(r"[/:@]", service.text("image") or ""))
            found.add(service.text("container_name") or "")
    return found


def _of_pair(name: str, value: str) -> Iterator[str]:
    if _is_secret(name, value):
        yield value
    yield from (value[start:end] for start, end in passwords(value))


def _defaults(text: str) -> Iterator[str]:
    if "$" not in text:
        return
    for each in expressions(text):
        if each.argument and each.operator.endswith("-") and _is_secret(each.name, each.argument):
            yield each.argument
    for match in _SHELL_DEFAULT.finditer(text):
        if _is_secret(match["name"], match["value"]):
            yield match["value"]


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
    project: Project, model: StartModel, redaction: Redaction
) -> tuple[tuple[VariableFacts, ...], tuple[EnvFileFacts, ...]]:
    """Return the variables of *model* in alphabetical order, and its env files."""
    groups: dict[str, list[_Found]] = {}
    for file in model.files:
        for found in _in_file(file):
            groups.setdefault(found.name, []).append(found)
    env_files = tuple(_env_file_paths(model))
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
        for service in model.services.values()
        for setting in service.settings.values()
        if setting.value is None
    }
    used = {*groups, *passed}
    return facts, tuple(_env_file(project, model, path, used, set(groups)) for path in env_files)


def _in_file(file: ComposeFile) -> Iterator[_Found]:
    for where, node in paths(file.root):
        if not isinstance(node, ScalarNode) or "$" not in node.value:
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


def _env_file_paths(model: StartModel) -> Iterator[str]:
    directory = project_directory(model.entry)
    given = model.entry.env_files or (posixpath.join(directory, ".env"),)
    yield from dict.fromkeys(posixpath.normpath(path) for path in given)


def _env_file(
    project: Project, model: StartModel, path: str, used: set[str], interpolated: set[str]
) -> EnvFileFacts:
    lines = _assigned(project, path)
    inner = {e.name for each in lines for e in expressions(each.value)}
    passed_on = any(path in service.env_files for service in model.services.values())
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
