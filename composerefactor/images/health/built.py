"""Health checks for images that the project builds itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import expand
from composerefactor.images.dockerfiles import Chain, exposed
from composerefactor.images.entries import Command, Evidence, Times, in_range, parse_tag
from composerefactor.images.health import servers as commands
from composerefactor.images.health.probes import (
    Asks,
    Probe,
    Programs,
    command_for,
    default_command,
    programs,
)
from composerefactor.images.health.servers import Image, Port, Server, listening
from composerefactor.images.health.usage import Usage


class ProposedCheck(Struct, frozen=True):
    """A health check; *test* is as a Compose file has it, ``$$`` for ``$``.

    *evidence* says in words how it is known that it can run, *verified* how sure that is; *note*
    is what a reader should know besides.
    """

    test: Command
    times: Times
    evidence: str
    verified: Evidence
    note: str = ""


class NoPossibleCheck(Struct, frozen=True):
    """No health check can be given: why, and what would make it possible."""

    reason: str
    remedy: str


class NoCheckNeeded(Struct, frozen=True):
    """No health check is missing, and why. *has_check* tells whether there is one."""

    reason: str
    has_check: bool = True


Answer: TypeAlias = ProposedCheck | NoPossibleCheck | NoCheckNeeded


Read = Callable[[str], str | None]
"""Gives the text of a file of the build context, or None."""

_WORDS = r"(?:health|healthz|healthcheck|health-check|livez|readyz|ping|status|up)"
_ROUTE = re.compile(
    r"""(?:\.(?:get|all|route|api_route)\s*\(|@(?:app|router|bp|api)\.\w+\s*\(|\bHandleFunc\s*\(|\bHandle\s*\()"""
    rf"""\s*["'](?P<path>/(?:[\w-]+/)*{_WORDS}/?)["']"""
)
_MODULE = re.compile(r"\b(?:uvicorn|hypercorn|daphne|gunicorn|granian)\b.*?\s([A-Za-z_][\w.]*):\w+")
_SCRIPT = re.compile(r"[\w./-]+\.(?:m?[jt]s|cjs|py|rb)\b")
_PROPERTY = re.compile(r"^\s*([\w.-]+)\s*[=:]\s*(\S+)\s*$", re.MULTILINE)
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


QUICK = Times("30s", "5s", 3, "30s")
SLOW = Times("30s", "10s", 3, "60s")
_SLOW_STARTERS = ("java", "rails", "puma", "dotnet", " dev", "artisan")
_WEB_LIBRARIES = {"next": "3000", "@nestjs/core": "3000", "express": "", "fastify": "", "koa": ""}
BY_HAND = "write HEALTHCHECK in its Dockerfile, or healthcheck here, with a command of its own"


class BuiltImage(Struct, frozen=True, dict=True):
    """What a service that is built runs: *chain* is its image, *read* gives its context's texts."""

    chain: Chain
    read: Callable[[str], str | None]
    use: Usage

    def check(self) -> Answer:
        """Return a health check that the image can run, or why there is none."""
        own = self.chain.last("HEALTHCHECK")
        if own is not None:
            is_off = own.text.upper() == "NONE"
            does = "switches health checks off" if is_off else "has a HEALTHCHECK"
            return NoCheckNeeded(f"its Dockerfile {does} (line {own.line})", has_check=not is_off)
        if self.server is not None and self.server.never:
            return NoPossibleCheck(f"{self.server.never}: there is nothing to ask", BY_HAND)
        if self.server is not None and self.server.name == "celery worker":
            return self._celery()
        port = listening(self.use, self.command, self._image())
        if port is None:
            return NoPossibleCheck(
                "nothing says on which port it listens",
                "publish or expose its port, or write HEALTHCHECK in its Dockerfile",
            )
        return self._probe(port)

    @cached_property
    def arguments(self) -> Mapping[str, str | None]:
        """The arguments of the build."""
        return self.use.build.arguments if self.use.build else {}

    @cached_property
    def package(self) -> Mapping[str, Any]:
        """What package.json says."""
        return commands.read_json(self.read, "package.json")

    @cached_property
    def is_own_command(self) -> bool:
        """Whether the command of the image runs, and not one of the Compose file."""
        return self.use.entrypoint is None and self.use.command is None

    @cached_property
    def command(self) -> str:
        """The command line, its scripts written out and its variables replaced."""
        entrypoint = self.chain.last("ENTRYPOINT")
        command = self.chain.last("CMD")
        words = self.use.entrypoint
        if words is None:
            words = entrypoint.command if entrypoint else ()
        if self.use.command is not None:
            words = (*words, *self.use.command)
        elif self.use.entrypoint is None and command:  # an entrypoint of the file drops CMD
            words = (*words, *command.command)
        elif self.use.entrypoint is None and not words:
            words = (default_command(self.chain.base),)
        environment = self.chain.environment(self.arguments)
        known = {k: v for k, v in self.use.environment.items() if v is not None}
        text = expand(commands.text_of(words), {**environment, **known})
        return commands.with_scripts(text, self.package)

    @cached_property
    def server(self) -> Server | None:
        """What kind of server the command starts."""
        return commands.server(self.command)

    @cached_property
    def spring(self) -> tuple[str, Page | None] | None:
        """Port and page of a Spring Boot application."""
        return spring(self.read) if re.search(r"\bjava\b|^$", self.command) else None

    @cached_property
    def programs(self) -> Programs:
        """The programs in the image; what its command runs is one of them."""
        known = programs(self.chain)
        runtime = commands.runtime(self.command)
        if not runtime or runtime in known:
            return known
        return replace(known, found={**known.found, runtime: "its command"})

    def _image(self) -> Image:
        """Return what the image says on its port; EXPOSE is about the image's own command."""
        default, of = self._default()
        if not self.is_own_command and not default:
            return Image()
        variables = tuple(self.chain.environment(self.arguments).items())
        return Image(exposed(self.chain, self.arguments), variables, default, of)

    def _default(self) -> tuple[str, str]:
        """Return the port that such a program takes, and what program that is."""
        if self.spring is not None:
            return self.spring[0], "Spring Boot"
        if self.server is not None:
            return self.server.port, self.server.name
        if "dotnet " in self.command and "dotnet/aspnet" in self.chain.base:
            tag = parse_tag(parse_image(self.chain.base).tag or "")
            return ("80" if in_range(tag, "<8") else "8080"), "ASP.NET Core"
        dependencies = self.package.get("dependencies")
        for name, port in _WEB_LIBRARIES.items():
            if isinstance(dependencies, dict) and name in dependencies:
                return port, name
        return "", ""

    def _probe(self, port: Port) -> Answer:
        page = (self.spring[1] if self.spring else None) or health_page(
            self.read, self.command, self.server, self.package
        )
        asks: Asks = "ok" if page else ("answer" if self._speaks_http() else "connect")
        found = command_for(Probe(asks, port.text, page.path if page else "/"), self.programs)
        if found is None:
            held = "holds no program that could ask it"
            what = held if self.programs.is_complete else "is not known to hold a program for it"
            if self.use.build is None:
                return NoPossibleCheck(
                    f"the image {self.chain.base} {what}",
                    "take one that holds curl or wget, or write a check with a command of its own",
                )
            return NoPossibleCheck(
                f"its image, from {self.chain.base or 'an unknown base'}, {what}",
                "install curl or wget in its last stage, or write HEALTHCHECK with a command of "
                "its own",
            )
        test, program = found
        how = self.programs.found[program]
        evidence = [f"{program.rpartition('/')[2]}: {how}", f"port {port.text}: {port.how}"]
        if page is not None:
            evidence.append(f"{page.path}: {page.how}")
        times = SLOW if any(word in self.command for word in _SLOW_STARTERS) else QUICK
        note = "" if page else f"says only that {_ASKS[asks]}; a page for it would say more"
        verified: Evidence = self.programs.verified if how.startswith("base") else "dockerfile"
        return ProposedCheck(test, times, "; ".join(evidence), verified, note)

    def _speaks_http(self) -> bool:
        if self.spring is not None:
            return True
        return self.server.http if self.server is not None else bool(self._default()[1])

    def _celery(self) -> Answer:
        application = commands.celery_application(self.command)
        if not application:
            return NoPossibleCheck("its command does not name the celery application", BY_HAND)
        return ProposedCheck(
            ("CMD-SHELL", f"celery -A {application} inspect ping -d celery@$$HOSTNAME"),
            Times("60s", "30s", 3, "60s"),
            "celery: its command",
            "docs",
            "it asks through the broker, and starts Python each time",
        )


_ASKS: Mapping[Asks, str] = {"connect": "its port is open", "answer": "it answers HTTP", "ok": ""}
