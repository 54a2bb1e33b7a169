"""What to do with a project: before the first start, and the commands of every day."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.additions.memory import shown
from composerefactor.analysis.analysis import Analysis
from composerefactor.architecture.architecture import Architecture, EntryArchitecture
from composerefactor.findings.severity import Severity
from composerefactor.report.rows import counted
from composerefactor.report.sections import Listing, Section

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
