"""The page for health checks that a program serves, as the sources of its image show it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from msgspec import Struct

from composerefactor.images.health.servers import Server

ReadText = Callable[[str], str | None]
"""Returns the text of a file of the build context, or None if it cannot be read."""

_HEALTH_WORDS = r"(?:health|healthz|healthcheck|health-check|livez|readyz|ping|status|up)"
_ROUTE = (
    r"""(?:(?P<object>\w+)\.(?:get|all|route|api_route|Handle|HandleFunc)|\bHandle(?:Func)?)\s*\("""
    rf"""\s*["'](?P<path>/(?:[\w-]+/)*{_HEALTH_WORDS}/?)["']"""
)
_CLIENTS = frozenset({"axios", "client", "fetch", "http", "https", "requests", "session"})
"""Objects whose ``get`` sends a request instead of answering one."""
_PREFIX = r"prefix\s*[=:]|\.(?:use|mount|register_blueprint)\(\s*['\"]/\w"
"""A part of the routes is below a path."""
_MODULE = r"\b(?:uvicorn|hypercorn|daphne|gunicorn|granian)\b.*?\s([A-Za-z_][\w.]*):\w+"
_SCRIPT = r"[\w./-]+\.(?:m?[jt]s|cjs|py|rb)\b"
_PROPERTY = r"(?m)^\s*([\w.-]+)\s*[=:]\s*(\S+)\s*$"
_NEXT_FILES = tuple(
    (f"{source}{folder}/{path}{end}", f"/{path}")
    for source, (folder, ends), path in product(
        ("", "src/"),
        (("app", ("/route.ts", "/route.js")), ("pages", (".ts", ".js"))),
        ("api/health", "api/healthz", "api/healthcheck"),
    )
    for end in ends
)


class HealthPage(Struct, frozen=True):
    """A page that answers with success while the server is healthy.

    Attributes:
        path: The path of the URL.
        evidence: Where it was found.
    """

    path: str
    evidence: str


def health_page(
    read: ReadText, text: str, server: Server | None, package: Mapping[str, Any]
) -> HealthPage | None:
    """Return the page for health checks that the command line *text* serves, or None.

    Only pages in the source count: a route in a file that the command names, or a page of the
    framework itself. *read* reads the build context, *package* is its package.json.
    """
    if server is not None and server.path:
        return HealthPage(server.path, f"a page of {server.name}")
    dependencies = {**mapping_at(package, "dependencies"), **mapping_at(package, "devDependencies")}
    if "next" in dependencies:
        for path, page in _NEXT_FILES:
            if read(path) is not None:
                return HealthPage(page, path)
    routes = read("config/routes.rb")
    if routes and "rails/health#show" in routes:
        route = re.search(
            r"get\s+[\"']/?([\w/]+)[\"']\s*(?:=>|,\s*to:)\s*[\"']rails/health#show", routes
        )
        if route:
            return HealthPage(f"/{route[1]}", "config/routes.rb")
    laravel = re.search(r"health:\s*['\"](/\w+)['\"]", read("bootstrap/app.php") or "")
    if laravel:
        return HealthPage(laravel[1], "bootstrap/app.php")
    for path in _source_files(text, package):
        page = _health_route(read(path) or "")
        if page:
            return HealthPage(page, path)
    return None


def _health_route(source: str) -> str:
    """Return the path for health checks that the text *source* of a program serves, or ``""``."""
    has_prefix = re.search(_PREFIX, source) is not None
    for route in re.finditer(_ROUTE, source):
        is_below = has_prefix and route["object"] not in {"app", "server", None}
        if route["object"] not in _CLIENTS and not is_below:
            return str(route["path"])
    return ""


def spring_boot(read: ReadText) -> tuple[str, HealthPage | None] | None:
    """Return the port and the health page of a Spring Boot application; None for others.

    The page is that of Actuator, if it is on the class path and has its default path.
    """
    build = "".join(read(p) or "" for p in ("pom.xml", "build.gradle", "build.gradle.kts"))
    if "spring-boot" not in build:
        return None
    resources = "src/main/resources/application"
    properties = dict(re.findall(_PROPERTY, read(f"{resources}.properties") or ""))
    text = "\n".join(read(f"{resources}.{end}") or "" for end in ("yml", "yaml"))
    port = properties.get("server.port", "")
    if not port and (
        port_match := re.search(
            r"^server:\n(?:[ \t]+.*\n)*?[ \t]+port:\s*(\S+)", text + "\n", re.MULTILINE
        )
    ):
        port = port_match[1]
    port_number = re.fullmatch(r"(?:\$\{\w+:)?(\d+)\}?", port)
    is_moved = any(key.startswith("management.") or "context-path" in key for key in properties)
    is_moved = is_moved or "management:" in text or "context-path" in text
    page = None
    if "spring-boot-starter-actuator" in build and not is_moved:
        page = HealthPage("/actuator/health", "spring-boot-starter-actuator")
    return (port_number[1] if port_number else "8080"), page


def _source_files(text: str, package: Mapping[str, Any]) -> Iterator[str]:
    """Yield the source files that a command line starts."""
    for script in re.finditer(_SCRIPT, text):
        yield posixpath.normpath(script[0]).removeprefix("/app/").removeprefix("/")
    module = re.search(_MODULE, text)
    if module:
        yield f"{module[1].replace('.', '/')}.py"
        yield f"src/{module[1].replace('.', '/')}.py"
    main = package.get("main")
    if isinstance(main, str):
        yield posixpath.normpath(main)
    if package:
        yield from ("src/index.ts", "src/server.ts", "src/app.ts", "src/index.js", "server.js")


def mapping_at(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object at *key* of the JSON object *values*; ``{}`` if there is none."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}
