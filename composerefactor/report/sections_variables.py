"""The sections on variables, and on how the environments of a project differ."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.architecture.architecture import Architecture, EntryArchitecture
from composerefactor.architecture.variables import VariableFacts
from composerefactor.report.differences import sentences
from composerefactor.report.merging import Row, merged
from composerefactor.report.sections import Listing, Section, Table, code
from composerefactor.wording import some

_MOST = 4
_NONE = "-"
_SOURCES = {
    "default": "default",
    "shell": "the shell",
    "required": "MISSING, and required",
    "unset": "MISSING, taken as empty",
}


def variables(architecture: Architecture) -> Section:
    """Return the variables of the files, and the env files that give them values."""

    def files(entry: EntryArchitecture) -> Iterator[Row]:
        for each in entry.env_files:
            yield (
                each.path,
                ("there, in git" if each.is_tracked else "there") if each.is_there else "not here",
                str(len(each.names)),
                ", ".join(name for name, _ in each.unused) or _NONE,
                ", ".join(each.missing) or _NONE,
                each.example or _NONE,
            )

    users = _users(architecture)

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
        for each in entry.variables:
            yield (*_facts(each), _shown(users[_facts(each)]))

    found = merged(
        architecture, ("Variable", "Default", "Required", "Secret", "Value from", "Used by"), rows
    )
    env = merged(
        architecture,
        ("Env file", "State", "Variables", "Not used by Compose", "Lacks", "Example"),
        files,
    )
    parts = (
        Table(found[0], tuple(sorted(found[1]))),
        Table(env[0], tuple(env[1]), "Env files for the variables above"),
    )
    empty = "No variable is used."
    return Section("variables", "Environment variables", parts, empty=empty)


def _facts(each: VariableFacts) -> Row:
    return (
        each.name,
        ", ".join(map(code, each.defaults)) or _NONE,
        "yes" if each.required else "no",
        "yes" if each.is_secret else "no",
        _source(each),
    )


def _users(architecture: Architecture) -> dict[Row, dict[str, None]]:
    """Return who uses the variables, in all entry points in which the facts on one are the same."""
    found: dict[Row, dict[str, None]] = {}
    for entry in architecture.entries:
        for each in entry.variables:
            places = found.setdefault(_facts(each), {})
            for use in each.uses:
                attribute = use.attribute.split(".")[0] if use.service else use.attribute
                place = f"{use.service}.{attribute}" if use.service else attribute
                places[place] = None
    return found


def _shown(places: dict[str, None]) -> str:
    return some([*places], _MOST)


def _source(each: VariableFacts) -> str:
    if each.set_at is not None:
        return str(each.set_at)
    example = f" (in {each.in_example})" if each.in_example else ""
    return _SOURCES[each.source] + example


def containers(architecture: Architecture) -> Section:
    """Return the variables that each service's container gets."""

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
        for service in entry.services:
            for each in service.variables:
                shown = "from the shell" if each.shown is None else code(each.shown)
                yield service.name, each.name, shown if each.shown != "" else "empty", each.origin

    columns, found = merged(architecture, ("Service", "Variable", "Value", "From"), rows)
    return Section(
        "containers",
        "Variables of the containers",
        (Table(columns, tuple(found)),),
        empty="No container gets a variable.",
        detail=True,
    )


def environments(architecture: Architecture) -> Section:
    """Return how files that define the same services differ, and how much they repeat."""
    parts: list[Table | Listing] = []
    for comparison, repetition in zip(
        architecture.comparisons, architecture.repetitions, strict=True
    ):
        rows = [
            (name, *("yes" if file in of else _NONE for file in comparison.files))
            for name, of in comparison.services.items()
        ]
        parts.append(Table(("Service", *comparison.files), tuple(rows), "Which file has what"))
        lines = [architecture.redaction.text(line) for line in sentences(comparison, verbose=True)]
        parts.append(Listing(tuple(lines), "What differs"))
        share = 100 * repetition.repeated // max(repetition.lines, 1)
        words = (
            f"{len(repetition.services)} services are defined {repetition.definitions} times in "
            f"{len(repetition.files)} files; {repetition.repeated} of {repetition.lines} lines "
            f"({share} %) repeat another file"
        )
        parts.append(Listing((words,), "Duplication"))
    return Section(
        "environments",
        "Environments compared",
        tuple(parts),
        empty="No two base files define the same services.",
    )
