"""How Compose files set a service up, as far as its health check depends on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from composerefactor.compose.definitions import known_text_of
from composerefactor.compose.interpolation import expand, expand_known
from composerefactor.compose.merge import values_below
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import Build
from composerefactor.compose.services import Service, Setting, StartModel
from composerefactor.compose.short_forms import ports


class Usage(Struct, frozen=True):
    """How a service is set up.

    Variables are replaced by their values in the env files of the project or by their defaults,
    except in *written* and *targets*.

    Attributes:
        name: The name of the service.
        image: The image, or None if there is none.
        build: How the image is built, or None if it is not built.
        entrypoint: The words of the entrypoint; None for the image's own.
        command: The words of the command; None for the image's own.
        environment: The environment; None for values that are unknown.
        written: The environment as written.
        unread: The env files that are missing.
        targets: The published container ports, as written.
        exposed: The ports of ``expose``.
        private_key: The path of a key for TLS that it mounts, or ``""``.
        has_gpu: Whether it gets a GPU, most often to load a model before it listens.
    """

    name: str
    image: str | None
    build: Build | None
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    environment: Mapping[str, str | None]
    written: Mapping[str, str]
    unread: tuple[str, ...]
    targets: tuple[str, ...]
    exposed: tuple[str, ...]
    private_key: str
    has_gpu: bool

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the entrypoint and of the command, as far as the service has its own."""
        return (*(self.entrypoint or ()), *(self.command or ()))


def usage(project: Project, model: StartModel, service: Service) -> Usage:
    """Return how *service* of *model* is set up."""
    settings = service.settings
    return Usage(
        name=service.name,
        image=known_text_of(service.image) or None,
        build=service.build.value if service.build else None,
        entrypoint=service.entrypoint.value if service.entrypoint else None,
        command=service.command.value if service.command else None,
        environment={
            name: _known_value(setting, model.variables) for name, setting in settings.items()
        },
        written={
            name: setting.value for name, setting in settings.items() if setting.value is not None
        },
        unread=tuple(
            each.value.written
            for each in service.env_file
            if each.value.path not in service.env_files and not project.exists(each.value.path)
        ),
        targets=tuple(_published_ports(service)),
        exposed=tuple(
            port.at.written.partition("/")[0]
            for port in service.expose
            if port.at.written and not port.at.written.endswith("/udp")
        ),
        private_key=next(filter(_PRIVATE_KEY.search, _mounted_files(service)), ""),
        has_gpu=_has_gpu(service),
    )


def _has_gpu(service: Service) -> bool:
    reserved = values_below(values_below(service.values("deploy"), "resources"), "reservations")
    is_reserved = any(each.items for each in values_below(reserved, "devices"))
    is_nvidia = any(each.known_text == "nvidia" for each in service.values("runtime"))
    return is_reserved or is_nvidia or bool(service.values("gpus"))


_PRIVATE_KEY = re.compile(
    r"^(?!.*(?:jwt|ssh|sign|oauth|deploy)).*"
    r"(?:[./_-](?:key|p12|pfx|jks)|(?:^|[/._-])(?:key|privkey)\.pem)$",
    re.IGNORECASE,
)


def _mounted_files(service: Service) -> Iterator[str]:
    """Yield the paths of volumes, secrets and configs in the container, and secrets' names."""
    yield from (volume.value.target for volume in service.volumes)
    for grant in (*service.secrets, *service.configs):
        yield grant.value.target or grant.value.source


def _known_value(setting: Setting, variables: Mapping[str, str]) -> str | None:
    """Return the value of *setting*; None if it is unknown or only the shell may have it.

    Env files see only *variables*, the variables of the start command (observed: v5.6.1).
    """
    if setting.value is None:  # its value is that of the start command's variable
        return variables.get(setting.name)
    return expand_known(setting.value, setting.node.scope.variables if setting.node else variables)


def _published_ports(service: Service) -> Iterator[str]:
    """Yield the published TCP ports of the container, as written, each once."""
    seen: set[str] = set()
    for definition in service.definitions:
        for port in ports(definition.body):
            target = port.text.target
            if port.text.protocol != "udp" and "-" not in target.partition("$")[0]:
                if target not in seen:
                    yield target
                seen.add(target)


_URL = (
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])"
    r"(?::(?P<port>[0-9]+))?(?P<path>/[\w./~%-]*)?"
)
_BASH_REQUEST = (
    r"/dev/tcp/(?:localhost|127\.0\.0\.1)/(?P<port>[0-9]+)\b.{0,40}?"
    r"\bGET (?P<path>/[\w./~%-]*) HTTP/"
)
_PORTS_OF_SCHEMES = {"http": "80", "https": "443"}


def urls_of(test: str, variables: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return scheme and path of the URLs in a health check, by port; never a query or a login.

    A request that Bash writes to ``/dev/tcp`` counts as well.
    """
    urls: dict[str, tuple[str, str]] = {}
    text = expand(test, variables)
    for match in re.finditer(_URL, text):
        scheme, path = match["scheme"], match["path"] or "/"
        urls.setdefault(match["port"] or _PORTS_OF_SCHEMES[scheme], (scheme, path))
    for match in re.finditer(_BASH_REQUEST, text):
        urls.setdefault(match["port"], ("http", match["path"]))
    return urls
