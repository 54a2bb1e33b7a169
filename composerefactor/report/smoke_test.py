"""A script that starts a copy of the stack and tests it.

It checks one-off services, connections, HTTP endpoints, and data that must persist.
:func:`clients` has the programs that write to and read from data stores (``data/stores.yml``). An
override file isolates the copy from the stack that runs.
"""

from __future__ import annotations

import json
import pkgutil
import posixpath
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from posixpath import normpath
from typing import Any, Literal

from msgspec import Struct

from composerefactor.compose.definitions import text_of
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.one_off import one_off
from composerefactor.compose.paths import path_from
from composerefactor.compose.project import Project
from composerefactor.compose.resources import networks_of, overlap
from composerefactor.compose.services import Service, StartModel
from composerefactor.compose.short_forms import Binding, VolumeText
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.connections import connections
from composerefactor.images.entries import CatalogEntry
from composerefactor.images.health.built import ProposedCheck
from composerefactor.images.health.check import healthcheck_for
from composerefactor.images.health.usage import urls_of, usage
from composerefactor.images.lookup import data_paths, starts_server
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

_FILE = "stores.yml"


class Client(Struct, frozen=True):
    """A client program of a data store.

    Attributes:
        name: The name of the program in the image.
        script: Shell text that runs in the container; it writes or reads, depending on ``DO``.
    """

    name: str
    script: str


@cache
def clients() -> dict[str, Client]:
    """Return all known clients, by the ids of the data stores in the image catalog."""
    data = pkgutil.get_data(__package__ or "", f"data/{_FILE}")
    source = Source.decode(_FILE, data or b"")
    values: Any = to_python(parse(source).root, source)  # type: ignore[arg-type]
    return {
        store: Client(each["name"], _script(values["common"], each))
        for each in values["clients"]
        for store in each["stores"]
    }


def _script(common: str, client: Mapping[str, str]) -> str:
    parts = ["set -e", common, client.get("login", "")]
    parts += [
        "case $DO in",
        f"write)\n{client['write']}",
        ";;",
        f"read)\n{client['read']}",
        ";;",
        "esac",
    ]
    return "\n".join(part.strip("\n") for part in parts if part) + "\n"


Expects = Literal["ok", "answer", "maybe"]
"""The status: ``ok`` below 400, ``answer`` below 500, ``maybe`` below 500 if it speaks HTTP."""

_TLS_PORTS = frozenset({"443", "8443", "9443"})
_OTHER_PROTOCOLS = frozenset(
    {
        *("21", "22", "23", "25", "53", "110", "143", "389", "465", "587", "636", "993", "995"),
        *("853", "1025", "1883", "2222", "2375", "5005", "5678", "9229", "9230", "50051"),
    }
)
"""Ports of mail, shells, name servers, debuggers and gRPC."""
_OWN_PROTOCOLS = frozenset({"database", "cache", "queue"})
"""Categories whose main port does not speak HTTP unless their health check does."""


class Endpoint(Struct, frozen=True):
    """A published TCP port that may speak HTTP.

    Attributes:
        service: The service.
        target: The port in the container.
        scheme: ``http`` or ``https``.
        path: The path of the request.
        expects: The expected status.
    """

    service: str
    target: str
    scheme: str
    path: str
    expects: Expects


_HOSTS = frozenset({"url", "address", "name"})
"""Hints that a service uses another one as a host, not only waits for it."""


class PersistentData(Struct, frozen=True):
    """Data that must survive recreating the container.

    Attributes:
        service: The service.
        path: Where it is in the container.
        client: The client that writes and reads a value, None to use a file at *path*.
        lost: Why the data cannot survive, ``""`` if it can.
    """

    service: str
    path: str
    client: Client | None = None
    lost: str = ""


def one_off_services(model: StartModel) -> dict[str, bool]:
    """Return the services that end by themselves; True if the project itself says so."""
    reasons = {name: one_off(model, name) for name in model.services}
    return {name: each.is_certain for name, each in reasons.items() if each is not None}


def mounts(service: Service) -> list[VolumeText]:
    """Return the mounts of *service*, one per target."""
    return [volume.value for volume in service.volumes]


def published(service: Service) -> list[Binding]:
    """Return the published ports of *service*, one per container port and protocol."""
    bindings = [port.value for port in service.ports]
    return list({(each.target, each.protocol): each for each in bindings}.values())


def endpoints(project: Project, model: StartModel) -> list[Endpoint]:
    """Return the published ports that may speak HTTP, with the request for each."""
    return [
        endpoint
        for service in model.services.values()
        for endpoint in _endpoints(project, model, service)
    ]


def hosts(model: StartModel) -> list[tuple[str, str]]:
    """Return the services that use another one as a host, each with the other one."""
    no_network = [name for name, service in model.services.items() if _mode(service)]
    not_asked = {*no_network, *one_off_services(model), *excluded_services(model)}
    return [
        (each.caller, each.callee)
        for each in connections(model)
        if any(hint.kind in _HOSTS for hint in each.hints)
        and not_asked.isdisjoint((each.caller, each.callee))
    ]


def persistent_data(project: Project, model: StartModel) -> list[PersistentData]:
    """Return the data that must persist: data stores with a client, then other named volumes."""
    checks: list[PersistentData] = []
    seen: set[str] = set()
    for service in model.services.values():
        own = mounts(service)
        store = _store(project, model, service)
        if store is not None and (client := clients().get(store.id)) is not None:
            checks.append(_in_store(model, service, own, client))
            seen.update(each.source or "" for each in own if each.is_named)
    for service in model.services.values():
        for mount in mounts(service) if service.name not in one_off_services(model) else ():
            if mount.is_named and not mount.read_only and mount.source not in seen:
                seen.add(mount.source or "")
                checks.append(PersistentData(service.name, mount.target))
    return checks


def known_server(project: Project, model: StartModel, service: Service) -> CatalogEntry | None:
    """Return the catalog entry for the image of *service*, if the service runs its server."""
    use = usage(project, model, service)
    entry = catalog_of(model).match(use.image) if use.image and use.build is None else None
    return entry if entry is not None and starts_server(entry, use.words) else None


def _store(project: Project, model: StartModel, service: Service) -> CatalogEntry | None:
    entry = known_server(project, model, service)
    return entry if entry is not None and entry.data else None


def _in_store(
    model: StartModel, service: Service, own: list[VolumeText], client: Client
) -> PersistentData:
    image = text_of(service.image)
    paths = [normpath(path.path) for path in data_paths(image, catalog_of(model)) or ()]
    for path in paths:
        if not any(overlap(mount.target, path) for mount in own):
            return PersistentData(service.name, path, client, f"no volume is mounted at {path}")
    return PersistentData(service.name, paths[0] if paths else "", client)


def _endpoints(project: Project, model: StartModel, service: Service) -> Iterator[Endpoint]:
    checked = urls_of(_test(project, model, service), model.variables)
    entry = known_server(project, model, service)
    other = set(_OTHER_PROTOCOLS)
    if entry is not None and entry.category in _OWN_PROTOCOLS:
        other.add(entry.main_port)
    for port in published(service):
        target = str(port.target)
        if port.protocol != "tcp":
            continue
        if target in checked:
            scheme, path = checked[target]
            yield Endpoint(service.name, target, scheme, path, "ok")
        elif target not in other:
            scheme = "https" if target in _TLS_PORTS else "http"
            expects: Expects = "maybe" if entry is not None else "answer"
            yield Endpoint(service.name, target, scheme, "/", expects)


def _test(project: Project, model: StartModel, service: Service) -> str:
    """Return the command of the health check of *service*, or of the one that would be proposed."""
    if service.healthcheck is not None and service.healthcheck.value.test:
        return " ".join(service.healthcheck.value.test)
    answer = healthcheck_for(project, model, usage(project, model, service), catalog_of(model))
    return " ".join(answer.test) if isinstance(answer, ProposedCheck) else ""


_PROXY_VARIABLES = ("VIRTUAL_HOST", "LETSENCRYPT_HOST")
_PROFILE = "excluded-from-the-smoke-test"


class _Tagged:
    """A value with a YAML tag."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


def excluded_services(model: StartModel) -> dict[str, str]:
    """Return the services that cannot run twice on one host, each with the reason."""
    reasons: dict[str, str] = {}
    for name, service in model.services.items():
        if any(mount.is_docker_socket for mount in mounts(service)):
            reasons[name] = "it controls the Docker daemon, so it would act on other containers"
        elif _mode(service) == "host":
            reasons[name] = "it uses the ports of the host"
        elif _mode(service).startswith("container:"):
            reasons[name] = "it uses the network of a container of another project"
    while more := {
        name: f"it shares the network of {_mode(service).removeprefix('service:')}"
        for name, service in model.services.items()
        if name not in reasons and _mode(service).removeprefix("service:") in reasons
    }:
        reasons.update(more)
    return reasons


def isolation(project: Project, model: StartModel) -> str:
    """Return the text of the override file: YAML with ``!reset`` and ``!override``.

    It needs Docker Compose v2.24.6, the first version in which a file can change services that
    another file includes.
    """
    excluded = excluded_services(model)
    volumes: dict[str, Any] = {name: _Tagged("!override", {}) for name in model.declared("volumes")}
    services = {}
    for service in model.services.values():
        if service.name in excluded:
            services[service.name] = {"profiles": _Tagged("!override", [_PROFILE])}
            continue
        own = _own_mounts(project, model, service)
        for number in range(1, len(own) + 1):
            volumes[_volume(service, number)] = {}
        services[service.name] = _service(model, service, own, excluded)
    document = {
        "services": {name: body for name, body in services.items() if body},
        "volumes": volumes,
        "networks": {name: _Tagged("!override", {}) for name in model.declared("networks")},
    }
    return "".join(_yaml_lines({key: value for key, value in document.items() if value}, 0))


def _service(
    model: StartModel, service: Service, own: list[VolumeText], excluded: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the override file says about *service*; *own* mounts become new volumes."""
    body: dict[str, Any] = {}
    container = text_of(service.container_name)
    if service.container_name is not None:
        body["container_name"] = _Tagged("!reset", None)
    if service.labels:
        body["labels"] = _Tagged("!reset", {})
    if bindings := published(service):
        items = [
            {"target": port.target, "host_ip": "127.0.0.1", "protocol": port.protocol}
            for port in bindings
        ]
        body["ports"] = _Tagged("!override", items)
    if own:
        body["volumes"] = [
            {"type": "volume", "source": _volume(service, number), "target": mount.target}
            for number, mount in enumerate(own, start=1)
        ]
    if names := [name for name in _PROXY_VARIABLES if name in service.settings]:
        body["environment"] = dict.fromkeys(names, "")
    needed = [name for name in service.depends_on if name in excluded]
    if needed:
        condition = {"condition": "service_started", "required": False}
        body["depends_on"] = dict.fromkeys(needed, condition)
    if networks := _networks(model, service, container):
        body["networks"] = networks
    return body


def _networks(model: StartModel, service: Service, container: str) -> dict[str, Any]:
    """Return the changed networks: no fixed addresses, and the container name as an alias."""
    if _mode(service):
        return {}
    networks: dict[str, Any] = {}
    for name in networks_of(model, service.name) or ():
        changes: dict[str, Any] = {}
        if container and container != service.name:
            changes["aliases"] = [container]
        for key in ("ipv4_address", "ipv6_address", "link_local_ips"):
            if _has(service, name, key):
                changes[key] = _Tagged("!reset", None)
        if changes:
            networks[name] = changes
    return networks


def _has(service: Service, network: str, key: str) -> bool:
    listed = (networks.below(network) for networks in service.values("networks"))
    return any(each.below(key) is not None for each in listed if each is not None)


def _own_mounts(project: Project, model: StartModel, service: Service) -> list[VolumeText]:
    """Return the bind mounts with the data of a data store: the copy gets volumes instead."""
    entry = known_server(project, model, service)
    is_store = service_placement(service, catalog_of(model)).counts_as == "data stores"
    if not is_store and (entry is None or not entry.data):
        return []
    own = []
    for mount in mounts(service):
        is_file = "." in mount.target.rpartition("/")[2]
        if mount.kind == "bind" and not mount.read_only and not is_file:
            is_init = "initdb" in mount.target or "entrypoint" in mount.target
            if not is_init:
                own.append(mount)
    return own


def _volume(service: Service, number: int) -> str:
    return f"smoke-test-{service.name}-{number}".lower()


def _mode(service: Service) -> str:
    return text_of(service.network_mode)


def _yaml_lines(value: dict[str, Any], depth: int) -> list[str]:
    """Return *value* as lines of YAML: mappings as blocks, tagged values and lists as JSON."""
    lines = []
    for key, inner in value.items():
        head = f"{'  ' * depth}{json.dumps(key)}:"
        if isinstance(inner, dict) and inner:
            lines += [f"{head}\n", *_yaml_lines(inner, depth + 1)]
        elif isinstance(inner, _Tagged):
            lines.append(f"{head} {inner.tag} {json.dumps(inner.value)}\n")
        else:
            lines.append(f"{head} {json.dumps(inner)}\n")
    return lines


_RUNNER = "smoketest.sh"
_ANSWER_WITHIN = 30
_TIMEOUT = 300
_PAUSE = 3

_HEADER = """\
#!/bin/sh
# Smoke test of {title}: is it valid, does it start, is it healthy, do its services find each other,
# does it answer, does it keep its data? It needs docker with Compose v2.24.6 or later, and curl or
# wget. See {name} --help.
#
# Generated by composerefactor; generate it again when services, ports or volumes change. It has
# no values of variables: clients read their credentials in the container.
"""


def smoke_test(project: Project, model: StartModel, *, directory: str, name: str) -> str:
    """Return a POSIX shell script that checks *model* of *project*.

    *directory* is the path from the directory of the script to the project root; *name* is the file
    name of the script.
    """
    data = persistent_data(project, model)
    parts = [
        _HEADER.format(title=" ".join(model.entry.title.split()), name=name),
        _settings(model.entry, directory),
        _compose(model.entry),
        _one_off(model),
        _excluded(model),
        _function(
            "endpoints",
            (
                _call("endpoint", each.service, each.target, each.scheme, each.path, each.expects)
                for each in endpoints(project, model)
            ),
        ),
        _function("hosts", (_call("host", *pair) for pair in hosts(model))),
        _function("data", map(_data_check, data)),
        _clients(data),
        "write_isolation() {\n  cat <<'END'\n" + isolation(project, model) + "END\n}\n",
    ]
    runner = (pkgutil.get_data(__package__ or "", f"data/{_RUNNER}") or b"").decode()
    return "\n".join(parts) + runner


def _settings(entry: Invocation, directory: str) -> str:
    path = path_from(directory, entry.directory)
    return (
        f"directory={shlex.quote(path)}\n"
        f"timeout={_TIMEOUT} answer_within={_ANSWER_WITHIN} pause={_PAUSE}\n"
    )


def _compose(entry: Invocation) -> str:
    """Return the function that runs Docker Compose like *entry*, on the copy if there is one."""
    options = [word for file in entry.files for word in ("--file", _from(entry, file))]
    after = [word for file in entry.env_files for word in ("--env-file", _from(entry, file))]
    if entry.project_directory is not None:
        after += ["--project-directory", _from(entry, entry.project_directory)]
    after += [word for profile in entry.profiles for word in ("--profile", profile)]
    running = [*after, *(("--project-name", entry.project_name) if entry.project_name else ())]
    return (
        "compose() {\n"
        '  if [ -n "${project:-}" ] && [ "$mode" = isolated ]; then\n'
        '    set -- --file "$isolation" --project-name "$project"'
        f'{_words(after)} "$@"\n'
        + (f'  else\n    set --{_words(running)} "$@"\n' if running else "")
        + "  fi\n"
        f'  docker_compose{_words(options)} "$@"\n'
        "}\n"
    )


def _from(entry: Invocation, path: str) -> str:
    """Return *path*, relative to the project root, as seen from the directory of *entry*."""
    return path if path.startswith("/") else posixpath.relpath(path, entry.directory)


def _one_off(model: StartModel) -> str:
    """Return the function that prints whether a service ends by itself."""
    services = one_off_services(model)
    lines = [
        f"    {' | '.join(map(shlex.quote, names))}) echo {answer} ;;\n"
        for answer, is_certain in (("yes", True), ("maybe", False))
        if (names := [name for name, certain in services.items() if certain is is_certain])
    ]
    return "is_one_off() {\n  case $1 in\n" + "".join(lines) + "    *) echo no ;;\n  esac\n}\n"


def _excluded(model: StartModel) -> str:
    calls = (_call("report", "SKIP", name, why) for name, why in excluded_services(model).items())
    return _function("not_copied", calls)


def _data_check(data: PersistentData) -> str:
    if data.lost:
        title = f"{data.service} keeps its data"
        return f'if [ "$phase" = read ]; then {_call("report", "SKIP", title, data.lost)}; fi'
    if data.client is None:
        return _call("volume", data.service, data.path)
    return _call("store", data.service, data.client.name)


def _clients(data: Iterable[PersistentData]) -> str:
    """Return the function that prints the shell text of a client."""
    clients = {each.client.name: each.client for each in data if each.client and not each.lost}
    cases = [
        f"    {name})\n      cat <<'END'\n{client.script}END\n      ;;\n"
        for name, client in clients.items()
    ]
    return "client() {\n  case $1 in\n" + "".join(cases) + "    *) return 1 ;;\n  esac\n}\n"


def _function(name: str, calls: Iterable[str]) -> str:
    return f"{name}() {{\n" + "".join(f"  {call}\n" for call in calls) + "  return 0\n}\n"


def _call(name: str, *arguments: str) -> str:
    return name + _words(arguments)


def _words(words: Iterable[str]) -> str:
    return "".join(f" {shlex.quote(word)}" for word in words)
