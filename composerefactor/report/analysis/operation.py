"""The sections about operation: variables, environments, first start, commands and URLs."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.variables import VariableFacts
from composerefactor.analysis.findings import Severity
from composerefactor.compose.ports import in_ranges
from composerefactor.compose.sizes import format_size
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.errors import first_of
from composerefactor.images.environments import PURPOSES
from composerefactor.report.analysis.model import Listing, Row, Section, Table, code, merged
from composerefactor.report.differences import sentences
from composerefactor.report.text import counted

_MOST_COMMANDS = 6
"""With more start commands than this, only the commands of the main one are listed."""


def checklist(analysis: Analysis) -> Section:
    """Return the section with what to do before the project can be started."""
    main = analysis.architecture.main
    lines = tuple(_steps(analysis, main)) if main is not None else ()
    title = "Before the first start"
    parts = (Listing(lines, checks=True),)
    intro = f"For `{main.title}`." if main is not None else ""
    return Section("checklist", title, parts, intro=intro, empty="Nothing to do.")


def _steps(analysis: Analysis, main: InvocationFacts) -> Iterator[str]:
    broken = [
        each.rule
        for each in analysis.findings
        if analysis.rules[each.rule].area == "validity" and each.severity == Severity.HIGH
    ]
    if broken:
        yield f"Fix what Docker Compose rejects: {', '.join(dict.fromkeys(broken))}"
    blocked = [f"{s.name} ({s.status_message})" for s in main.services if s.status == "blocked"]
    if blocked:
        yield f"Fix the services that cannot start: {', '.join(blocked)}"
    yield from _variables_to_set(main)
    yield from _host_requirements(main)
    if main.builds:
        names = ", ".join(build.service for build in main.builds)
        yield f"Build {counted(len(main.builds), 'image')}: {names}"
    backups = [v.name for v in main.volumes if v.backup == "yes"]
    if backups:
        yield f"Plan backups of: {', '.join(backups)}"


def _variables_to_set(main: InvocationFacts) -> Iterator[str]:
    """Yield steps for the variables and env files that are missing."""
    unset = [v.name for v in main.variables if v.source in {"unset", "required"}]
    for facts in main.env_files if unset else ():
        example = f" (see {facts.example})" if facts.example else ""
        yield f"Set in {facts.path}{example}: {', '.join(unset)}"
    stopgaps = [v.name for v in main.variables if v.must_be_set and v.source == "default"]
    if stopgaps:
        yield f"Replace the defaults of: {', '.join(stopgaps)}"
    missing = dict.fromkeys(path for s in main.services for path in s.missing_env_files)
    if missing:
        yield f"Create the env files that services read: {', '.join(missing)}"


def _host_requirements(main: InvocationFacts) -> Iterator[str]:
    """Yield steps for what the host must provide: networks, volumes, ports and memory."""
    for network in main.networks:
        if network.external:
            name = network.full_name or network.name
            yield f"Create the external network: `docker network create {name}`"
    for volume in main.volumes:
        if volume.external:
            name = volume.full_name or volume.name
            yield f"Create the external volume: `docker volume create {name}`"
    certain = [p for p in main.ports if p.published and "-" not in p.published]
    taken = dict.fromkeys(port.published for port in in_ranges(certain))
    if taken:
        yield f"Keep these ports of the host free: {', '.join(taken)}"
    totals = main.totals
    if totals.memory_limit:
        without = len(totals.without_memory)
        more = f", plus memory for {counted(without, 'service')} without a limit" if without else ""
        yield f"Provide {format_size(totals.memory_limit)} of memory for the limits{more}"


def commands(analysis: Analysis) -> Section:
    """Return the section with the everyday commands of each start command, and the URLs."""
    architecture = analysis.architecture
    main = architecture.main
    parts = []
    for entry in architecture.entries if main is not None else ():
        if entry is main or len(architecture.entries) <= _MOST_COMMANDS:
            protected = architecture.project.protected_files.get(entry.invocation.root_file)
            if protected is not None and protected.reader == STACK_DEPLOY:
                files = " ".join(f"-c {path}" for path in entry.invocation.files)
                lines: tuple[str, ...] = (f"{STACK_DEPLOY} {files} NAME",)
            else:
                lines = tuple(_daily(entry, is_main=entry is main))
            parts.append(Listing(lines, f"`{entry.title}`", code=True))
    endpoints = tuple(_endpoints(architecture))
    if endpoints:
        parts.append(Listing(endpoints, "URLs"))
    return Section("commands", "Commands", (*parts, *_readers(analysis)))


_IN_A_SPLIT = {
    "followed": "is edited",
    "fine": "follows",
    "named": "to change by hand",
    "whole": "keeps the file whole",
}


def _readers(analysis: Analysis) -> Iterator[Table]:
    """Yield the table of other programs that read the files; nothing without any."""
    places: dict[tuple[str, str, str], set[int]] = {}
    for each in analysis.readers:
        key = each.title, each.location.path, _IN_A_SPLIT[each.state]
        places.setdefault(key, set()).add(each.location.line)
    if places:
        rows = tuple(
            (title, code(f"{path}:{', '.join(map(str, sorted(lines)))}"), state)
            for (title, path, state), lines in places.items()
        )
        columns = ("Program", "Where", "In a split")
        yield Table(columns, rows, "Other programs that read the files")


def _daily(entry: InvocationFacts, *, is_main: bool) -> Iterator[str]:
    command = command_of(entry)
    yield f"{command} config --quiet  # validate"
    if entry.builds:
        yield f"{command} build"
    yield f"{command} up --detach --wait"
    if is_main:
        yield f"{command} ps"
        yield f"{command} logs --follow"
        yield f"{command} down  # keeps the volumes"
    profiles = dict.fromkeys(name for s in entry.services for name in s.profiles)
    for profile in profiles:
        yield f"{command} --profile {profile} up --detach"


def command_of(entry: InvocationFacts) -> str:
    """Return the ``docker compose`` command of *entry*, run from the project root."""
    invocation = entry.invocation
    words = ["docker compose"]
    if invocation.project_directory is not None:
        words.append(f"--project-directory {invocation.project_directory}")
    words += [f"--env-file {path}" for path in invocation.env_files]
    if not invocation.implicit or invocation.directory != ".":
        words += [f"-f {path}" for path in invocation.files]
    if invocation.project_name:
        words.append(f"-p {invocation.project_name}")
    return " ".join(words)


def _endpoints(architecture: Architecture) -> Iterator[str]:
    seen: dict[str, None] = {}
    main = architecture.main
    for port in in_ranges(main.ports) if main else ():
        if port.protocol == "tcp" and port.published.isdigit():
            scheme = "https" if port.target in {"443", "8443"} else "http"
            host = port.host_ip if port.host_ip and not port.is_open else "localhost"
            service = main.service(port.service) if main else None
            is_web = service is not None and service.counts_as != "data stores"
            where = f"{scheme}://{host}:{port.published}" if is_web else f"{host}:{port.published}"
            seen[f"{port.service}: {where}"] = None
    yield from seen


_MAX_PLACES = 4
_NONE = "-"
_SOURCES = {
    "default": "default",
    "shell": "the shell",
    "required": "MISSING, required",
    "unset": "MISSING, read as empty",
}


_VARIABLE_COLUMNS = (
    "Variable",
    "Default",
    "Required",
    "Secret",
    "Value from",
    "Description",
    "Used by",
)


def variables(architecture: Architecture) -> Section:
    """Return the section with the variables of the Compose files, and their env files."""

    def files(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.env_files:
            yield (
                each.path,
                ("exists, in git" if each.is_tracked else "exists") if each.exists else "missing",
                str(len(each.names)),
                ", ".join(name for name, _ in each.unused) or _NONE,
                ", ".join(each.missing) or _NONE,
                each.example or _NONE,
            )

    users = _users(architecture)

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.variables:
            yield (*_facts(each), first_of([*users[_facts(each)]], _MAX_PLACES))

    columns, variable_rows = merged(architecture, _VARIABLE_COLUMNS, rows)
    file_columns, file_rows = merged(
        architecture,
        ("Env file", "State", "Variables", "Not used by Compose", "Missing", "Example"),
        files,
    )
    parts = (
        Table(columns, tuple(sorted(variable_rows)), spare=frozenset({"Description"})),
        Table(file_columns, tuple(file_rows), "Env files for the variables above"),
    )
    empty = "No variables are used."
    return Section("variables", "Environment variables", parts, empty=empty)


def _facts(each: VariableFacts) -> Row:
    return (
        each.name,
        ", ".join(map(code, each.defaults)) or _NONE,
        "yes" if each.required or each.must_be_set else "no",
        "yes" if each.is_secret else "no",
        _source(each),
        each.description,
    )


def _users(architecture: Architecture) -> dict[Row, dict[str, None]]:
    """Return the places that use each variable, by the cells of its row.

    Start commands in which the facts about a variable are the same share a row.
    """
    places_by_row: dict[Row, dict[str, None]] = {}
    for entry in architecture.entries:
        for each in entry.variables:
            places = places_by_row.setdefault(_facts(each), {})
            for use in each.uses:
                attribute = use.attribute.split(".")[0] if use.service else use.attribute
                place = f"{use.service}.{attribute}" if use.service else attribute
                places[place] = None
    return places_by_row


def _source(each: VariableFacts) -> str:
    if each.set_at is not None:
        return str(each.set_at)
    example = f" (in {each.in_example})" if each.in_example else ""
    replace = ", replace it" if each.source == "default" and each.must_be_set else ""
    return f"{_SOURCES[each.source]}{replace}{example}"


def containers(architecture: Architecture) -> Section:
    """Return the section with the environment variables of each service's container."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for service in entry.services:
            for each in service.variables:
                shown = "from the shell" if each.shown is None else code(each.shown)
                yield service.name, each.name, shown if each.shown != "" else "empty", each.origin

    columns, all_rows = merged(architecture, ("Service", "Variable", "Value", "From"), rows)
    return Section(
        "containers",
        "Container environment",
        (Table(columns, tuple(all_rows)),),
        empty="No service sets environment variables.",
        detail=True,
    )


def environments(architecture: Architecture) -> Section:
    """Return the section about what files are for, and what those with the same services repeat."""
    known = [
        (code(path), PURPOSES[each.kind], each.reason)
        for path, each in architecture.file_environments.items()
    ]
    files = Table(("File", "Is for", "Known from"), tuple(known), "Files by environment")
    parts: list[Table | Listing] = [files] if known else []
    for comparison, repetition in zip(
        architecture.comparisons, architecture.repetitions, strict=True
    ):
        rows = [
            (name, *("yes" if file in of else _NONE for file in comparison.files))
            for name, of in comparison.services.items()
        ]
        parts.append(Table(("Service", *comparison.files), tuple(rows), "Services by file"))
        lines = [architecture.masking.text(line) for line in sentences(comparison, verbose=True)]
        parts.append(Listing(tuple(lines), "Differences"))
        share = 100 * repetition.repeated // max(repetition.lines, 1)
        services = counted(len(repetition.services), "service")
        duplication = (
            f"{services} {'has' if len(repetition.services) == 1 else 'have'} "
            f"{repetition.definitions} definitions in {len(repetition.files)} files; "
            f"{repetition.repeated} of {repetition.lines} lines ({share} %) repeat another file"
        )
        parts.append(Listing((duplication,), "Duplication"))
    return Section(
        "environments",
        "Environment comparison",
        tuple(parts),
        empty="No two root files define the same services.",
    )
