"""The env files of the environments: which start command reads one, and what is in it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote

from composerefactor.compose.dotenv import assignment
from composerefactor.compose.env_files import existing_example
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import SET_BY_SHELL, Expression, expressions
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_model
from composerefactor.edit.operations import WriteFile
from composerefactor.errors import enumerated
from composerefactor.images.environments import environment_of
from composerefactor.refactoring.contract import Change
from composerefactor.refactoring.modules.naming import Family
from composerefactor.transforms._development import (
    EnvironmentValues,
    default_of,
    values_by_environment,
)
from composerefactor.yaml.nodes import ScalarNode


def environment_paths(file: ComposeFile) -> dict[str, str]:
    """Return the paths of the files beside *file* that separate its environments."""
    family, directory = Family.of(file.path), posixpath.dirname(file.path)
    kinds = ("override", "production", "staging")
    return {kind: posixpath.join(directory, family.file(kind)) for kind in kinds}


def file_options(files: Iterable[str]) -> list[str]:
    """Return the options with which Docker Compose reads *files*."""
    return [f"-f {quote(path)}" for path in files]


def env_file_options(project: Project, file: ComposeFile, kind: str) -> list[str]:
    """Return the options that read the env file for *kind* beside *file*, after its `.env`."""
    dotenv = posixpath.join(posixpath.dirname(file.path), ".env")
    found = project.exists(dotenv) or existing_example(project, dotenv)
    needs_values = any(
        each.variable.default is None and each.operator in {"", "?", ":?"}
        for each in expressions_in(file)
    )
    paths = [dotenv, f"{dotenv}.{kind}"] if found or needs_values else [f"{dotenv}.{kind}"]
    return [f"--env-file {quote(path)}" for path in paths]


def env_files(project: Project, *, with_staging: bool) -> Iterator[Change]:
    """Yield the change that writes an env file for each environment, with what differs there.

    That for staging is left out if not *with_staging*.
    """
    entry = next(
        (e for e in project.readable if e.implicit or kind_of_command(project, e) == "development"),
        None,
    )
    if entry is None or kind_of_command(project, entry) == "test":
        return
    file = project.files[entry.files[0]]
    dotenv = posixpath.join(posixpath.dirname(file.path), ".env")
    values = _differing_values(start_model(project, entry))
    has_values = any(each.production is not None for each in values.values())
    has_staging = with_staging and any(e.staging != e.production for e in values.values())
    kinds = ["development", *(["staging"] if has_staging else []), "production"]
    if not has_values or any(project.exists(f"{dotenv}.{kind}") for kind in kinds):
        return
    production = production_files(project, file)
    staging = environment_paths(file)["staging"]
    files = {
        "development": () if entry.implicit else entry.files,
        "staging": (*production, staging) if project.exists(staging) else production,
        "production": production,
    }
    edits = [
        WriteFile(
            f"{dotenv}.{kind}",
            _text(kind, values, env_file_options(project, file, kind) + file_options(files[kind])),
        )
        for kind in kinds
    ]
    yield Change(
        f"Write {enumerated([edit.file for edit in edits])} with what differs",
        file.location_of("services"),
        edits,
        evidence=f"{enumerated(list(values))}: the values are conventions; "
        "the programs that read them decide",
        confidence="guess",
    )


def kind_of_command(project: Project, entry: Invocation) -> str:
    """Return the environment of the last file of *entry*, ``""`` if it is unknown."""
    environment = environment_of(project, entry.files[-1])
    return environment.kind if environment is not None else ""


def production_files(project: Project, file: ComposeFile) -> Sequence[str]:
    """Return the files with which production starts; none if they are those of `docker compose`."""
    entries = [
        entry for entry in project.readable if kind_of_command(project, entry) == "production"
    ]
    if entries:
        entry = max(entries, key=lambda each: len(each.files))
        return () if entry.implicit else entry.files
    production = environment_paths(file)["production"]
    if project.exists(production):
        return (file.path, production)
    is_separated = project.exists(environment_paths(file)["override"])
    return (file.path,) if is_separated else ()


def _differing_values(model: StartModel) -> dict[str, EnvironmentValues]:
    """Return the values of the variables of *model* that differ by environment, by name."""
    values: dict[str, EnvironmentValues] = {}
    for file in model.files:
        for place, node in file.paths:
            is_of_program = "environment" in place or (place and str(place[0]).startswith("x-"))
            if not isinstance(node, ScalarNode) or not is_of_program:
                continue
            name, text = str(place[-1]), node.value
            if not isinstance(place[-1], str):
                name, _, text = text.partition("=")
            variable = default_of(text)
            if variable is not None and variable.name not in values:
                value = model.variables.get(variable.name) or variable.default or ""
                each = values_by_environment(variable.name, value) or values_by_environment(
                    name, value
                )
                if each:
                    values[variable.name] = each
    return values


def _text(kind: str, values: Mapping[str, EnvironmentValues], options: Sequence[str]) -> str:
    """Return the text of the env file for *kind*, which *options* read."""
    lines = [f"# {kind.capitalize()}: docker compose {' '.join(options)} up -d"]
    addresses = []
    for name, each in values.items():
        value = getattr(each, kind)
        if value is None:
            addresses.append(f"# {name}=")
        else:
            lines.append(assignment(name, value) or "")
    if addresses:
        lines += ["", "# Without a value, these are addresses of this machine:", *addresses]
    return "".join(f"{line}\n" for line in lines)


def expressions_in(file: ComposeFile) -> Iterator[Expression]:
    """Yield the expressions in *file* whose variables the user sets."""
    for _, node in file.paths:
        for each in expressions(node.value) if isinstance(node, ScalarNode) else ():
            if each.name not in SET_BY_SHELL:
                yield each
