"""The sections about operation: variables, environments, first start, commands, URLs, recovery."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterator

from msgspec.structs import replace

from composerefactor.analysis.analysis import REJECTED, Analysis
from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.observability import observers, scrapes
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.setup import BOTS, fillings, first_logins, updates
from composerefactor.analysis.facts.upkeep import (
    BackupAdvice,
    HostNeeds,
    StartTime,
    Stop,
    health_times,
    host_needs,
    ready_time,
    recoveries,
    start_times,
    stops,
)
from composerefactor.analysis.facts.variables import CREATE_ENV, VariableFacts
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import expand
from composerefactor.compose.masking import MASK
from composerefactor.compose.ports import in_ranges
from composerefactor.compose.project import Project
from composerefactor.compose.sizes import GIB, seconds
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.errors import first_of
from composerefactor.images.entries import confidence
from composerefactor.images.environments import NAMES, PURPOSES
from composerefactor.images.health.usage import urls_of
from composerefactor.images.observability import program_of
from composerefactor.refactoring.modules.naming import kind_in, name_in_path
from composerefactor.report.analysis.model import Row, Section, Table, TextBlock, code, merged
from composerefactor.report.differences import sentences
from composerefactor.report.text import counted, fix_command
from composerefactor.transforms._random_secrets import FIRST_START, is_chosen

_MOST_COMMANDS = 6
"""With more start commands than this, only the commands of the main one are listed."""


def checklist(analysis: Analysis) -> Section:
    """Return the section with what to do before the project is started, and to look at after."""
    main = analysis.architecture.main
    title, empty = "Checklists", "Nothing to do."
    if main is None:
        return Section("checklist", title, empty=empty)
    parts = (
        TextBlock(tuple(_before(analysis, main)), "Before the first start", checks=True),
        TextBlock(
            tuple(_after_first(analysis.architecture, main)), "After the first start", checks=True
        ),
        TextBlock(
            tuple(_after(analysis.architecture.project, main)), "After each start", checks=True
        ),
    )
    return Section("checklist", title, parts, f"For `{main.title}`.", empty)


def _before(analysis: Analysis, main: InvocationFacts) -> Iterator[str]:
    yield from _to_fix_first(analysis, main)
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


_STOPS = frozenset({"missing-password"})
"""Rules with findings of a lower severity for which a service may not start."""


def _to_fix_first(analysis: Analysis, main: InvocationFacts) -> Iterator[str]:
    """Yield what keeps Docker Compose or a service of *main* from starting or working.

    That are the high findings in its files, except of security: a sentence for each rule.
    """
    paths = {file.path for file in main.model.files}
    by_rule: dict[str, list[Finding]] = {}
    for each in analysis.findings:
        is_high = each.severity == Severity.HIGH and analysis.rules[each.rule].area != "security"
        is_of_main = each.location.path in paths
        if each.rule == REJECTED.id:
            is_of_main = each.subject == main.title
        if is_of_main and (is_high or each.rule in _STOPS):
            by_rule.setdefault(each.rule, []).append(each)
    if len(by_rule) > 1:  # another finding says what Docker Compose stops at
        by_rule.pop(REJECTED.id, None)
    for rule, found in by_rule.items():
        more = f" (and {len(found) - 1} more, {rule})" if len(found) > 1 else f" ({rule})"
        yield f"Fix: {found[0].message}{more}"


def _after_first(architecture: Architecture, main: InvocationFacts) -> Iterator[str]:
    """Yield how the first users of *main* log in, and what creates users and sample data."""
    command = command_of(main)
    for login in first_logins(main):
        name, user = login.service.name, login.user
        port = _web_port(login.service, str(user.port))
        if not port:
            continue
        url = f"http{'s' * (user.port == _HTTPS_OF_PORTAINER)}://localhost:{port}"
        if login.variables:
            is_named = any(re.search(r"USER|ADMIN$|EMAIL", each) for each in login.variables)
            known = "" if is_named or not user.default else f" as {user.default.partition(',')[0]}"
            yield f"Log in to {name} at {url}{known} with {', '.join(login.variables)}"
        elif user.command:
            yield f"Log in to {name} at {url}: `{command} exec {name} {user.command}`"
        elif user.default:
            yield f"Log in to {name} at {url} as {user.default}, and change it"
        else:
            yield f"Create the first user of {name} at {url}, before somebody else does"
    for each in fillings(architecture.project, main):
        if each.profile:
            each_command = f"{command} --profile {each.profile} run --rm {each.service}"
            yield f"Fill in data with {each.service}: `{each_command}`"
        elif not each.command:
            yield f"{each.service} has filled in data: `{command} logs {each.service}`"
        else:
            run = f"{command} exec {each.service} {each.command}" if each.service else each.command
            yield f"Create users or data where the image contains the program: `{run}`"


_HTTPS_OF_PORTAINER = 9443


def _after(project: Project, main: InvocationFacts) -> Iterator[str]:
    """Yield what shows that all services of *main* work."""
    command = command_of(main)
    running = [each.name for each in main.running if not each.profiles]
    if not running:
        return
    checks = (main.health_of(name) for name in running)
    checked = sum(check is not None and check.is_checked for check in checks)
    healthy = f", {checked} of them as healthy" if checked else ""
    yield f"`{command} ps` shows {counted(len(running), 'service')} as running{healthy}"
    ending = [each.name for each in main.services if each.one_off and not each.profiles]
    if ending:
        yield f"`{command} ps --all` shows `Exited (0)` for {', '.join(ending)}"
    yield "Each command by service (Troubleshooting) answers, as fast as users expect it"
    yield f"`{command} logs --since 10m 2>&1 | grep -iE 'error|fatal'` finds nothing new"
    is_limited = any(each.memory_limit for each in main.resources)
    most = "below the limits" if is_limited else "that leaves the host enough"
    yield f"`docker stats --no-stream` shows a use of memory {most}"
    for each in observers(project, main):
        if each.name == "prometheus" and (port := _web_port(each.service)):
            name = each.service.name
            yield f"http://localhost:{port}/targets shows all targets of {name} as up"
    yield "Or test a copy: `composerefactor analyze --smoke-test smoke.sh` writes the script"


def _variables_to_set(main: InvocationFacts) -> Iterator[str]:
    """Yield steps for the variables and env files that are missing."""
    unset = [v.name for v in main.variables if v.source in {"unset", "required"}]
    stopgaps = [v.name for v in main.variables if v.must_be_set and v.source == "default"]
    missing = dict.fromkeys(path for s in main.services for path in s.missing_env_files)
    for facts in main.env_files:
        if facts.can_be_created and (unset or stopgaps or facts.path in missing):
            command = f"`{CREATE_ENV} {FIRST_START}`"
            yield (
                f"Create {facts.path} with random secrets: {command}; without `--set` if services "
                "have run already"
            )
            random = {v.name for v in main.variables if v.is_secret and is_chosen(v.name, ())}
            stopgaps = [name for name in stopgaps if name not in random]
    for facts in main.env_files if unset else ():
        example = f" (see {facts.example})" if facts.example else ""
        yield f"Set in {facts.path}{example}: {', '.join(unset)}"
    if stopgaps:
        yield f"Replace the defaults that remain of: {', '.join(stopgaps)}"
    if missing:
        yield f"Create the env files that services read: {', '.join(missing)}"


def _host_requirements(main: InvocationFacts) -> Iterator[str]:
    """Yield steps for what the host must provide: Docker, networks, ports, memory, disk space."""
    yield "Start Docker: `docker info` shows the server"
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
    least, comfortable = host_needs(main)
    if least.memory:
        yield (
            f"Provide {_host(least)}, better {_host(comfortable)} (see Resources for what is "
            "assumed)"
        )
    pulled = {each.image for each in main.services if each.build is None and each.image}
    data = sum(each.kind == "volume" for each in main.volumes)
    parts = [(len(pulled), "image"), (len(main.builds), "build"), (data, "volume")]
    counts = ", ".join(counted(number, noun) for number, noun in parts if number)
    if counts:
        yield f"Provide disk space for {counts}: `docker system df` shows what is used"


def _host(needs: HostNeeds) -> str:
    """Return the memory, in whole GB, and the CPUs of *needs*."""
    return f"{math.ceil(needs.memory / GIB)} GB of memory and {counted(needs.cpus, 'CPU')}"


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
            parts.append(TextBlock(lines, f"`{entry.title}`", code=True))
    if tests := tuple(_tests(architecture)):
        parts.append(TextBlock(tests, "Tests", code=True))
    if main is not None:
        parts.append(TextBlock(tuple(_upkeep(main)), "Maintenance", code=True))
        title = "After a change of a mounted configuration"
        parts.append(TextBlock(tuple(_reloads(main)), title, code=True))
        parts += _updates(analysis)
    endpoints = tuple(_endpoints(architecture))
    if endpoints:
        parts.append(TextBlock(endpoints, "URLs"))
    intro = ""
    if main is not None and 1 < len(architecture.entries) <= _MOST_COMMANDS:
        alike = "`pull`, `build`, `ps`, `logs` and `down`"
        intro = f"For the other start commands, {alike} are as for `{main.title}`."
    return Section("commands", "Commands", (*parts, *_readers(analysis)), intro)


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
    """Yield the commands of *entry*; if it is not the main one, those that start it."""
    command = command_of(entry)
    is_optional = all(service.profiles for service in entry.services)
    if is_main:
        yield f"{command} config --quiet  # validate"
        yield from _pull(command, entry)
    if is_main and entry.builds and not is_optional:
        yield f"{command} build"
    if not is_optional:
        yield f"{command} up --detach --wait"
    if is_main:
        yield f"{command} ps"
        yield f"{command} logs --follow"
        yield f"{command} stop  # keeps the containers; kills what has not stopped in time"
        yield f"{command} down  # keeps the volumes"
    profiles = dict.fromkeys(name for s in entry.services for name in s.profiles)
    build = " --build" if entry.builds else ""
    for profile in profiles:
        yield f"{command} --profile {profile} up{build} --detach"


def _updates(analysis: Analysis) -> Iterator[TextBlock]:
    """Yield who proposes new versions of images, or the settings with which Dependabot does."""
    found = updates(analysis.architecture.project, analysis.architecture.entries)
    if found is None:
        return
    bots = {each.title: each.location.path for each in analysis.readers if each.title in BOTS}
    bots |= {found.name: found.path} if found.name else {}
    if bots:
        proposed = tuple(f"{name} proposes them ({path})." for name, path in bots.items())
        yield TextBlock(proposed, "New versions of images")
        return
    lines = [] if found.path else ["version: 2", "updates:"]
    lines.append("  # Directories are from the root of the repository.")
    for ecosystem, directories in found.missing.items():
        where = ", ".join(f'"{each}"' for each in directories)
        lines += [
            f"  - package-ecosystem: {ecosystem}",
            f"    directories: [{where}]",
            "    schedule: {interval: weekly}",
        ]
    target = f"with this in {found.path}" if found.path else "with .github/dependabot.yml"
    title = f"New versions of images: Dependabot proposes them, {target}"
    yield TextBlock(tuple(lines), title, code=True)


def _tests(architecture: Architecture) -> Iterator[str]:
    """Yield the command that runs each service that tests the others, with its exit code.

    The first container that ends stops all with ``up``, so others must not end by themselves.
    """
    known: set[str] = set()
    for entry in sorted(architecture.entries, key=_test_files, reverse=True):
        found = [each for each in entry.services if _runs_tests(entry, each)]
        for service in found:
            if service.name in known:
                continue
            known.add(service.name)
            profiles = "".join(f" --profile {name}" for name in service.profiles[:1])
            command = f"{command_of(entry)}{profiles}"
            if len(found) > 1 or any(each.one_off for each in entry.services if each != service):
                yield f"{command} run --rm {service.name}"
                continue
            build = " --build" if entry.builds else ""
            exits = f"--abort-on-container-exit --exit-code-from {service.name}"
            yield f"{command} up{build} {exits}"


def _test_files(entry: InvocationFacts) -> int:
    """Return how many files *entry* has if the last one is for tests, else 0."""
    files = entry.invocation.files
    return len(files) if kind_in(name_in_path(files[-1])) == "test" else 0


_TEST_COMMAND = (
    r"(?:^|&&|[;|]|\s(?:-c|-m|run|exec|npx|--))\s*(?:(?:npm|pnpm|yarn|bun)(?:\s+run)?\s+(?:test|e2e)(?::[\w:-]+)?|pytest|jest|vitest"
    r"|mocha|phpunit|rspec|tox|nox|(?:go|cargo|dotnet|mvn|gradle|playwright|mix|make)\s+test"
    r"|manage\.py\s+test|cypress\s+run|newman\s+run)(?![\w./-])"
)
_ECHO = r"\becho\b[^\n]*"
_TEST_NAMES = frozenset({"cypress", "e2e", "playwright", "sut", "test", "tests"})
"""Words in the name of a service that tests others; Docker Hub runs the service ``sut``."""


def _runs_tests(entry: InvocationFacts, service: ServiceFacts) -> bool:
    """Return whether *service* of *entry* tests the others and ends."""
    model = entry.model.services[service.name]
    words = [word for each in (model.entrypoint, model.command) if each for word in each.value]
    if re.search(_TEST_COMMAND, re.sub(_ECHO, "", " ".join(words))):
        return True
    if service.build is not None and service.build.target in NAMES["test"]:
        return True
    is_named = not _TEST_NAMES.isdisjoint(name_words(service.name))
    return is_named and service.counts_as == "applications" and not service.ports


def _pull(command: str, entry: InvocationFacts, comment: str = "") -> Iterator[str]:
    if any(each.build is None and each.image for each in entry.services):
        yield f"{command} pull{' --ignore-buildable' if entry.builds else ''}{comment}"


def _upkeep(main: InvocationFacts) -> Iterator[str]:
    """Yield the commands for the maintenance of *main*."""
    command = command_of(main)
    yield f"{command} logs --since 168h 2>&1 | grep -iE 'error|fatal'  # each week"
    yield from _pull(command, main, "  # each month: corrections of images")
    if main.builds:
        yield f"{command} build --pull"
    yield f"{command} up --detach --wait"
    scan = "xargs -n 1 docker scout cves --only-severity critical,high"
    yield f"{command} config --images | sort -u | {scan}  # each month, or: xargs -n 1 trivy image"
    yield "docker system df --verbose  # the size of images, containers and volumes"
    yield "docker image prune  # removes images that an update has replaced"


def _reloads(main: InvocationFacts) -> Iterator[str]:
    """Yield how each program reads the configuration that is mounted into it again."""
    command = command_of(main)
    for service in main.services:
        known = program_of(service.image) if service.image and service.build is None else None
        reload = known[1].reload if known is not None else None
        is_mounted = any(
            mount.kind == "bind" and mount.target.startswith("/etc") for mount in service.mounts
        )
        if reload is None or not (is_mounted or main.model.services[service.name].configs):
            continue
        if reload.signal:
            yield f"{command} kill --signal {reload.signal} {service.name}"
        else:
            yield f"{command} exec {service.name} {reload.command}"


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
            is_web = is_web and port.target not in _WITHOUT_PAGES
            where = f"{scheme}://{host}:{port.published}" if is_web else f"{host}:{port.published}"
            seen[f"{port.service}: {where}"] = None
    yield from seen


_WITHOUT_PAGES = frozenset(
    {
        *("21", "22", "25", "53", "389", "465", "514", "587", "636", "993", "1025", "1883", "2525"),
        *("5044", "5671", "5672", "6379", "8883", "9092", "9229"),
    }
)
"""Ports of protocols other than HTTP (IANA), and of the debugger of Node.js."""

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
            if not (each.exists or entry.variables):
                continue
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
        Table(columns, tuple(sorted(variable_rows))),
        Table(file_columns, tuple(file_rows), "Env files for the variables above"),
    )
    empty = "No variables are used."
    return Section("variables", "Environment variables", parts, empty=empty)


def _facts(each: VariableFacts) -> Row:
    return (
        each.name,
        ", ".join(map(code, each.defaults)) or _NONE,
        "yes" if each.required or each.must_be_set else _NONE,
        "yes" if each.is_secret else _NONE,
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
                origin = each.origin if each.origin != "environment" else _NONE
                yield service.name, each.name, shown if each.shown != "" else "empty", origin

    columns, all_rows = merged(architecture, ("Service", "Variable", "Value", "From"), rows)
    has_files = any(row[3] != _NONE for row in all_rows)
    return Section(
        "containers",
        "Container environment",
        (Table(columns, tuple(all_rows)),),
        "Set in the Compose file if From does not name another one." if has_files else "",
        empty="No service sets environment variables.",
    )


def environments(architecture: Architecture) -> Section:
    """Return the section about what files are for, and what those with the same services repeat."""
    known = [
        (code(path), PURPOSES[each.kind], each.reason)
        for path, each in architecture.file_environments.items()
    ]
    files = Table(("File", "Is for", "Known from"), tuple(known), "Files by environment")
    parts: list[Table | TextBlock] = [files] if known else []
    for comparison, repetition in zip(
        architecture.comparisons, architecture.repetitions, strict=True
    ):
        rows = [
            (name, *("yes" if file in of else _NONE for file in comparison.files))
            for name, of in comparison.services.items()
        ]
        parts.append(Table(("Service", *comparison.files), tuple(rows), "Services by file"))
        lines = [architecture.masking.text(line) for line in sentences(comparison, verbose=True)]
        parts.append(TextBlock(tuple(lines), "Differences"))
        share = 100 * repetition.repeated // max(repetition.lines, 1)
        services = counted(len(repetition.services), "service")
        duplication = (
            f"{services} {'has' if len(repetition.services) == 1 else 'have'} "
            f"{repetition.definitions} definitions in {len(repetition.files)} files; "
            f"{repetition.repeated} of {repetition.lines} lines ({share} %) repeat another file"
        )
        parts.append(TextBlock((duplication,), "Duplication"))
    return Section(
        "environments",
        "Environment comparison",
        tuple(parts),
        empty="No two root files define the same services.",
    )


def startup(analysis: Analysis) -> Section:
    """Return the section with the time until each service starts, and how all are stopped."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in start_times(entry):
            health = entry.health_of(each.service)
            is_checked = health is not None and health.is_checked
            ready = _NONE
            if health is not None and is_checked:
                first, last = health_times(health)
                ready = _time(
                    replace(each, earliest=each.earliest + first, latest=each.latest + last)
                )
            if each.latest or each.tasks or is_checked:
                yield each.service, _time(each), ready, " -> ".join(each.path) or _NONE

    def longest(entry: InvocationFacts) -> Iterator[Row]:
        whole = ready_time(entry)
        if whole is not None:
            yield _time(whole), " -> ".join(whole.path)

    columns, all_rows = merged(
        analysis.architecture, ("Service", "Starts after", "Ready after", "Waits for"), rows
    )
    whole_columns, whole = merged(
        analysis.architecture, ("All ready after", "Longest path"), longest
    )
    intro = (
        "From the health checks along the longest path: if each passes at its first try, and at "
        "its last. Pulling and building images and the work of one-off services come on top."
    )
    empty = (
        "No service has a health check: all start at once, and nothing shows when they are ready."
    )

    parts = (
        Table(columns, tuple(all_rows)),
        Table(whole_columns, tuple(whole), "Until `up --wait` ends"),
        *_stopping(analysis.architecture),
    )
    title = "Expected start-up time and stop"
    return Section("startup", title, parts, intro if all_rows else empty, empty)


def _stopping(architecture: Architecture) -> Iterator[TextBlock | Table]:
    """Yield the order in which the services of the main start command stop, and what is special."""
    main = architecture.main
    steps = stops(architecture.project, main) if main is not None else []
    if not steps:
        return
    names = [first_of([each.service for each in step], _MAX_PLACES) for step in steps]
    order = (
        f"Order of `{command_of(main)} stop`: {', then '.join(names)}."
        if main is not None and len(names) > 1
        else "No service waits for another one: all get the signal at once."
    )
    end = "Each gets its stop signal, and is killed if it still runs after 10 s"
    yield TextBlock((order, f"{end}, or after the time in `stop_grace_period`."), "Stop")
    rows = tuple(
        (each.service, each.signal or _NONE, each.period or _PERIOD, _at_stop(each))
        for step in steps
        for each in step
        if each.is_notable
    )
    yield Table(("Service", "Signal", "Killed after", "What it means"), rows, "Services to look at")


_PERIOD = "10 s"


def _at_stop(stop: Stop) -> str:
    """Return what *stop* means to the service, in the words of a cell."""
    if stop.lost is not None:
        return f"{stop.lost.program or 'its loop'} gets no signal (lost-stop-signal)"
    if stop.need is not None and (seconds(stop.period) or 0.0) < (seconds(stop.need.time) or 0.0):
        is_guess = confidence(stop.need.verified) == "guess"
        text = "may write to disk for longer" if is_guess else f"may need {stop.need.time}"
        return text if stop.period else f"{text} (add-stop-grace-period)"
    if stop.script:
        return f"{stop.script} has to handle the signal; without a handler it needs init: true"
    return _NONE


def _time(time: StartTime) -> str:
    tasks = ", ".join(time.tasks)
    if not time.latest:
        return f"the end of {tasks}" if tasks else "0 s"
    text = f"{time.earliest:g} s"
    if time.latest > time.earliest:
        text += f" to {time.latest:g} s"
    return text + (f", plus {tasks}" if tasks else "")


def recovery(analysis: Analysis) -> Section:
    """Return the section with the commands that back up and restore each volume.

    Volumes that only other start commands than the main one have follow, except those of files for
    development and tests.
    """
    architecture, main = analysis.architecture, analysis.architecture.main
    others = (each for each in architecture.entries if each is not main)
    parts: list[Table | TextBlock] = []
    titles: list[str] = []
    done: set[str] = set()
    for entry in (*((main,) if main is not None else ()), *others):
        if entry is not main and any(map(architecture.is_short_lived, entry.model.entry.files)):
            continue
        found = [each for each in recoveries(entry) if each.name not in done]
        if found:
            where = f" of `{entry.title}`" if titles else ""
            parts += _dumps(entry, [each for each in found if each.dump is not None], where)
            files = [each for each in found if each.dump is None]
            is_first = not any(isinstance(part, Table) for part in parts)
            parts += _archives(entry, files, where, is_first=is_first) if files else ()
            done.update(each.name for each in found)
            titles.append(entry.title)
    intro = f"For `{titles[0]}`. What changes after the last backup is lost." if titles else ""
    empty = "No volume contains data that is worth a backup."
    return Section("recovery", "Backup and restore", tuple(parts), intro, empty)


def _dumps(entry: InvocationFacts, found: list[BackupAdvice], where: str) -> Iterator[TextBlock]:
    """Yield the commands for the databases *found* of *entry*; captions name it by *where*."""
    command = command_of(entry)
    for number, each in enumerate(found):
        if each.dump is None:
            continue
        name, suffix = each.service, each.dump.suffix
        save = f"{command} exec -T {name} sh -c '{each.dump.save}'"
        lines = (
            f"{save} > {name}.{suffix}",
            f"{command} exec -T {name} sh -c '{each.dump.load}' < {name}.{suffix}",
            f"0 3 * * * cd /path/to/project && {save} > {name}-$(date +\\%u).{suffix}",
        )
        title = f"{each.name}{where}: back up, restore, each night by crontab"
        yield TextBlock(lines, title, code=True)
        service = entry.service(name)
        from_files = service is not None and any(
            variable.name.endswith("_FILE") for variable in service.variables
        )
        if number or where or from_files:
            continue
        test = (
            "ENV=$(mktemp)    # not in the project, since it gets the passwords",
            f"{command} exec -T {name} env > $ENV",
            f"IMAGE=$(docker inspect --format '{{{{.Config.Image}}}}' $({command} ps -q {name}))",
            "docker run --detach --rm --name restore-test --env-file $ENV $IMAGE",
            "docker logs --follow restore-test    # stop with Ctrl+C when it is ready",
            f"docker exec -i restore-test sh -c '{each.dump.load}' < {name}.{suffix}",
            "docker rm --force --volumes restore-test; rm $ENV",
        )
        title = f"{each.name}: test of a restore, in a container of its own"
        yield TextBlock(test, title, code=True)


def _archives(
    entry: InvocationFacts, found: list[BackupAdvice], where: str, *, is_first: bool
) -> Iterator[Table | TextBlock]:
    """Yield the volumes *found* of *entry*, and the commands that copy their files.

    Those of another start command than the first one differ only in how it is called.
    """
    command = command_of(entry)
    rows = tuple((each.name, each.service, each.target, each.content) for each in found)
    yield Table(("Volume", "Service", "Path", "Content"), rows, f"Volumes{where} to copy as files")
    if not is_first:
        yield TextBlock((f"As above, with `{command}`.",))
        return
    run = (
        f'docker run --rm --volumes-from "$({command} ps -aq $SERVICE | head -n 1)" '
        '-v "$PWD":/backup busybox tar'
    )
    shared = (
        "SERVICE=... TARGET=...    # from the table",
        "FILE=$SERVICE$(echo $TARGET | tr / -).tar.gz",
        f"{command} stop $SERVICE",
        f"{run} czf /backup/$FILE $TARGET    # back up",
        f"{run} xzf /backup/$FILE -C /    # restore",
        f"{command} start $SERVICE",
        f"{command} ps $SERVICE    # is it healthy again?",
        "tar tzf $FILE > /dev/null && echo readable    # test each new archive",
    )
    yield TextBlock(shared, "Each of them", code=True)


_CHECKS = {
    "postgres": "sh -c 'pg_isready -U \"${POSTGRES_USER:-postgres}\"'",
    "mysql": "sh -c 'mysqladmin -uroot -p\"$MYSQL_ROOT_PASSWORD\" processlist'",
    "mariadb": "sh -c 'mariadb-admin -uroot -p\"$MARIADB_ROOT_PASSWORD\" processlist'",
    "mongo": "mongosh --quiet --eval 'db.serverStatus().connections'",
    "redis": "redis-cli info",
    "valkey": "valkey-cli info",
    "rabbitmq": "rabbitmq-diagnostics status",
    "nginx": "nginx -t",
    "elasticsearch": "curl -s 'http://localhost:9200/_cluster/health?pretty'",
}
"""By the last part of the repository of an image: the command that shows how its server is."""


def troubleshooting(analysis: Analysis) -> Section:
    """Return the section with the commands to find out what is wrong with each service."""
    main = analysis.architecture.main
    if main is None:
        return Section("troubleshooting", "Troubleshooting")
    command = command_of(main)
    state = "{{.State.Status}} exit {{.State.ExitCode}} out of memory {{.State.OOMKilled}}"
    each = (
        "SERVICE=...    # one of those below",
        f"{command} logs --tail 100 $SERVICE",
        f"docker inspect --format '{state}' $({command} ps -aq $SERVICE)",
        f"docker inspect --format '{{{{json .State.Health}}}}' $({command} ps -aq $SERVICE)",
        f"docker stats --no-stream $({command} ps -q $SERVICE)",
        f"{command} restart $SERVICE    # the same container again",
    )
    title = "Each service: log, state, results of its health check, use of CPU and memory"
    daemon = (
        "docker info    # if this fails as well, start Docker Desktop, or on Linux:",
        "sudo systemctl start docker",
    )
    parts = [TextBlock(daemon, "Cannot connect to the Docker daemon", code=True)]
    if any(port.published for port in main.ports):
        holder = (
            "PORT=...    # the one in the message",
            "docker ps --filter publish=$PORT    # a container that holds it",
            'sudo ss -ltnp "sport = :$PORT"    # any program; on macOS: lsof -nP -iTCP:$PORT',
        )
        is_variable = any(port.written for port in main.ports)
        change = "set its variable in .env" if is_variable else "change it in the file"
        title_of_port = f"Port is already allocated: who holds it? Or {change}"
        parts.append(TextBlock(holder, title_of_port, code=True))
    parts.append(TextBlock(each, title, code=True))
    if main.builds:
        build = (f"{command} build --progress plain $SERVICE",)
        parts.append(TextBlock(build, "An image does not build", code=True))
    if main.edges:
        container = f'"container:$({command} ps -q $SERVICE | head -n 1)"'
        reach = (
            "SERVICE=... OTHER=...    # one that connects, and one that it connects to",
            f"docker run --rm --network {container} busybox ping -c 1 $OTHER",
        )
        parts.append(TextBlock(reach, "Does a service reach another one?", code=True))
    if main.volumes:
        volumes_from = f'--volumes-from "$({command} ps -aq $SERVICE | head -n 1)"'
        owner = (
            "SERVICE=... TARGET=...    # one that mounts a volume, and where",
            f"docker inspect --format 'user {{{{.Config.User}}}}' $({command} ps -aq $SERVICE)",
            f"docker run --rm {volumes_from} busybox ls -ldn $TARGET",
        )
        parts.append(TextBlock(owner, "May a service write to its volume?", code=True))
    rows = tuple(
        (service.name, code(line))
        for service in main.services
        for line in _commands(analysis.architecture, command, main, service)
    )
    table = Table(("Service", "Command"), rows, "By service")
    intro = f"For `{main.title}`."
    return Section("troubleshooting", "Troubleshooting", (*parts, table), intro)


def _commands(
    architecture: Architecture, command: str, main: InvocationFacts, service: ServiceFacts
) -> Iterator[str]:
    """Yield the commands that show how *service* of *main* is, with *command* for Docker Compose.

    A port is asked for what the health check asks, or the one that would be added, and for what
    the files name for readiness and metrics; of a data store only for what the check of its image
    asks. A service without a port gets its check to run by hand, an application without a check
    the list of its processes.
    """
    lines = [*_probes(architecture, command, main, service)]
    if lines or service.is_provider or service.name in main.model.without_container:
        yield from lines
        return
    health = main.health_of(service.name)
    test = health.test.replace("$$", "$") if health and MASK not in health.test else ""
    if test and health and health.shell and not service.one_off:
        yield f"{command} exec {service.name} {health.shell} -c {shlex.quote(test)}"
    elif test and not service.one_off:
        yield f"{command} exec {service.name} {test}"
    elif not service.one_off and service.counts_as == "applications":
        yield f"{command} top {service.name}"


def _probes(
    architecture: Architecture, command: str, main: InvocationFacts, service: ServiceFacts
) -> Iterator[str]:
    """Yield the client of the image of *service*, and requests to its published ports."""
    repository = service.image.partition("@")[0]
    last = repository.rpartition("/")[2].partition(":")[0]
    if last in _CHECKS and not service.is_provider:
        yield f"{command} exec {service.name} {_CHECKS[last]}"
    health = main.health_of(service.name)
    asked = urls_of(health.test or health.proposal, main.model.variables) if health else {}
    is_store = service.counts_as == "data stores"
    image = main.catalog.match(service.image) if is_store and service.image else None
    if image is not None and image.healthcheck is not None:
        asked = urls_of(" ".join(image.healthcheck.test), {})
    for port in in_ranges(service.ports):
        if port.protocol == "tcp" and port.published.isdigit():
            if port.target not in asked and (is_store or port.target in _WITHOUT_PAGES):
                continue
            usual = "https" if port.target in {"443", "8443"} else "http"
            scheme, path = asked.get(port.target, (usual, "/"))
            url = f"{scheme}://localhost:{port.published}"
            yield f"curl -ik -w '%{{time_total}} s' {url}{path}"
    known = {(port, path) for port, (_, path) in asked.items()}
    for target, path in _named_paths(architecture, main, service):
        if published := _web_port(service, target) if (target, path) not in known else "":
            yield f"curl -ik -w '%{{time_total}} s' http://localhost:{published}{path}"


def _web_port(service: ServiceFacts, target: str = "") -> str:
    """Return the port of the host for the port *target* of *service*, ``""`` without one.

    Without *target* it is the first TCP port.
    """
    ports = (port for port in in_ranges(service.ports) if port.protocol == "tcp")
    return next(
        (p.published for p in ports if p.published.isdigit() and target in {"", p.target}), ""
    )


_PATH_NAMES = (
    r"(?i)(?:health|healthz|healthcheck|ready|readiness|liveness|metrics|ping|prometheus\.io)"
    r"(?:[_.-](?:check|probe))?[/_.-]?(?:path|endpoint|route)$"
)
"""Names of variables and labels whose value is a path at which a service tells how it is."""


def _named_paths(
    architecture: Architecture, main: InvocationFacts, service: ServiceFacts
) -> Iterator[tuple[str, str]]:
    """Yield each path for readiness and metrics that the files name for *service*, with its port.

    The port is ``""`` if the files do not name one.
    """
    model = main.model.services[service.name]
    settings = {name: each.value for name, each in model.settings.items()}
    settings |= {name: each.value for name, each in model.labels.items()}
    values = [value or "" for name, value in settings.items() if re.search(_PATH_NAMES, name)]
    found = [("", expand(value.strip("'\""), main.model.variables)) for value in values]
    for other in observers(architecture.project, main):
        collected = scrapes(main, other)
        found += [(each.port, each.path) for each in collected if each.service == service.name]
    yield from dict.fromkeys(
        (port, path) for port, path in found if re.fullmatch(r"/[\w./~-]*", path)
    )


_PHASES = (
    ("Start", {"validity"}),
    ("Security", {"security"}),
    ("Reliability", {"reliability", "data"}),
    ("Configuration", {"configuration", "builds"}),
    ("Structure", {"maintainability"}),
)
"""The phases of a migration: title, and areas of the findings."""


def phases(analysis: Analysis) -> Section:
    """Return the section with the order in which to improve the project, and the next steps.

    What a transform fixes is in the first phase that runs it.
    """
    phase_of_area = {area: n for n, (_, areas) in enumerate(_PHASES) for area in areas}
    phase_of = [phase_of_area[analysis.rules[each.rule].area] for each in analysis.findings]
    first: dict[str, int] = {}
    for each, phase in zip(analysis.findings, phase_of, strict=True):
        if each.transform:
            first[each.transform] = min(phase, first.get(each.transform, phase))
    lines: list[str] = []
    for number, (title, _) in enumerate(_PHASES):
        found = [
            each
            for each, phase in zip(analysis.findings, phase_of, strict=True)
            if first.get(each.transform or "", phase) == number
        ]
        if found:
            steps = ", then ".join(_steps(found))
            lines.append(f"{len(lines) + 1}. {title} ({counted(len(found), 'finding')}): {steps}")
    intro = "Each phase can be merged alone; `composerefactor verify` compares the states."
    parts = (TextBlock(tuple(lines)),)
    return Section("phases", "Phases", parts, intro if lines else "", "There is nothing to do.")


_MOST_RULES = 8
"""More rules of a phase are counted, not named."""


def _steps(found: list[Finding]) -> Iterator[str]:
    """Yield how to fix the findings *found*: commands, guesses, and the rules left to a person."""
    is_safe: dict[str, bool] = {}
    made: set[str] = set()
    for each in found:
        if each.transform:
            is_safe[each.transform] = is_safe.get(each.transform, True) and each.is_safe
            made |= set() if each.is_guess else {each.transform}
    fixes = [name for name in is_safe if name in made and name != "split"]
    if fixes:
        yield f"`{fix_command(','.join(fixes), is_safe=all(is_safe[name] for name in fixes))}`"
    if "split" in made:
        yield "`composerefactor split`"
    if guessed := ",".join(name for name in is_safe if name not in made):
        command = f"composerefactor fix --unsafe --select {guessed} --confidence guess"
        yield f"decide on the guesses of `{command}`"
    by_hand = Counter(each.rule for each in found if each.transform is None)
    if is_safe and REJECTED.id in by_hand:  # for what a transform fixes
        del by_hand[REJECTED.id]
    rules = [f"{rule} ({number})" for rule, number in by_hand.most_common()]
    if rules:
        yield f"by hand {first_of(rules, _MOST_RULES)}"
