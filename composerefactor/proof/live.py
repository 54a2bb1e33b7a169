"""Whether ``up`` with the current files would recreate the containers of a running project.

Docker Compose runs in the project directory itself: configuration hashes depend on absolute paths,
so a copy elsewhere would have different ones.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import GENERAL
from composerefactor.errors import EngineError, InputError
from composerefactor.proof.comparison import hashes, parse_config, with_texts
from composerefactor.proof.containers import (
    Container,
    Docker,
    attachment_reasons,
    recreation_reasons,
)
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine
from composerefactor.proof.probes import TaggedValue, render
from composerefactor.proof.scenarios import ALL_PROFILES, OWN, Scenario, config_command
from composerefactor.proof.staging import (
    hash_command,
    hashes_env_files,
    prints_env_files,
    with_env_files,
)

_NAMESPACES = ("network_mode", "ipc", "pid")


class ProjectInPlace(Struct, frozen=True):
    """The project directory itself instead of a staged copy; nothing is written to it."""

    root: Path
    empty_env_file: Path = Path(os.devnull)

    def place(self, path: str) -> Path:
        """Return the absolute path of *path*, which is relative to the project directory."""
        return Path(os.path.normpath(self.root / path))


class LiveConfig(Struct, frozen=True):
    """One start command, resolved in the project directory.

    Attributes:
        entry: The start command.
        model: Its resolved configuration.
        hashes: The configuration hash of each service.
        profiles: The profiles with which it was resolved.
    """

    entry: Invocation
    model: Mapping[str, Any]
    hashes: Mapping[str, str]
    profiles: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        """The name of the project."""
        return str(self.model.get("name") or "")


class ContainerResult(Struct, frozen=True):
    """What ``up`` would do with one container.

    Attributes:
        container: The container.
        entry: The start command that it was compared with.
        recreated: Whether it would be recreated; None if it would be left alone, because the
            project has no such service.
        reasons: Why, for users.
    """

    container: Container
    entry: Invocation
    recreated: bool | None
    reasons: tuple[str, ...] = ()


class LiveResult(Struct, frozen=True):
    """What ``up`` would do with the containers of a project.

    Attributes:
        containers: The result for each existing container.
        created: Services without a container, for which one would be created.
        projects: The names of the compared projects.
        not_compared: Start commands that could not be resolved, with the reasons.
    """

    containers: tuple[ContainerResult, ...]
    created: tuple[str, ...]
    projects: tuple[str, ...]
    not_compared: tuple[str, ...]

    @property
    def recreated(self) -> list[ContainerResult]:
        """The containers that would be recreated."""
        return [result for result in self.containers if result.recreated]


def compare_live(
    engine: Engine,
    docker: Docker,
    root: Path,
    entries: Sequence[Invocation],
    environ: Mapping[str, str],
) -> LiveResult:
    """Compare the running containers with *entries* of the project in *root*.

    A container is compared with the start command whose files created it, or else with the first
    start command of its project.

    Args:
        engine: Docker Compose.
        docker: The docker client.
        root: The project directory.
        entries: The start commands.
        environ: The shell's variables that are passed to Docker Compose.

    Raises:
        EngineError: Docker Compose rejects every start command, or no Docker daemon is running.
    """
    resolver = _Resolver(engine, root, environ)
    configs: list[LiveConfig] = []
    failed: list[str] = []
    for entry in entries:
        try:
            configs.append(resolver.resolve(entry))
        except EngineError as error:
            failed.append(f"{entry.title}: {error.message}")
    if not configs:
        raise EngineError(f"Docker Compose rejects the project: {'; '.join(failed)}")
    results: list[ContainerResult] = []
    created: dict[str, None] = {}
    projects = list(dict.fromkeys(config.project for config in configs))
    for project in projects:
        candidates = [config for config in configs if config.project == project]
        containers = docker.containers(project)
        used: dict[Invocation, LiveConfig] = {}
        for container in containers:
            config = _config_of(container, candidates, root)
            config = used.setdefault(config.entry, resolver.with_namespaces(config, containers))
            results.append(_container_result(container, config, docker, engine))
        names = {container.service for container in containers}
        for config in used.values():
            inactive = [n for n, s in _services(config).items() if s.get("profiles")]
            missing = [n for n in _services(config) if n not in names and n not in inactive]
            created |= dict.fromkeys(missing)
    return LiveResult(
        tuple(_with_sharing_containers(results, configs)),
        tuple(created),
        tuple(projects),
        tuple(failed),
    )


class _Resolver:
    """Resolves start commands in the project directory."""

    def __init__(self, engine: Engine, root: Path, environ: Mapping[str, str]) -> None:
        self._engine, self._place = engine, ProjectInPlace(root)
        self._environment = {**environ, "HOME": os.environ.get("HOME", str(root))}

    def resolve(self, entry: Invocation) -> LiveConfig:
        """Return *entry* resolved with all profiles, or if that fails with its own profiles.

        Raises:
            EngineError: Docker Compose rejects it.
        """
        for profiles in (ALL_PROFILES, entry.profiles):  # some profiles exclude each other
            with contextlib.suppress(EngineError, InputError):
                return self._resolve(entry, profiles)
        return self._resolve(entry, entry.profiles)

    def with_namespaces(self, config: LiveConfig, containers: Iterable[Container]) -> LiveConfig:
        """Return *config* with the hashes of services that share something with another one.

        Before Docker Compose creates a container, it replaces ``service:NAME``, and the services of
        ``volumes_from``, by the container of that service (docker/compose, pkg/compose/
        convergence.go), so the hash of a running container includes its id.
        """
        ids: dict[str, str] = {}
        for container in containers:
            ids.setdefault(container.service, str(container.inspected.get("Id")))
        overrides = {
            name: replaced
            for name, service in _services(config).items()
            if (replaced := _with_containers(service, ids))
        }
        if not overrides:
            return config
        with tempfile.TemporaryDirectory(prefix="composerefactor-") as temporary:
            probe = Path(temporary, "override.yml")
            probe.write_text(render(overrides), encoding="utf-8")
            scenario = Scenario(OWN, "hash", config.profiles, probe=str(probe))
            # No service has the id of a container as its name.
            new_hashes = hashes(self._run(config.entry, scenario, "--no-consistency"))
        return replace(
            config, hashes={**config.hashes, **{n: new_hashes.get(n, "") for n in overrides}}
        )

    def _resolve(self, entry: Invocation, profiles: tuple[str, ...]) -> LiveConfig:
        printed = parse_config(self._run(entry, Scenario(OWN, profiles=profiles)))
        model = with_texts(printed, lambda text: text.replace("$$", "$"))
        service_hashes = hashes(self._run(entry, Scenario(OWN, "hash", profiles)))
        return LiveConfig(entry, model, service_hashes, profiles)

    def _run(self, entry: Invocation, scenario: Scenario, *options: str) -> bytes:
        args, cwd = config_command(entry, scenario, self._place)
        args += options
        if scenario.kind != "hash" or hashes_env_files(self._engine):
            return self._output(args, cwd)
        model = self._run(entry, dataclasses.replace(scenario, kind="model"), *options)
        with tempfile.TemporaryDirectory(prefix="composerefactor-") as temporary:
            resolved = Path(temporary, "resolved.yml")
            resolved.write_bytes(model)
            return self._output([*hash_command(resolved, scenario.profiles), *options], cwd)

    def _output(self, args: Sequence[str], cwd: Path) -> bytes:
        """Return what Docker Compose prints; raises EngineError if it fails."""
        result = self._engine.run(args, cwd, self._environment, DEFAULT_TIMEOUT)
        if not result.ok:
            raise EngineError(GENERAL.text(result.error))
        if prints_env_files(self._engine):
            return result.stdout
        return with_env_files(result.stdout, self._environment)


def _with_containers(service: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return what *service* shares with others, by container instead of service."""
    replaced: dict[str, Any] = {}
    for key in _NAMESPACES:
        value = str(service.get(key) or "")
        other = ids.get(value.removeprefix("service:"))
        if value.startswith("service:") and other:
            replaced[key] = f"container:{other}"
    sources = [str(source).partition(":") for source in service.get("volumes_from") or ()]
    if any(name in ids or name == "container" for name, _, _ in sources):
        replaced["volumes_from"] = TaggedValue(
            "!override",
            [
                rest.partition(":")[0] if name == "container" else ids.get(name, name)
                for name, _, rest in sources
            ],
        )
    return replaced


def _config_of(container: Container, candidates: Sequence[LiveConfig], root: Path) -> LiveConfig:
    files = {os.path.realpath(path) for path in container.files}
    for config in candidates:
        if {os.path.realpath(root / path) for path in config.entry.files} == files:
            return config
    return candidates[0]


def _services(config: LiveConfig) -> Mapping[str, Mapping[str, Any]]:
    return config.model.get("services") or {}


def _container_result(
    container: Container, config: LiveConfig, docker: Docker, engine: Engine
) -> ContainerResult:
    service = _services(config).get(container.service)
    if service is None:
        why = "the project has no such service: it keeps running until `up --remove-orphans`"
        return ContainerResult(container, config.entry, None, (why,))
    image = docker.image(str(container.inspected.get("Image") or ""))
    reasons = recreation_reasons(container.inspected, image, service, config.model)
    expected = config.hashes.get(container.service)
    if service.get("volumes_from") and expected != container.label("config-hash") and not reasons:
        # The other container may have been recreated since.
        why = "no visible difference (its configuration hash is that of another volumes_from)"
        return ContainerResult(container, config.entry, recreated=False, reasons=(why,))
    if expected != container.label("config-hash"):
        created_by = container.label("version")
        if not reasons:
            reasons.append("its configuration hash differs")
        if created_by and created_by != engine.version:
            reasons.append(
                f"created by Docker Compose v{created_by}, compared by v{engine.version}"
            )
        return ContainerResult(container, config.entry, recreated=True, reasons=tuple(reasons))
    # With an equal hash, Docker Compose also compares the image, the networks and the volumes.
    beside = [
        *_newer_image(container, service, config, docker),
        *attachment_reasons(container.inspected, service, config.model),
    ]
    return ContainerResult(container, config.entry, bool(beside), tuple(beside))


def _newer_image(
    container: Container, service: Mapping[str, Any], config: LiveConfig, docker: Docker
) -> Iterable[str]:
    reference = str(service.get("image") or f"{config.project}-{container.service}")
    now = docker.image(reference)
    was = container.label("image") or str(container.inspected.get("Image") or "")
    if now is not None and now.get("Id") != was:
        yield f"the image {GENERAL.text(reference)} on this machine is newer"


def _with_sharing_containers(
    results: Sequence[ContainerResult], configs: Sequence[LiveConfig]
) -> Iterable[ContainerResult]:
    """Yield *results*; a container that shares with a recreated one is recreated too."""
    models = {config.entry: _services(config) for config in configs}
    recreated = {(each.entry, each.container.service) for each in results if each.recreated}
    for result in results:
        service = models[result.entry].get(result.container.service) or {}
        shared = [name for name in _shares_with(service) if (result.entry, name) in recreated]
        if shared and result.recreated is False:
            reason = f"it shares a namespace or volumes with {', '.join(shared)}"
            yield replace(result, recreated=True, reasons=(reason,))
        else:
            yield result


def _shares_with(service: Mapping[str, Any]) -> Iterable[str]:
    """Yield the services whose namespaces or volumes *service* shares."""
    for key in _NAMESPACES:
        value = str(service.get(key) or "")
        if value.startswith("service:"):
            yield value.removeprefix("service:")
    for value in service.get("volumes_from") or ():
        name = str(value).partition(":")[0]
        if name != "container":
            yield name
