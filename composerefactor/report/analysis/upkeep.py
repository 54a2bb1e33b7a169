"""The sections about running a project over time: start-up, recovery, troubleshooting, phases."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.upkeep import Recovery, StartTime, recoveries, start_times
from composerefactor.compose.ports import in_ranges
from composerefactor.report.analysis.model import Listing, Row, Section, Table, code, merged
from composerefactor.report.analysis.operation import command_of
from composerefactor.report.text import counted


def startup(analysis: Analysis) -> Section:
    """Return the section with the time until each service starts that waits for others."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in start_times(entry):
            if each.latest or each.tasks:
                yield each.service, _time(each), " -> ".join(each.path)

    columns, all_rows = merged(
        analysis.architecture, ("Service", "Starts after", "Waits for"), rows
    )
    intro = (
        "From the health checks along the longest path: if each passes at its first try, and at "
        "its last. Pulling images and the work of one-off services come on top."
    )
    empty = "No service waits until another one is healthy: all start at once."
    table = Table(columns, tuple(all_rows))
    return Section("startup", "Expected start-up time", (table,), intro if all_rows else "", empty)


def _time(time: StartTime) -> str:
    text = f"{time.earliest:g} s"
    if time.latest > time.earliest:
        text += f" to {time.latest:g} s"
    return text + (f", plus {', '.join(time.tasks)}" if time.tasks else "")


def recovery(analysis: Analysis) -> Section:
    """Return the section with the commands that back up and restore each volume.

    Volumes that only other start commands than the main one have follow, except those of files for
    development and tests.
    """
    architecture, main = analysis.architecture, analysis.architecture.main
    others = (each for each in architecture.entries if each is not main)
    parts: list[Table | Listing] = []
    titles: list[str] = []
    done: set[str] = set()
    for entry in (*((main,) if main is not None else ()), *others):
        if entry is not main and any(map(architecture.is_short_lived, entry.model.entry.files)):
            continue
        found = [each for each in recoveries(entry) if each.name not in done]
        if found:
            done.update(each.name for each in found)
            parts += _recovery_of(entry, found, f" of `{entry.title}`" if titles else "")
            titles.append(entry.title)
    intro = f"For `{titles[0]}`." if titles else ""
    empty = "No volume contains data that is worth a backup."
    return Section("recovery", "Backup and restore", tuple(parts), intro, empty)


def _recovery_of(
    entry: InvocationFacts, found: list[Recovery], where: str
) -> Iterator[Table | Listing]:
    """Yield the commands for the volumes *found* of *entry*; captions name it by *where*."""
    command = command_of(entry)
    for each in found:
        if each.dump is not None:
            file = f"{each.service}.{each.dump.suffix}"
            run = f"{command} exec -T {each.service} sh -c"
            lines = (f"{run} '{each.dump.save}' > {file}", f"{run} '{each.dump.load}' < {file}")
            yield Listing(lines, f"{each.name}{where}: back up, restore", code=True)
    files = [each for each in found if each.dump is None]
    if files:
        rows = tuple((each.name, each.service, each.target, each.content) for each in files)
        columns = ("Volume", "Service", "Path", "Content")
        yield Table(columns, rows, f"Volumes{where} to copy as files")
        run = (
            f'docker run --rm --volumes-from "$({command} ps -aq $SERVICE | head -n 1)" '
            '-v "$PWD":/backup busybox tar'
        )
        shared = (
            "SERVICE=... TARGET=...    # from the table",
            f"{command} stop $SERVICE",
            f"{run} czf /backup/$SERVICE.tar.gz $TARGET    # back up",
            f"{run} xzf /backup/$SERVICE.tar.gz -C /    # restore",
            f"{command} start $SERVICE",
        )
        yield Listing(shared, "Each of them", code=True)


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
    )
    rows = tuple(
        (service.name, code(line))
        for service in main.services
        for line in _commands(command, service)
    )
    parts = (
        Listing(each, "Each service: log, state, results of its health check", code=True),
        Table(("Service", "Command"), rows, "By service"),
    )
    return Section("troubleshooting", "Troubleshooting", parts, f"For `{main.title}`.")


def _commands(command: str, service: ServiceFacts) -> Iterator[str]:
    """Yield the commands that show how *service* is; *command* is the ``docker compose`` one."""
    repository = service.image.partition("@")[0]
    last = repository.rpartition("/")[2].partition(":")[0]
    if last in _CHECKS and not service.is_provider:
        yield f"{command} exec {service.name} {_CHECKS[last]}"
    elif service.build is not None:
        yield f"{command} build --progress plain {service.name}"
    for port in in_ranges(service.ports) if service.counts_as != "data stores" else ():
        if port.protocol == "tcp" and port.published.isdigit():
            scheme = "https" if port.target in {"443", "8443"} else "http"
            yield f"curl -ik {scheme}://localhost:{port.published}/"


_PHASES = (
    ("Start", {"validity"}, "the project starts, and says what it needs"),
    ("Security", {"security"}, "no password is in git, and no port is open that need not be"),
    ("Reliability", {"reliability", "data"}, "services recover, and data survives"),
    ("Configuration", {"configuration", "builds"}, "what is written is what runs"),
    ("Structure", {"maintainability"}, "each change has one place"),
)
"""The phases of a migration: title, areas of the findings, and what is reached afterwards."""


def phases(analysis: Analysis) -> Section:
    """Return the section with the order in which to improve the project, and the next steps."""
    lines: list[str] = []
    for title, areas, goal in _PHASES:
        found = [f for f in analysis.findings if analysis.rules[f.rule].area in areas]
        if not found:
            continue
        fixable = {each.transform: None for each in found if each.transform}
        made = {each.transform for each in found if not each.is_guess}
        steps = _steps([name for name in fixable if name in made])
        if guessed := ",".join(name for name in fixable if name not in made):
            command = f"composerefactor fix --unsafe --select {guessed} --confidence guess"
            steps.append(f"decide on the guesses of `{command}`")
        by_hand = sum(each.transform is None for each in found)
        if by_hand:
            steps.append(f"fix {counted(by_hand, 'finding')} by hand")
        number, total = len(lines) + 1, counted(len(found), "finding")
        lines.append(f"{number}. {title} ({total}): {', then '.join(steps)}. Afterwards {goal}.")
    intro = "Each phase can be merged alone; `composerefactor verify` compares the states."
    parts = (Listing(tuple(lines)),)
    return Section("phases", "Phases", parts, intro if lines else "", "There is nothing to do.")


def _steps(transforms: list[str]) -> list[str]:
    """Return the commands that run *transforms*."""
    fixes = [name for name in transforms if name != "split"]
    steps = [f"`composerefactor fix --unsafe --select {','.join(fixes)}`"] if fixes else []
    return [*steps, "`composerefactor split`"] if "split" in transforms else steps
