"""On which port a server listens in its container."""

from __future__ import annotations

from msgspec import Struct

from composerefactor.compose.expand import expand
from composerefactor.health.commands import is_number, option_port
from composerefactor.health.usage import Usage

_VARIABLES = (
    "PORT",
    "SERVER_PORT",
    "HTTP_PORT",
    "APP_PORT",
    "UVICORN_PORT",
    "ASPNETCORE_HTTP_PORTS",
)
_NOT_MAIN = frozenset({"443", "8443", "9229", "9230", "5005", "5678", "2345", "35729"})
"""Ports of TLS, debuggers and live reload; another one is asked where there is another."""


_USUAL = frozenset({"80", "3000", "5000", "8000", "8080"})


class Port(Struct, frozen=True):
    """A port, *text* as a Compose file may have it, and *how* it is known."""

    text: str
    how: str


class Image(Struct, frozen=True):
    """What an image says on its port: EXPOSE, ENV, and the default of what it runs."""

    exposed: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    default: str = ""
    default_of: str = ""


def listening(use: Usage, command: str, image: Image) -> Port | None:
    """Return the port on which the service *use* listens, or None where nothing tells.

    In this order: an option of its *command*; the port that is published, of several the one that
    a variable, the image or its kind confirms; a variable; ``expose``; the image.
    """
    others = [*_variables(use), *_of_image(use, image)]
    option = option_port(command)
    if is_number(option):
        by_variable = [port for port in _variables(use) if expand(port.text, {}) == option]
        return by_variable[0] if by_variable else Port(option, "its command")
    if len(use.targets) == 1:
        return Port(use.targets[0], "its published port")
    for port in others:
        if port.text in use.targets:
            return port
    if use.targets:
        main = [target for target in use.targets if target not in _NOT_MAIN] or use.targets
        usual = [target for target in main if target in _USUAL]
        return Port((usual or list(main))[0], "one of its published ports")
    return others[0] if others else None


def _variables(use: Usage) -> list[Port]:
    found = []
    for name in _VARIABLES:
        value = use.environment.get(name)
        if value and is_number(value):
            found.append(Port(use.written.get(name, value), f"the variable {name}"))
    urls = use.environment.get("ASPNETCORE_URLS") or ""
    port = urls.partition(";")[0].rstrip("/").rpartition(":")[2]
    if is_number(port):
        found.append(Port(port, "the variable ASPNETCORE_URLS"))
    return found


def _of_image(use: Usage, image: Image) -> list[Port]:
    found = [Port(port, "expose") for port in use.exposed if is_number(port)]
    found += [
        Port(value, f"ENV {name} of its Dockerfile")
        for name in _VARIABLES
        for known, value in image.variables
        if known == name and is_number(value)
    ]
    exposed = [port for port in image.exposed if is_number(port)]
    main = [port for port in exposed if port not in _NOT_MAIN] or exposed
    found += [Port(port, "EXPOSE of its Dockerfile") for port in main]
    if image.default:
        found.append(Port(image.default, f"the default of {image.default_of}"))
    return found
