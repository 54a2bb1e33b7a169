"""Secrets that others can read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.dotenv import Assignment
from composerefactor.compose.env_files import assignments_in
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import EXPRESSION_MASK, mask_expressions
from composerefactor.compose.project import Project
from composerefactor.compose.references import referenced_resources
from composerefactor.compose.secret_spans import secret_spans, word_spans
from composerefactor.compose.secrets import (
    is_common_word,
    is_credential,
    is_placeholder,
    is_reference,
    variable_name,
)
from composerefactor.compose.services import Service
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.errors import Location, enumerated
from composerefactor.images.catalog import service_placement


@rule(
    Severity.HIGH,
    "security",
    transform="move-secrets",
    strength="No Compose file contains a credential in plain text.",
)
def plain_text_secret(architecture: Architecture) -> Iterator[Occurrence]:
    """A Compose file contains a credential in plain text.

    Everybody who can read the repository can read it, also in the history. `composerefactor fix
    --unsafe` moves it to `.env`, which stays out of git, or to a secret.
    """
    for literal in architecture.literals:
        where = "in plain text" if literal.is_whole else "in a connection string"
        is_weak = is_common_word(literal.value) or is_placeholder(literal.value)
        yield Occurrence(
            f"{literal.key} of {', '.join(literal.services)} contains a credential {where}",
            literal.file.source.location(literal.node.start),
            literal.services[0],
            f"{literal.key} {','.join(literal.services)}",
            severity=Severity.MEDIUM if is_weak else None,
        )


@rule(
    Severity.MEDIUM,
    "security",
    strength="No Compose file contains a credential in plain text.",
)
def default_secret(architecture: Architecture) -> Iterator[Occurrence]:
    """A credential has a default value in a Compose file.

    If nobody sets the variable, the service runs with a password that everybody can read. With
    `${NAME:?}` the start fails instead.
    """
    for entry in architecture.entries:
        for variable in entry.variables:
            written = [each for each in variable.defaults if not is_reference(each)]
            if not any(is_credential(variable.name, each) for each in written):
                continue
            use = next((use for use in variable.uses if use.has_default), variable.uses[0])
            yield Occurrence(
                f"the credential {variable.name} has a default value in the Compose file",
                use.location,
                use.service or None,
                variable.name,
                f"require a value: ${{{variable.name}:?set it in .env}}{_creating_env(entry)}",
            )


def _creating_env(entry: InvocationFacts) -> str:
    """Return what creates the `.env` of *entry*, if it is missing."""
    return next((each.creation for each in entry.env_files if each.can_be_created), "")


_WORDS = {"healthcheck": "health check"}
_CODE = r"[A-Za-z_][\w.]*(?:\(.*|,)|process\.env[.\[].*"
"""Code of a script in a command, not a text: ``password = os.getenv(...)``."""


@rule(
    Severity.HIGH,
    "security",
    transform="move-secrets",
    strength="No Compose file contains a credential in plain text.",
)
def secret_in_command(architecture: Architecture) -> Iterator[Occurrence]:
    """A command contains a password.

    Everybody who can read the repository can read it, and `docker ps` and `docker inspect` show it
    to everybody on the machine.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            if service_placement(service, entry.catalog).category == "emulator":
                continue  # it accepts any credentials
            for attribute, at in _commands(service):
                words = [item.written or "" for item in at.items]
                literal = [
                    value
                    for value in _secrets(words)
                    if EXPRESSION_MASK not in value
                    and "$" not in value
                    and not re.fullmatch(_CODE, value)
                ]
                if literal:
                    yield Occurrence(
                        f"the {_WORDS.get(attribute, attribute)} of {service.name} contains a "
                        "password",
                        at.location,
                        service.name,
                        attribute,
                        "use a variable that .env sets, or a secret",
                        Severity.MEDIUM if all(map(is_common_word, literal)) else None,
                    )


def _secrets(words: list[str]) -> Iterator[str]:
    """Yield the secrets in the *words* of a command, of which one may be a whole command.

    Defaults of variables do not count; they are findings of default-secret.
    """
    hidden = [mask_expressions(word) for word in words]
    yield from (hidden[n][start:end] for n, start, end in word_spans(hidden))
    for word in hidden:
        yield from (word[start:end] for start, end in secret_spans(word))


def _commands(service: Service) -> Iterator[tuple[str, LocatedNode]]:
    """Yield the attributes of *service* that are commands."""
    for attribute, command in (("entrypoint", service.entrypoint), ("command", service.command)):
        if command is not None:
            yield attribute, command.at
    check = service.healthcheck
    if check is not None and (test := check.at.below("test")) is not None:
        yield "healthcheck", test


_REMEDIES = {
    "secrets": "write `file: ./secrets/{name}.txt` or `environment: {variable}` for `external: "
    "true`, and let a secret manager write that file or set that variable before the start",
    "configs": "write `file: ./{name}` for `external: true`, or the text itself (`content:`)",
}
"""What to do instead, by the section of what only a Swarm has."""


@rule(Severity.HIGH, "validity")
def external_secret(architecture: Architecture) -> Iterator[Occurrence]:
    """A service uses a secret or config that only Docker Swarm has.

    With `external: true`, a secret or config is one that a Swarm keeps. Docker Compose has none of
    these: `docker compose up` stops (v5.6.1: "unsupported external secret"), although `docker
    compose config` accepts it.
    """
    protected = architecture.project.protected_files.values()
    if any(each.reader == STACK_DEPLOY for each in protected):
        return
    for entry in architecture.certain:
        for service in entry.model.services.values():
            used = {
                reference for d in service.definitions for reference in referenced_resources(d.body)
            }
            for section, name in sorted(used):
                resource = entry.model.resources(section).get(name)
                if section in _REMEDIES and resource is not None and resource.external:
                    noun = SECTION_NOUNS[section]
                    yield Occurrence(
                        f"{service.name} uses the external {noun} {name}, which Docker Compose "
                        "does not support: it does not start",
                        resource.location,
                        service.name,
                        f"{section}.{name}",
                        _REMEDIES[section].format(name=name, variable=variable_name(name)),
                    )


_EXAMPLE = frozenset({"dist", "example", "sample", "template"})
"""Words in the names of env files that are there to be copied."""


@rule(Severity.HIGH, "security")
def committed_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """An env file with credentials is in git.

    What git has once recorded stays in its history, and in every clone.
    """
    seen: set[str] = set()
    for entry in architecture.entries:
        of_services = (path for s in entry.services for path in s.env_files)
        of_command = {facts.path for facts in entry.env_files}
        for path in dict.fromkeys([*of_command, *of_services]):
            is_example = _EXAMPLE.intersection(name_words(path.rpartition("/")[2]))
            if path in seen or is_example or not architecture.project.is_tracked(path):
                continue
            seen.add(path)
            found = _credentials(architecture.project, path)
            if not found:
                continue
            names = enumerated(dict.fromkeys(each.name for each in found), _MOST_NAMED)
            noun, pronoun = ("credential", "it") if len(found) == 1 else ("credentials", "them")
            yield Occurrence(
                f"{path} is tracked by git and contains the {noun} {names}",
                Location(path, found[0].line),
                None,
                path,
                f"run git rm --cached {path}, ignore the file, and change {pronoun}",
                Severity.MEDIUM if all(is_common_word(each.value) for each in found) else None,
            )


_MOST_NAMED = 4
"""More credentials of a file are counted, not named."""


def _credentials(project: Project, path: str) -> list[Assignment]:
    """Return the assignments of literal credentials in the env file *path*."""
    return [
        assignment
        for assignment in assignments_in(project, path)
        if "$" not in assignment.value
        and is_credential(assignment.name, assignment.value)
        and not is_placeholder(assignment.value)
    ]
