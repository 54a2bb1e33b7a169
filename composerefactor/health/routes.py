"""Pages that tell a server's health, found in the source that its image is built from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from msgspec import Struct

from composerefactor.health.commands import Server
from composerefactor.patterns import regex

Read = Callable[[str], str | None]
"""Gives the text of a file of the build context, or None."""

_WORDS = r"(?:health|healthz|healthcheck|health-check|livez|readyz|ping|status|up)"
_ROUTE = regex(
    r"""(?:\.(?:get|all|route|api_route)\s*\(|@(?:app|router|bp|api)\.\w+\s*\(|\bHandleFunc\s*\(|\bHandle\s*\()"""
    rf"""\s*["'](?P<path>/(?:[\w-]+/)*{_WORDS}/?)["']"""
)
_MODULE = regex(r"\b(?:uvicorn|hypercorn|daphne|gunicorn|granian)\b.*?\s([A-Za-z_][\w.]*):\w+")
_SCRIPT = regex(r"[\w./-]+\.(?:m?[jt]s|cjs|py|rb)\b")
_PROPERTY = regex(r"^\s*([\w.-]+)\s*[=:]\s*(\S+)\s*$", re.MULTILINE)
_NEXT_FILES = tuple(
    (f"{source}{folder}/{path}{end}", f"/{path}")
    for source, (folder, ends), path in product(
        ("", "src/"),
        (("app", ("/route.ts", "/route.js")), ("pages", (".ts", ".js"))),
        ("api/health", "api/healthz", "api/healthcheck"),
    )
    for end in ends
)


class Page(Struct, frozen=True):
    """A *path* that answers well while the server is; *how* says how it is known."""

    path: str
    how: str
    port: str = ""


def health_page(
    read: Read, text: str, server: Server | None, package: Mapping[str, Any]
) -> Page | None:
    """Return the page that the command line *text* serves for this purpose, or None.

    Only what is found in the source counts: a route in a file that the command names, a page of
    the framework itself.
    """
    if server is not None and server.path:
        return Page(server.path, f"a page of {server.name}")
    dependencies = {**_object(package, "dependencies"), **_object(package, "devDependencies")}
    if "next" in dependencies:
        for path, page in _NEXT_FILES:
            if read(path) is not None:
                return Page(page, path)
    routes = read("config/routes.rb")
    if routes and "rails/health#show" in routes:
        found = re.search(
            r"get\s+[\"']/?([\w/]+)[\"']\s*(?:=>|,\s*to:)\s*[\"']rails/health#show", routes
        )
        if found:
            return Page(f"/{found[1]}", "config/routes.rb")
    laravel = re.search(r"health:\s*['\"](/\w+)['\"]", read("bootstrap/app.php") or "")
    if laravel:
        return Page(laravel[1], "bootstrap/app.php")
    for path in _sources(text, package):
        found = _ROUTE.search(read(path) or "")
        if found:
            return Page(found["path"], path)
    return None


def spring(read: Read) -> tuple[str, Page | None] | None:
    """Return port and health page of a Spring Boot application; None where it is none.

    The page is Actuator's, where that is on the class path and stands where it does by default.
    """
    build = "".join(read(p) or "" for p in ("pom.xml", "build.gradle", "build.gradle.kts"))
    if "spring-boot" not in build:
        return None
    resources = "src/main/resources/application"
    known = dict(_PROPERTY.findall(read(f"{resources}.properties") or ""))
    text = "\n".join(read(f"{resources}.{end}") or "" for end in ("yml", "yaml"))
    port = known.get("server.port", "")
    if not port and (
        written := re.search(
            r"^server:\n(?:[ \t]+.*\n)*?[ \t]+port:\s*(\S+)", text + "\n", re.MULTILINE
        )
    ):
        port = written[1]
    number = re.fullmatch(r"(?:\$\{\w+:)?(\d+)\}?", port)
    moved = any(key.startswith("management.") or "context-path" in key for key in known)
    moved = moved or "management:" in text or "context-path" in text
    page = None
    if "spring-boot-starter-actuator" in build and not moved:
        page = Page("/actuator/health", "spring-boot-starter-actuator")
    return (number[1] if number else "8080"), page


def _sources(text: str, package: Mapping[str, Any]) -> Iterator[str]:
    """Yield the source files that a command line starts."""
    for found in _SCRIPT.finditer(text):
        yield posixpath.normpath(found[0]).removeprefix("/app/").removeprefix("/")
    module = _MODULE.search(text)
    if module:
        yield f"{module[1].replace('.', '/')}.py"
        yield f"src/{module[1].replace('.', '/')}.py"
    main = package.get("main")
    if isinstance(main, str):
        yield posixpath.normpath(main)
    if package:
        yield from ("src/index.ts", "src/server.ts", "src/app.ts", "src/index.js", "server.js")


def _object(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key)
    return value if isinstance(value, dict) else {}
