"""The typed values of services are those that Docker Compose resolves.

The projects are generated ones, the examples and, for `make test-long`, the golden cases and, if
the environment variable ``COMPOSEREFACTOR_CORPUS`` names a directory, every directory ``*/files``
in it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, event, given
from hypothesis import settings as hypothesis_settings

from composerefactor.analysis.analysis import open_for_analysis
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.services import Service, ServiceAttribute, start_model
from composerefactor.errors import ComposerefactorError
from composerefactor.planning.opening import ProjectSelection
from support.commandline import CommandLine, installed_engine, write
from support.engine import arguments_of
from support.examples import examples
from support.mergedprojects import DIFFERENT_BEFORE, merged_projects

ROOT = Path(__file__).parents[2]
SINCE_2_25 = ROOT / "golden/join/shared-base/before"
"""Before, a service that an included file extends had its paths in another directory."""

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def written_projects() -> Iterator[Path]:
    yield from sorted(ROOT.glob("golden/*/*/before"))
    corpus = os.environ.get("COMPOSEREFACTOR_CORPUS")
    if corpus:
        yield from sorted(Path(corpus).glob("*/files"))


def seconds(text: str) -> float:
    parts = re.findall(r"([0-9.]+)(h|ms|m|s|us|ns)", text)
    return round(sum(float(number) * UNITS[unit] for number, unit in parts), 6)


def value_of(value: Any) -> Any:
    return None if value is None else value.value


def values_of(values: Any) -> list[Any]:
    return [each.value for each in values]


def pairs_of(pairs: Mapping[str, Any], unset: Any = None) -> dict[str, Any]:
    return {name: unset if v.value is None else v.value for name, v in pairs.items()}


SHELL = {"PWD": "/directory-of-the-shell", "COMPOSE_PROJECT_NAME": "name-of-the-project"}
"""Variables that Docker Compose sets itself if the shell does not."""


class Comparison:
    """Compares the services of one start command, value by value.

    Attributes:
        shows_unset: True if the engine prints variables that only the shell could set.
    """

    def __init__(self, root: Path, command_line: CommandLine, counted: Counter[str]) -> None:
        self.root = root
        self.environ = {**command_line.environ, **SHELL}
        self.shows_unset = has_option(command_line.engine)
        self.counted = counted
        self.differences: list[str] = []

    def path(self, text: str) -> str:
        if text.startswith("~"):
            return os.path.normpath(Path(self.environ["HOME"]) / text[1:].lstrip("/"))
        is_absolute = text.startswith("/") or re.match(r"[A-Za-z]:[\\/]", text)
        return text if is_absolute else os.path.normpath(self.root / text)

    def context(self, text: str) -> str:
        remote = "://" in text or text.startswith(("git@", "github.com/", "service:"))
        return text if remote else self.path(text)

    def is_from_shell(self, theirs: Any) -> bool:
        """Return whether a value contains a variable of the shell, which no file has."""
        return any(self.environ[name] in str(theirs) for name in ("HOME", "PATH", *SHELL))

    def service(
        self, service: Service, resolved: Mapping[str, Any], readers: Collection[str]
    ) -> None:
        for name in readers:
            ours, theirs = READERS[name](self, service, resolved)
            self.counted[name] += bool(ours or theirs)
            if (ours or None) != (theirs or None) and not self.is_from_shell(theirs):
                self.differences.append(f"{service.name}.{name}: {ours!r} != {theirs!r}")


Reader = Callable[[Comparison, Service, Mapping[str, Any]], tuple[Any, Any]]
READERS: dict[str, Reader] = {}


def reader(function: Reader) -> Reader:
    READERS[function.__name__] = function
    return function


def of_attribute(name: str, convert: Callable[[Any], Any] = value_of) -> None:
    READERS[name] = lambda _, service, resolved: (
        convert(getattr(service, name)),
        resolved.get(name),
    )


for _name in (
    *(
        "image",
        "pull_policy",
        "restart",
        "container_name",
        "user",
        "ipc",
        "pid",
        "network_mode",
        "uts",
        "cgroup",
        "hostname",
        "domainname",
        "userns_mode",
    ),
    *("privileged", "read_only", "tty", "stdin_open"),
):
    of_attribute(_name)
for _name in (
    "cap_add",
    "cap_drop",
    "security_opt",
    "tmpfs",
    "expose",
    "profiles",
    "external_links",
):
    of_attribute(_name, values_of)


@reader
def links(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    return values_of(service.links), resolved.get("links")


@reader
def extra_hosts(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    return sorted(values_of(service.extra_hosts)), sorted(resolved.get("extra_hosts", ()))


@reader
def labels(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours, theirs = pairs_of(service.labels, ""), resolved.get("labels", {})
    if service.label_file:  # whose labels are added
        theirs = {name: value for name, value in theirs.items() if name in ours}
    return ours, theirs


@reader
def environment(
    comparison: Comparison, service: Service, resolved: Mapping[str, Any]
) -> tuple[Any, Any]:
    ours = pairs_of(service.environment)
    if not comparison.shows_unset:
        ours = {name: value for name, value in ours.items() if value is not None}
    return ours, resolved.get("environment")


@reader
def settings(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    """Compare the names of all variables; those that only the shell could set are not there."""
    theirs = {name for name, value in resolved.get("environment", {}).items() if value is not None}
    return theirs - service.settings.keys(), set()


@reader
def env_file(
    comparison: Comparison, service: Service, resolved: Mapping[str, Any]
) -> tuple[Any, Any]:
    ours = [(comparison.path(e.value.path), e.value.required) for e in service.env_file]
    theirs = [
        (item, True) if isinstance(item, str) else (item["path"], item.get("required", True))
        for item in resolved.get("env_file", ())
    ]
    return ours, theirs


@reader
def label_file(
    comparison: Comparison, service: Service, resolved: Mapping[str, Any]
) -> tuple[Any, Any]:
    ours = [comparison.path(item.value.path) for item in service.label_file]
    return ours, resolved.get("label_file", [])


@reader
def command(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    return list(value_of(service.command) or ()), resolved.get("command")


@reader
def entrypoint(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    return list(value_of(service.entrypoint) or ()), resolved.get("entrypoint")


@reader
def ports(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours = [
        (p.host_ip or "", p.published or "", p.target, p.protocol) for p in values_of(service.ports)
    ]
    theirs = [
        (p.get("host_ip", ""), p.get("published", ""), p["target"], p.get("protocol", "tcp"))
        for p in resolved.get("ports", ())
    ]
    return ours, theirs


@reader
def volumes(
    comparison: Comparison, service: Service, resolved: Mapping[str, Any]
) -> tuple[Any, Any]:
    ours = [
        (
            v.kind,
            comparison.path(v.source) if v.kind == "bind" and v.source else v.source or "",
            v.target,
            v.read_only,
        )
        for v in values_of(service.volumes)
    ]
    theirs = [
        (v["type"], v.get("source", ""), v["target"], v.get("read_only", False))
        for v in resolved.get("volumes", ())
    ]
    return ours, theirs


@reader
def build(comparison: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours = value_of(service.build)
    theirs = resolved.get("build")
    if ours is None or theirs is None:
        return ours, theirs
    return (
        comparison.context(ours.context),
        ours.dockerfile if ours.inline is None else "",
        ours.target,
        {name: value for name, value in ours.arguments.items() if value is not None},
        ours.inline,
        {name: comparison.context(text) for name, text in ours.contexts.items()},
    ), (
        theirs.get("context", comparison.context(ours.context)),  # not if it is inconsistent
        theirs.get("dockerfile", ""),
        theirs.get("target", ""),
        {name: value for name, value in theirs.get("args", {}).items() if value is not None},
        theirs.get("dockerfile_inline"),
        theirs.get("additional_contexts", {}),
    )


@reader
def depends_on(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours = {
        name: (v.value.condition, v.value.required, v.value.restart)
        for name, v in service.depends_on.items()
    }
    theirs = {
        name: (v["condition"], v.get("required", False), v.get("restart", False))
        for name, v in resolved.get("depends_on", {}).items()
    }
    for name in theirs.keys() - ours.keys():  # what follows from links, volumes_from and namespaces
        if any(name in str(resolved.get(key, "")) for key in IMPLIED):
            del theirs[name]
    return ours, theirs


IMPLIED = ("links", "volumes_from", "network_mode", "ipc", "pid", "uts", "cgroup")


@reader
def networks(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours = {name: list(v.value) for name, v in service.networks.items()}
    theirs = {
        name: (value or {}).get("aliases", [])
        for name, value in resolved.get("networks", {}).items()
    }
    return ours or {"default": []} if theirs else ours, theirs


@reader
def healthcheck(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours = value_of(service.healthcheck)
    theirs = resolved.get("healthcheck")
    if ours is None or theirs is None:
        return ours, theirs
    return (
        [*ours.test],
        *(seconds(getattr(ours, key)) for key in ("interval", "timeout", "start_period")),
        int(ours.retries or 0),
        ours.disable,
    ), (
        theirs.get("test", []),
        *(seconds(theirs.get(key, "")) for key in ("interval", "timeout", "start_period")),
        theirs.get("retries", 0),
        theirs.get("disable", False),
    )


@reader
def deploy(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours, theirs = service.deploy, resolved.get("deploy") or {}
    resources = theirs.get("resources", {})
    limits, reservations = resources.get("limits", {}), resources.get("reservations", {})
    replicas = value_of(ours.replicas)
    policy = theirs.get("restart_policy")
    return (
        None if replicas is None else int(replicas),
        *(value_of(v) or 0 for v in (ours.limits.cpus, ours.reservations.cpus)),
        *(value_of(v) or 0 for v in (ours.limits.memory, ours.reservations.memory)),
        value_of(ours.restart_condition),
    ), (
        theirs.get("replicas"),
        *(float(each.get("cpus", 0)) for each in (limits, reservations)),
        *(int(each.get("memory", 0)) for each in (limits, reservations)),
        None if policy is None else policy.get("condition", "any"),
    )


RESOURCES = {"mem_limit", "mem_reservation", "shm_size", "cpus", "scale"}


@reader
def resources(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    names = RESOURCES - {"cpus", "scale"}
    ours: dict[str, Any] = {name: value_of(getattr(service, name)) for name in names}
    theirs: dict[str, Any] = {
        name: int(resolved[name]) if name in resolved else None for name in names
    }
    ours["cpus"] = value_of(service.cpus)
    theirs["cpus"] = float(resolved["cpus"]) if "cpus" in resolved else None
    ours["scale"] = value_of(service.scale) and int(value_of(service.scale))
    theirs["scale"] = resolved.get("scale")
    if not any(value is not None for value in (*ours.values(), *theirs.values())):
        return None, None
    return ours, theirs


@reader
def stop_grace_period(
    _: Comparison, service: Service, resolved: Mapping[str, Any]
) -> tuple[Any, Any]:
    ours = value_of(service.stop_grace_period)
    return ours and seconds(ours), seconds(resolved.get("stop_grace_period", ""))


@reader
def secrets(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours = [(g.source, g.target or f"/run/secrets/{g.source}") for g in values_of(service.secrets)]
    return ours, [(g["source"], g["target"]) for g in resolved.get("secrets", ())]


@reader
def configs(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours = [(g.source, g.target) for g in values_of(service.configs)]
    return ours, [(g["source"], g.get("target", "")) for g in resolved.get("configs", ())]


@reader
def logging(_: Comparison, service: Service, resolved: Mapping[str, Any]) -> tuple[Any, Any]:
    ours, theirs = value_of(service.logging), resolved.get("logging")
    if ours is None or theirs is None:
        return ours, theirs
    return (ours.driver, dict(ours.options)), (theirs.get("driver", ""), theirs.get("options", {}))


AS_WRITTEN = "--no-env-resolution"
"""The option that shows env files as written. Releases without it always do."""


@cache
def has_option(engine: str) -> bool:
    done = subprocess.run([engine, "config", "--help"], capture_output=True, check=True)
    return AS_WRITTEN.encode() in done.stdout


def normalized(engine: Path, environ: Mapping[str, str], config: bytes) -> bytes | None:
    """Return what an older release printed as *engine* prints it; None if it rejects that.

    Releases without :data:`AS_WRITTEN` merge, but print the short forms as written.
    """
    options = ("--format", "json", "--no-consistency", AS_WRITTEN)
    done = subprocess.run(
        [str(engine), "--profile", "*", "-f", "-", "config", *options],
        input=config,
        env=environ,
        capture_output=True,
        check=False,
    )
    return None if done.returncode else done.stdout


def resolve(
    command_line: CommandLine, root: Path, entry: Invocation, *options: str
) -> dict[str, Any] | None:
    """Return what Docker Compose resolves for *entry*; None if it rejects the start command."""
    arguments = [str(command_line.engine), "--profile", "*", *arguments_of(entry)]
    arguments += ["config", "--format", "json", "--no-consistency", *options]
    done = subprocess.run(
        arguments,
        cwd=root / entry.directory,
        env={**command_line.environ, **SHELL},
        capture_output=True,
        check=False,
    )
    output = None if done.returncode else done.stdout
    if output is not None and not has_option(command_line.engine):
        output = normalized(installed_engine(), command_line.environ, output)
    if output is None:
        return None
    services: dict[str, Any] = json.loads(unescaped(output.decode()))["services"]
    return services


def unescaped(text: str) -> str:
    return text.replace("$$", "$")


def compare(
    root: Path,
    command_line: CommandLine,
    counted: Counter[str],
    excluded: Collection[str] = (),
) -> list[str]:
    """Return the differences, except in *excluded*, in all start commands of the project."""
    try:
        opened = open_for_analysis(ProjectSelection(root))
    except ComposerefactorError:
        return []
    differences = []
    readers = READERS.keys() - {"settings", *excluded}
    options = [AS_WRITTEN] if has_option(command_line.engine) else []
    for entry in opened.project.readable:
        services = start_model(opened.project, entry).services
        resolved = resolve(command_line, opened.root, entry, *options)
        counted["start commands" if resolved is not None else "rejected start commands"] += 1
        comparison = Comparison(opened.root, command_line, counted)
        for name in services.keys() & (resolved or {}).keys():
            counted["services"] += 1
            comparison.service(services[name], (resolved or {})[name], readers)
        if options and any(service.env_file for service in services.values()):
            resolved = resolve(command_line, opened.root, entry)
            for name in services.keys() & (resolved or {}).keys():
                comparison.service(services[name], (resolved or {})[name], {"settings"})
        differences += [f"{root}: {entry.title}: {each}" for each in comparison.differences]
    return differences


def test_typed_values_of_the_examples(command_line: CommandLine) -> None:
    counted: Counter[str] = Counter()
    for root in sorted(path for path in ROOT.glob("examples/*") if path.is_dir()):
        assert compare(root, command_line, counted) == []
    assert counted["start commands"]
    assert not counted["rejected start commands"]


@pytest.mark.long
def test_typed_values_are_those_of_docker_compose(
    command_line: CommandLine, record_property: Callable[[str, object], None]
) -> None:
    counted: Counter[str] = Counter()
    differences: list[str] = []
    for root in written_projects():
        if root == SINCE_2_25 and not has_option(str(command_line.engine)):
            continue
        counted["projects"] += 1
        differences += compare(root, command_line, counted)
    record_property("compared", dict(counted))
    print(dict(counted))  # noqa: T201 - shown with -rP and for a failure

    assert not differences, "\n".join(differences)
    assert counted["start commands"] > counted["rejected start commands"]


def test_every_typed_value_is_compared() -> None:
    typed = {name for name, value in vars(Service).items() if isinstance(value, ServiceAttribute)}

    others = {"build", "resources", "settings"}  # read from several attributes
    assert typed == READERS.keys() - others | RESOURCES | {"volumes_from"}


@given(files=merged_projects())
@hypothesis_settings(max_examples=examples(8, 1000), phases=[Phase.reuse, Phase.generate])
def test_typed_values_of_generated_projects(engine: Path, files: dict[str, str]) -> None:
    with TemporaryDirectory() as name:
        root = write(Path(name), files)
        environ = {"HOME": "/home/someone", "PATH": os.environ["PATH"]}
        counted: Counter[str] = Counter()
        excluded = () if has_option(str(engine)) else DIFFERENT_BEFORE
        differences = compare(root, CommandLine(str(engine), environ), counted, excluded)
    event("rejected" if counted["rejected start commands"] else "compared")

    assert not differences, "\n".join(differences)
