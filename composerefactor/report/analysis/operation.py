"""What to do with a project: before the first start, and the commands of every day."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.facts.architecture import Architecture, EntryArchitecture
from composerefactor.analysis.facts.variables import VariableFacts
from composerefactor.analysis.findings import Severity
from composerefactor.errors import first_of
from composerefactor.images.memory import shown
from composerefactor.report.analysis.model import Listing, Row, Section, Table, code, merged
from composerefactor.report.plan_json import sentences
from composerefactor.report.text import counted

_MOST_COMMANDS = 6
"""Of more entry points only the main one is spelt out."""


def checklist(analysis: Analysis) -> Section:
    """Return what has to be there before the project can be started."""
    main = analysis.architecture.main
    lines = tuple(_before(analysis, main)) if main is not None else ()
    title = "Before the first start"
    parts = (Listing(lines, checks=True),)
    intro = f"For `{main.title}`." if main is not None else ""
    return Section("checklist", title, parts, intro=intro, empty="Nothing is needed.")


def _before(analysis: Analysis, main: EntryArchitecture) -> Iterator[str]:
    broken = [
        each.rule
        for each in analysis.findings
        if analysis.rules[each.rule].area == "validity" and each.severity == Severity.HIGH
    ]
    if broken:
        yield f"Mend what Docker Compose rejects: {', '.join(dict.fromkeys(broken))}"
    blocked = [f"{s.name} ({s.status_words})" for s in main.services if s.status == "blocked"]
    if blocked:
        yield f"Mend what cannot start: {', '.join(blocked)}"
    yield from _settings(main)
    yield from _outside(main)
    if main.builds:
        names = ", ".join(build.service for build in main.builds)
        yield f"Build {counted(len(main.builds), 'image')}: {names}"
    backups = [v.name for v in main.volumes if v.backup == "yes"]
    if backups:
        yield f"Plan a backup of: {', '.join(backups)}"


def _settings(main: EntryArchitecture) -> Iterator[str]:
    """Yield the variables and env files that somebody has to write."""
    needed = [v.name for v in main.variables if v.source in {"unset", "required"}]
    for facts in main.env_files if needed else ():
        sample = f" (see {facts.example})" if facts.example else ""
        yield f"Set in {facts.path}{sample}: {', '.join(needed)}"
    secrets = [v.name for v in main.variables if v.is_secret and v.source == "default"]
    if secrets:
        yield f"Set secrets of your own instead of the defaults: {', '.join(secrets)}"
    missing = dict.fromkeys(path for s in main.services for path in s.missing_env_files)
    if missing:
        yield f"Create the env files that services read: {', '.join(missing)}"


def _outside(main: EntryArchitecture) -> Iterator[str]:
    """Yield what the host has to have."""
    for network in main.networks:
        if network.external:
            name = network.full_name or network.name
            yield f"Create the external network: `docker network create {name}`"
    for volume in main.volumes:
        if volume.external:
            name = volume.full_name or volume.name
            yield f"Create the external volume: `docker volume create {name}`"
    taken = dict.fromkeys(p.published for p in main.ports if p.published and "-" not in p.published)
    if taken:
        yield f"Keep these ports of the host free: {', '.join(taken)}"
    totals = main.totals
    if totals.memory_limit:
        without = len(totals.without_memory)
        more = f", and what {counted(without, 'service')} without a limit take" if without else ""
        yield f"Have {shown(totals.memory_limit)} of memory for the limits{more}"


def commands(analysis: Analysis) -> Section:
    """Return the commands of every day for each entry point, and where it can be reached."""
    architecture = analysis.architecture
    main = architecture.main
    parts = []
    for entry in architecture.entries if main is not None else ():
        if entry is main or len(architecture.entries) <= _MOST_COMMANDS:
            lines = tuple(_daily(entry, is_main=entry is main))
            parts.append(Listing(lines, f"`{entry.title}`", code=True))
    endpoints = tuple(_endpoints(architecture))
    if endpoints:
        parts.append(Listing(endpoints, "Where it can be reached"))
    return Section("commands", "Commands", tuple(parts))


def _daily(entry: EntryArchitecture, *, is_main: bool) -> Iterator[str]:
    command = command_of(entry)
    yield f"{command} config --quiet        # validate"
    if entry.builds:
        yield f"{command} build"
    yield f"{command} up --detach --wait"
    if is_main:
        yield f"{command} ps"
        yield f"{command} logs --follow"
        yield f"{command} down                 # keeps the volumes"
    profiles = dict.fromkeys(name for s in entry.services for name in s.profiles)
    for profile in profiles:
        yield f"{command} --profile {profile} up --detach"


def command_of(entry: EntryArchitecture) -> str:
    """Return the ``docker compose`` command of *entry*, run from the project's root."""
    found = entry.entry
    words = ["docker compose"]
    if found.project_directory is not None:
        words.append(f"--project-directory {found.project_directory}")
    words += [f"--env-file {path}" for path in found.env_files]
    if not found.implicit or found.directory != ".":
        words += [f"-f {path}" for path in found.files]
    if found.project_name:
        words.append(f"-p {found.project_name}")
    return " ".join(words)


def _endpoints(architecture: Architecture) -> Iterator[str]:
    seen: dict[str, None] = {}
    main = architecture.main
    for port in main.ports if main else ():
        if port.protocol == "tcp" and port.published.isdigit():
            scheme = "https" if port.target in {"443", "8443"} else "http"
            host = port.host_ip if port.host_ip and not port.is_open else "localhost"
            service = main.service(port.service) if main else None
            is_web = service is not None and service.counts_as != "data stores"
            where = f"{scheme}://{host}:{port.published}" if is_web else f"{host}:{port.published}"
            seen[f"{port.service}: {where}"] = None
    yield from seen


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
    return first_of([*places], _MOST)


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
