"""The smoke-test script of a stack, as text."""

from __future__ import annotations

import json
import pkgutil
import posixpath
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from composerefactor.compose.interpolation import expand
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import merged_get
from composerefactor.compose.project import Project
from composerefactor.compose.resources import networks_of
from composerefactor.compose.services import Service, StartModel
from composerefactor.images.catalog import Catalog
from composerefactor.images.placement import placement
from composerefactor.report.smoke_checks import (
    KeptData,
    Mount,
    ending,
    endpoints,
    kept,
    known_server,
    mounts,
    published,
)

_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock")
_PROXY_VARIABLES = ("VIRTUAL_HOST", "LETSENCRYPT_HOST")
_PROFILE = "left-out-of-the-smoke-test"


class _Tagged:
    """A value that is written with a YAML tag."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


def left_out(model: StartModel) -> dict[str, str]:
    """Return the services that cannot run twice on one host, with the reason."""
    found: dict[str, str] = {}
    for name, service in model.services.items():
        if any(mount.text.source in _SOCKETS for mount in mounts(model, service)):
            found[name] = "it controls the Docker daemon, so it would act on other containers"
        elif _mode(service) == "host":
            found[name] = "it uses the ports of the host"
        elif _mode(service).startswith("container:"):
            found[name] = "it uses the network of a container of another project"
    while more := {
        name: f"it shares the network of {_mode(service).removeprefix('service:')}"
        for name, service in model.services.items()
        if name not in found and _mode(service).removeprefix("service:") in found
    }:
        found.update(more)
    return found


def isolation(project: Project, model: StartModel, catalog: Catalog) -> str:
    """Return the text of the override file, YAML with ``!reset`` and ``!override``.

    It needs Docker Compose v2.24.6, the first to let a file change services that another includes.
    """
    skipped = left_out(model)
    volumes: dict[str, Any] = {name: _Tagged("!override", {}) for name in model.declared("volumes")}
    services = {}
    for service in model.services.values():
        if service.name in skipped:
            services[service.name] = {"profiles": _Tagged("!override", [_PROFILE])}
            continue
        own = _own_mounts(project, model, service, catalog)
        for number, mount in enumerate(own, start=1):
            volumes[_volume(mount, number)] = {}
        services[service.name] = _service(model, service, own, skipped)
    document = {
        "services": {name: body for name, body in services.items() if body},
        "volumes": volumes,
        "networks": {name: _Tagged("!override", {}) for name in model.declared("networks")},
    }
    return "".join(_lines({key: value for key, value in document.items() if value}, 0))


def _service(
    model: StartModel, service: Service, own: list[Mount], skipped: Mapping[str, str]
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    container = service.text("container_name")
    if service.value("container_name") is not None:
        body["container_name"] = _Tagged("!reset", None)
    if service.value("labels") is not None:
        body["labels"] = _Tagged("!reset", {})
    if bindings := published(model, service):
        items = [
            {
                "target": int(target) if target.isdecimal() else target,
                "host_ip": "127.0.0.1",
                "protocol": port.text.protocol,
            }
            for port in bindings
            for target in [expand(port.text.target, model.variables)]
        ]
        body["ports"] = _Tagged("!override", items)
    if own:
        body["volumes"] = [
            {"type": "volume", "source": _volume(mount, number), "target": mount.text.target}
            for number, mount in enumerate(own, start=1)
        ]
    if shown := [name for name in _PROXY_VARIABLES if name in service.settings]:
        body["environment"] = dict.fromkeys(shown, "")
    needed = [name for name, _ in service.names("depends_on") if name in skipped]
    if needed:
        how = {"condition": "service_started", "required": False}
        body["depends_on"] = dict.fromkeys(needed, how)
    if networks := _networks(model, service, container):
        body["networks"] = networks
    return body


def _networks(model: StartModel, service: Service, container: str | None) -> dict[str, Any]:
    """Return what changes on the networks: no fixed addresses; a container's name is an alias."""
    if _mode(service):
        return {}
    found: dict[str, Any] = {}
    for name in networks_of(model, service.name) or ():
        changes: dict[str, Any] = {}
        if container and container != service.name:
            changes["aliases"] = [expand(container, model.variables)]
        for key in ("ipv4_address", "ipv6_address", "link_local_ips"):
            if _has(service, name, key):
                changes[key] = _Tagged("!reset", None)
        if changes:
            found[name] = changes
    return found


def _has(service: Service, network: str, key: str) -> bool:
    return any(
        name == network and merged_get(found.node, key) is not None
        for name, found in service.names("networks")
    )


def _own_mounts(
    project: Project, model: StartModel, service: Service, catalog: Catalog
) -> list[Mount]:
    """Return the bind mounts in which a data store keeps its data: the copy gets volumes there."""
    entry = known_server(project, model, service, catalog)
    is_store = placement(model, service).counts_as == "data stores"
    if not is_store and (entry is None or not entry.data):
        return []
    found = []
    for mount in mounts(model, service):
        is_file = "." in mount.text.target.rpartition("/")[2]
        if mount.text.kind == "bind" and not mount.text.read_only and not is_file:
            is_init = "initdb" in mount.text.target or "entrypoint" in mount.text.target
            if not is_init:
                found.append(mount)
    return found


def _volume(mount: Mount, number: int) -> str:
    return f"smoke-test-{mount.service}-{number}".lower()


def _mode(service: Service) -> str:
    return service.text("network_mode") or ""


def _lines(value: dict[str, Any], depth: int) -> list[str]:
    """Return *value* as lines of YAML: mappings as blocks, what is below a tag or list as JSON."""
    lines = []
    for key, inner in value.items():
        head = f"{'  ' * depth}{json.dumps(key)}:"
        if isinstance(inner, dict) and inner:
            lines += [f"{head}\n", *_lines(inner, depth + 1)]
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
# Smoke test of {title}: is it valid, does it start, is it healthy, does it answer, does it keep its
# data? It needs docker with Compose v2.24.6 or later, and curl or wget. {name} --help says more.
#
# Written by composerefactor; write it anew when services, ports or volumes change. It holds no
# value of a variable: what a client needs to log in is read in the container.
"""


def smoke_test(
    project: Project, model: StartModel, catalog: Catalog, *, directory: str, name: str
) -> str:
    """Return a POSIX shell script that checks *model* of *project*.

    *directory* leads from the directory of the script to the project root; *name* is the script's.
    """
    data = kept(project, model, catalog)
    parts = [
        _HEADER.format(title=" ".join(model.entry.title.split()), name=name),
        _settings(model.entry, directory),
        _compose(model.entry),
        _ends(model),
        _left_out(model),
        _function(
            "endpoints",
            (
                _call("endpoint", each.service, each.target, each.scheme, each.path, each.expects)
                for each in endpoints(project, model, catalog)
            ),
        ),
        _function("data", map(_keeps, data)),
        _clients(data),
        "write_isolation() {\n  cat <<'END'\n" + isolation(project, model, catalog) + "END\n}\n",
    ]
    runner = (pkgutil.get_data(__package__ or "", f"data/{_RUNNER}") or b"").decode()
    return "\n".join(parts) + runner


def _settings(entry: Invocation, directory: str) -> str:
    there = posixpath.normpath(posixpath.join(directory, entry.directory))
    return (
        f"directory={shlex.quote(there)}\n"
        f"timeout={_TIMEOUT} answer_within={_ANSWER_WITHIN} pause={_PAUSE}\n"
    )


def _compose(entry: Invocation) -> str:
    """Return the function that runs Compose as *entry* does, on the copy where there is one."""
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
    """Return *path*, relative to the root, as it is from the directory of *entry*."""
    return path if path.startswith("/") else posixpath.relpath(path, entry.directory)


def _ends(model: StartModel) -> str:
    """Return the function that tells of a service whether it ends by itself."""
    found = ending(model)
    lines = [
        f"    {' | '.join(map(shlex.quote, names))}) echo {answer} ;;\n"
        for answer, is_certain in (("yes", True), ("maybe", False))
        if (names := [name for name, certain in found.items() if certain is is_certain])
    ]
    return "ends() {\n  case $1 in\n" + "".join(lines) + "    *) echo no ;;\n  esac\n}\n"


def _left_out(model: StartModel) -> str:
    calls = (_call("report", "SKIP", name, why) for name, why in left_out(model).items())
    return _function("not_copied", calls)


def _keeps(each: KeptData) -> str:
    if each.lost:
        what = f"{each.service} keeps its data"
        return f'if [ "$phase" = read ]; then {_call("report", "SKIP", what, each.lost)}; fi'
    if each.client is None:
        return _call("volume", each.service, each.path)
    return _call("store", each.service, each.client.name)


def _clients(found: Iterable[KeptData]) -> str:
    """Return the function that prints the text that a client's container runs."""
    clients = {each.client.name: each.client for each in found if each.client and not each.lost}
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
