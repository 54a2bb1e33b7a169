"""Move credentials in plain text from Compose files to `.env`, or to secrets.

Passwords, tokens and keys in `environment` and build arguments, and passwords in connection URLs,
are replaced by `${NAME:?set it in .env}`. The values move to `.env`, their names to `.env.example`.
Every place of a password moves with it, also in commands, health checks, labels and as the default
of a variable (`${DB_PASSWORD:-secret}`). The resolved configuration stays equal. A password of a
database server and of the services that log in to it becomes one variable. `.env` stays out of git:
`.gitignore` gets a line for it if needed, and nothing is written to a `.env` that git tracks. For
commands with `--env-file` the variables go to that file. Some changes are only a guess: those of
files for tests or that a CI pipeline starts, which may run without an env file; a value in files
for development that says itself that it is no secret; a value that an env file of a service, a
Dockerfile or another file of the project contains as well; and an `.env` that exists in a project
without a `.gitignore`, where it may be committed on purpose.

With `to=secrets` a credential that can be read from a file becomes a secret instead: by the image
catalog, or for an image of the project that starts as root, if a source in its build context reads
`NAME_FILE` without the line break at its end, or an entry script has `file_env NAME`. A secret
manager can write that file before the start. The others still move to `.env`; the plan says which
program would have to read which variable.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.dependencies import connected
from composerefactor.compose.dotenv import assignment
from composerefactor.compose.env_files import (
    env_files,
    example_file,
    services_reading,
    values_in_env_files,
    variable_names_in,
)
from composerefactor.compose.project import Project
from composerefactor.compose.secret_spans import password_spans, secret_spans
from composerefactor.compose.secrets import is_common, is_credential, is_mixed
from composerefactor.compose.services import StartModel, start_models
from composerefactor.discovery.command_files import is_pipeline
from composerefactor.edit.operations import AddLines, Edit, Replace
from composerefactor.errors import Location, enumerated
from composerefactor.images.credentials import LiteralCredential, literal_credentials
from composerefactor.images.environments import environment_of, short_lived_reason
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._secrets import (
    Credential,
    FileSecret,
    VariableNames,
    as_file_secret,
    client_without,
    file_readers,
    gitignore_edit,
    group_credentials,
    is_for_tests,
    reason_not_to_write,
    secret_edits,
    secret_effects,
    with_all_places,
)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    to: str = option(
        "env",
        help="Where credentials go: variables in .env, or secrets if the image reads files.",
        choices=("env", "secrets"),
    )


@fixer(
    Options,
    after=("add-missing-services",),
    unsafe=True,
    purpose="security",
    cause="a password is in a file that goes into git",
)
def move_secrets(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change, or a refusal, for each credential; those in one value change together."""
    models = start_models(project)
    literals = [
        each
        for each in literal_credentials(models, with_defaults=True)
        if not project.foreign_reason(each.file.path)
    ]
    credentials = [*with_all_places(project, models, group_credentials(project, literals))]
    if options.to == "secrets":
        readers = file_readers(project, (each for c in credentials for each in c.literals))
        found = (as_file_secret(project, each, readers) for each in credentials)
        secrets = [each for each in found if each is not None]
        for group in connected(secrets, lambda secret: secret.credential.services):
            yield _as_secrets(project, group, readers)
        credentials = [c for c in credentials if c not in {s.credential for s in secrets}]
    yield from _to_env_files(project, models, credentials, options)


def _as_secrets(
    project: Project, secrets: list[FileSecret], readers: Mapping[str, list[str]]
) -> Change:
    """Return the change that makes secrets with files of *secrets*, which *readers* read."""
    literals = [each for secret in secrets for each in secret.credential.literals]
    sources = dict.fromkeys(path for each in literals for path in readers.get(each.key, ())[:1])
    verb = "reads" if len(sources) < 2 else "read"  # noqa: PLR2004 - singular and plural
    names = enumerated([_subject(secret.credential) for secret in secrets])
    noun = "a secret" if len(secrets) == 1 else "secrets"
    return Change(
        title=f"Move {names} to {enumerated([secret.path for secret in secrets])} as {noun}",
        location=_location([secret.credential for secret in secrets]),
        edits=list(secret_edits(project, secrets)),
        effects=list(dict.fromkeys(secret_effects(secrets))),
        evidence=f"{enumerated(sources or ('the image',))} {verb} it from a file",
        details=["A secret manager can write the file before the start."],
    )


def _to_env_files(
    project: Project, models: list[StartModel], credentials: list[Credential], options: Options
) -> Iterator[Change | Refusal]:
    """Yield the changes that move *credentials* to env files, and refusals."""
    paths = env_files(project, {path for c in credentials for path in c.files})
    refused = {path: why for path in paths if (why := reason_not_to_write(project, path))}
    names = VariableNames(project, models, values_in_env_files(project, paths), credentials)
    unlikely = {c.value for c in credentials if is_mixed(c.value) and not is_common(c.value)}
    mover = _Mover(project, models, project.files_with(unlikely), options.to == "secrets")
    reported: set[str] = set()
    # One edit replaces a text with several credentials.
    by_text = connected(credentials, lambda c: {id(literal.node) for literal in c.literals})
    for group in by_text:
        needed = env_files(project, {path for each in group for path in each.files})
        bad = [path for path in needed if path in refused]
        if bad:
            if bad[0] not in reported:
                reported.add(bad[0])
                reason, remedy = refused[bad[0]]
                yield Refusal(f"credentials are not moved: {reason}", _location(group), remedy)
            continue
        if any(assignment("X", each.value) is None for each in group):
            reason = f"{_subject(group[0])} contains characters that an env file cannot contain"
            yield Refusal(reason, _location(group), "write it to a file, and use that as a secret")
            continue
        for each in group:
            each.variable = names.name(each)
        yield mover.change(group, needed)


class _Mover(Struct, frozen=True):
    """Makes the changes that move credentials of *project* to env files.

    *places* are the settings and sources that contain a value. With *explains*, the user wants
    secrets, and is told why a credential is none.
    """

    project: Project
    models: list[StartModel]
    places: Mapping[str, list[str]]
    explains: bool = False

    def change(self, group: list[Credential], needed: list[str]) -> Change:
        """Return the change that moves *group* to the env files in *needed*."""
        edits: list[Edit] = [*_replacements(group)]
        effects = [
            Effect(place, "changes", resolved=not literal.default_of and bool(variable))
            for each in group
            for variable in [next((o.default_of for o in each.literals if o.default_of), "")]
            for literal in each.literals
            for place in _changed_places(literal)
        ]
        notes = [
            f"whoever sets {each.variable} today changes one place of it only"
            for each in group
            if len({literal.default_of for literal in each.literals}) > 1
        ]
        notes += dict.fromkeys(
            f"no secret, since {name} is not known to read {literal.key}_FILE"
            for each in group
            for literal in each.literals
            if self.explains and literal.is_whole
            for use in literal.uses
            for name in [use.service]
            if use.model.services[name].build is not None
        )
        for path in needed:
            edits += self.lines(group, path)
            for each in group:
                also = sorted(
                    {
                        name
                        for name, service in services_reading(self.models, path)
                        if each.variable not in service.pairs("environment")
                    }
                )
                effects += [
                    Effect(("services", name, "environment", each.variable), "adds")
                    for name in also
                ]
                if also:
                    verb = "reads" if len(also) == 1 else "read"
                    notes.append(f"{enumerated(also)} {verb} all of {path}, also this variable")
        doubts = [*self.doubts(group, needed)]
        left = self.project.unsearched() if any(c.value in self.places for c in group) else 0
        if left:
            notes.append(f"not searched in {left} of the project's files")
        return Change(
            title=f"Move {' and '.join(_subject(c) for c in group)} to {enumerated(needed)}",
            location=_location(group),
            edits=edits,
            effects=list(dict.fromkeys(effects)),
            evidence="; ".join(dict.fromkeys([*doubts, *notes])),
            confidence="guess" if doubts else "likely" if left else "verified",
            variables={each.variable: each.value for each in group},
        )

    def doubts(self, group: list[Credential], needed: list[str]) -> Iterator[str]:
        """Yield why the owner may not want the credentials of *group* in the files *needed*."""
        files = sorted({path for each in group for path in each.files})
        reasons = [why for path in files if (why := short_lived_reason(self.project, path))]
        environments = (environment_of(self.project, path) for path in files)
        is_production = any(each and each.kind == "production" for each in environments)
        if all(is_for_tests(self.project, each.literals[0]) for each in group):
            yield f"{reasons[0]}, and may run without an env file"
        elif reasons and not is_production and not any(each.looks_generated for each in group):
            yield f"{reasons[0]}, and the value is a placeholder"
        for each in group:
            others = [path for path in _env_files_with(self.models, each) if path not in needed]
            moved = {*self.project.files, *needed}
            others += [path for path in self.places.get(each.value, ()) if path not in moved]
            if others:
                yield f"{others[0]} contains it as well, and is not changed"
            if client := client_without(each):
                yield f"{client} logs in with it, and has it from elsewhere"
        if pipeline := _pipeline(self.project, set(files)):
            yield f"{pipeline} starts it without {needed[0]}"
        for path in needed:
            is_default = posixpath.basename(path) == ".env" and self.project.exists(path)
            if is_default and not self.project.exists(".gitignore"):
                yield f"nothing keeps {path} out of git, where it may be on purpose"

    def lines(self, group: list[Credential], path: str) -> Iterator[Edit]:
        """Yield the edits for *group* of the env file *path*, its example, and ``.gitignore``."""
        present = variable_names_in(self.project, path)
        sample = example_file(self.project, path, self.models)
        listed = variable_names_in(self.project, sample) if sample else set()
        for each in group:
            if each.variable not in present:
                line = assignment(each.variable, each.value)
                yield AddLines(path, f"{line}\n", private=True)
            if sample and each.variable not in listed:
                yield AddLines(sample, f"{each.variable}=\n")
        if (ignored := gitignore_edit(self.project, path)) is not None:
            yield ignored


def _pipeline(project: Project, files: set[str]) -> str:
    """Return where a CI pipeline starts one of *files* with no env file of its own, or ``""``."""
    for entry in project.readable:
        if files & project.files_of[entry] and not entry.env_files:
            for each in entry.evidence:
                if is_pipeline(each.path):
                    return f"{each.path}:{each.line}"
    return ""


def _env_files_with(models: list[StartModel], credential: Credential) -> Iterator[str]:
    """Yield the env files of services that contain the value of *credential* as a secret."""
    for model in models:
        for service in model.services.values():
            for name, setting in service.settings.items():
                path = setting.location.path
                if path not in service.env_files or not setting.value:
                    continue
                spans = [*secret_spans(setting.value), *password_spans(setting.value)]
                texts = {setting.value[start:end] for start, end in spans}
                is_whole = is_credential(name, setting.value) and setting.value == credential.value
                if is_whole or credential.value in texts:
                    yield path


def _replacements(group: list[Credential]) -> Iterator[Replace]:
    """Yield one edit for each text that contains a credential of *group*."""
    by_node: dict[int, list[tuple[LiteralCredential, str]]] = {}
    for each in group:
        for literal in each.literals:
            by_node.setdefault(id(literal.node), []).append((literal, each.variable))
    for pairs in by_node.values():
        pairs.sort(key=lambda pair: -pair[0].start)
        literal = pairs[0][0]
        text = literal.node.value
        for part, variable in pairs:
            text = f"{text[: part.start]}${{{variable}:?set it in .env}}{text[part.end :]}"
        yield Replace(literal.file.path, literal.path, text)


def _changed_places(literal: LiteralCredential) -> Iterator[tuple[str, ...]]:
    """Yield the places in the resolved configuration with *literal*, and that of a shared block."""
    yield from dict.fromkeys(use.place for use in literal.uses)
    if literal.path[0] != "services":
        yield tuple(map(str, literal.path))


def _subject(credential: Credential) -> str:
    first = credential.literals[0]
    name = first.key if first.is_whole else credential.variable or first.key
    return f"{name} of {enumerated(credential.services)}"


def _location(group: list[Credential]) -> Location:
    first = group[0].literals[0]
    return first.file.source.location(first.node.start)
