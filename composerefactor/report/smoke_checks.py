"""What there is to check on a stack that runs: who ends, who answers, what must be kept."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator, Mapping
from functools import cache
from posixpath import normpath
from typing import Any, Literal

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.one_off import one_off
from composerefactor.compose.ports import Port, ports
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel
from composerefactor.compose.volumes import VolumeText, volumes
from composerefactor.images.catalog import Catalog
from composerefactor.images.entries import CatalogEntry
from composerefactor.images.health.built import ProposedCheck
from composerefactor.images.health.check import healthcheck_for
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import data_paths, starts_server
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

_FILE = "stores.yml"


class Client(Struct, frozen=True):
    """The program *name* in an image; *script* is shell text that runs there.

    It writes or reads, as the variable ``DO`` says.
    """

    name: str
    script: str


def client_for(store: str) -> Client | None:
    """Return how the store with the catalogue's id *store* is asked; None where nobody knows."""
    return clients().get(store)


@cache
def clients() -> dict[str, Client]:
    """Return every known client, by the catalogue's ids of the stores."""
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
"""``ok``: a status below 400; ``answer``: below 500; ``maybe``: the same, if it speaks HTTP."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])"
    r"(?::(?P<port>[0-9]+))?(?P<path>/[\w./~%-]*)?"
)
_PORTS_OF_SCHEMES = {"http": "80", "https": "443"}
_TLS_PORTS = frozenset({"443", "8443", "9443"})
_OTHER_PROTOCOLS = frozenset(
    {
        *("21", "22", "23", "25", "53", "110", "143", "389", "465", "587", "636", "993", "995"),
        *("853", "1025", "1883", "2222", "2375", "5005", "5678", "9229", "9230", "50051"),
    }
)
"""Ports of mail, shells, name servers, debuggers and gRPC."""
_OWN_PROTOCOLS = frozenset({"database", "cache", "queue"})
"""Categories whose main port speaks no HTTP unless their health check does."""


class Endpoint(Struct, frozen=True):
    """A published TCP port *target* of *service*, asked for *path*."""

    service: str
    target: str
    scheme: str
    path: str
    expects: Expects


class KeptData(Struct, frozen=True):
    """Data that *service* must keep: at *path*, asked with *client*, or a file there without one.

    *lost* says why it cannot survive; "" where it can.
    """

    service: str
    path: str
    client: Client | None = None
    lost: str = ""


class Mount(Struct, frozen=True):
    """A volume of *service* as it is used: *source* and *target* with variables by their values."""

    service: str
    text: VolumeText

    @property
    def is_named(self) -> bool:
        """True for a volume with a name."""
        return self.text.kind == "volume" and self.text.source is not None


def ending(model: StartModel) -> dict[str, bool]:
    """Return the services that do their work and end; True where the project itself says so."""
    found = {name: one_off(model, name) for name in model.services}
    return {name: each.is_certain for name, each in found.items() if each is not None}


def mounts(model: StartModel, service: Service) -> list[Mount]:
    """Return what stands in the containers of *service*, one a target."""
    found: dict[str, Mount] = {}
    for definition in service.definitions:
        for volume in volumes(definition.body):
            text = volume.text
            target = normpath(expand(text.target, model.variables))
            source = None if text.source is None else expand(text.source, model.variables)
            kind = text.kind or ("bind" if (source or "").startswith((".", "/", "~")) else "volume")
            found[target] = Mount(service.name, VolumeText(kind, source, target, text.options))
    return list(found.values())


def published(model: StartModel, service: Service) -> list[Port]:
    """Return the ports that *service* publishes, one a container port and protocol."""
    found: dict[tuple[str, str], Port] = {}
    for definition in service.definitions:
        for port in ports(definition.body):
            target = expand(port.text.target, model.variables)
            found[target, port.text.protocol] = port
    return list(found.values())


def endpoints(project: Project, model: StartModel, catalog: Catalog) -> list[Endpoint]:
    """Return the published ports that may speak HTTP, with what to ask for."""
    return [
        endpoint
        for service in model.services.values()
        for endpoint in _endpoints(project, model, service, catalog)
    ]


def kept(project: Project, model: StartModel, catalog: Catalog) -> list[KeptData]:
    """Return the data that must survive: stores that a client can ask, then named volumes."""
    found: list[KeptData] = []
    seen: set[str] = set()
    for service in model.services.values():
        own = mounts(model, service)
        store = _store(project, model, service, catalog)
        if store is not None and (client := client_for(store.id)) is not None:
            found.append(_in_store(model, service, own, client, catalog))
            seen.update(each.text.source or "" for each in own if each.is_named)
    for service in model.services.values():
        for mount in mounts(model, service) if service.name not in ending(model) else ():
            if mount.is_named and not mount.text.read_only and mount.text.source not in seen:
                seen.add(mount.text.source or "")
                found.append(KeptData(service.name, mount.text.target))
    return found


def known_server(
    project: Project, model: StartModel, service: Service, catalog: Catalog
) -> CatalogEntry | None:
    """Return what is known about the image of *service*, if it runs the server in it."""
    use = usage(project, model, service)
    entry = catalog.match(use.image) if use.image and use.build is None else None
    command = (*(use.entrypoint or ()), *(use.command or ()))
    return entry if entry is not None and starts_server(entry, command) else None


def _store(
    project: Project, model: StartModel, service: Service, catalog: Catalog
) -> CatalogEntry | None:
    entry = known_server(project, model, service, catalog)
    return entry if entry is not None and entry.data else None


def _in_store(
    model: StartModel, service: Service, own: list[Mount], client: Client, catalog: Catalog
) -> KeptData:
    image = expand(service.text("image") or "", model.variables)
    paths = [normpath(path.path) for path in data_paths(image, catalog) or ()]
    for path in paths:
        if not any(_holds(mount.text.target, path) for mount in own):
            return KeptData(service.name, path, client, f"no volume stands at {path}")
    return KeptData(service.name, paths[0] if paths else "", client)


def _holds(target: str, path: str) -> bool:
    return target == path or path.startswith(f"{target}/") or target.startswith(f"{path}/")


def _endpoints(
    project: Project, model: StartModel, service: Service, catalog: Catalog
) -> Iterator[Endpoint]:
    asked = _urls_of(_test(project, model, service, catalog), model.variables)
    entry = known_server(project, model, service, catalog)
    other = set(_OTHER_PROTOCOLS)
    if entry is not None and entry.category in _OWN_PROTOCOLS and entry.ports:
        other.add(entry.ports[0])
    for port in published(model, service):
        target = expand(port.text.target, model.variables)
        if port.text.protocol != "tcp" or not target.isdecimal():
            continue
        if target in asked:
            scheme, path = asked[target]
            yield Endpoint(service.name, target, scheme, path, "ok")
        elif target not in other:
            scheme = "https" if target in _TLS_PORTS else "http"
            expects: Expects = "maybe" if entry is not None else "answer"
            yield Endpoint(service.name, target, scheme, "/", expects)


def _test(project: Project, model: StartModel, service: Service, catalog: Catalog) -> str:
    """Return the words of the health check of *service*, or of the one that would fit."""
    words = ""
    for found in service.values("healthcheck"):
        test = item_nodes(merged_get(found.node, "test"))
        words = " ".join(scalar_text(node) or "" for node in test) or words
    if words:
        return words
    answer = healthcheck_for(project, model, usage(project, model, service), catalog)
    return " ".join(answer.test) if isinstance(answer, ProposedCheck) else ""


def _urls_of(test: str, variables: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return scheme and path that a health check asks for, by port; never a query or a login."""
    found: dict[str, tuple[str, str]] = {}
    for match in _URL.finditer(expand(test, variables)):
        scheme, path = match["scheme"], match["path"] or "/"
        found.setdefault(match["port"] or _PORTS_OF_SCHEMES[scheme], (scheme, path))
    return found
