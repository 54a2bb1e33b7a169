"""Health checks for images that the project builds, and the types of all answers.

The check is derived from the Dockerfile, the command, and the source files of the build context:
the port, a page for health checks, and a program in the image that can probe it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import expand
from composerefactor.confidence import Confidence, least_certain
from composerefactor.images.dockerfiles import Chain, Instruction, exposed_ports
from composerefactor.images.entries import Command, Times, in_range, parse_tag
from composerefactor.images.health.pages import HealthPage, health_page, mapping_at, spring_boot
from composerefactor.images.health.probes import (
    Probe,
    ProbeKind,
    Programs,
    command_for,
    default_command,
    installed_programs,
)
from composerefactor.images.health.servers import (
    ImagePorts,
    ListeningPort,
    Server,
    bind_host,
    celery_client,
    command_line,
    find_runtime,
    find_server,
    is_grpc_port,
    listening_port,
    next_host,
    read_json,
    with_package_scripts,
)
from composerefactor.images.health.usage import Usage


class ProposedCheck(Struct, frozen=True):
    """A health check for a service that has none.

    Attributes:
        test: The command as written in a Compose file, with ``$$`` for ``$``.
        times: How often it runs, and how long it may fail.
        evidence: Why it can run, in words.
        confidence: How sure it is that it passes while the service can be used.
        note: A remark for the reader, or ``""``.
        passes: When it passes, as a sentence; ``""`` if the command shows it.
    """

    test: Command
    times: Times
    evidence: str
    confidence: Confidence
    note: str = ""
    passes: str = ""


class NoPossibleCheck(Struct, frozen=True):
    """No health check can be suggested: the reason, and what would make one possible."""

    reason: str
    remedy: str


class NoCheckNeeded(Struct, frozen=True):
    """No health check is missing.

    Attributes:
        reason: Why none is missing.
        has_check: Whether the service has a health check.
        confidence: How sure that is.
        test: The command of a ``HEALTHCHECK`` in a Dockerfile, as ``test`` has it.
        is_off: Whether the image disables health checks.
    """

    reason: str
    has_check: bool = True
    confidence: Confidence = "verified"
    test: Command = ()
    is_off: bool = False


INHERITED = "the HEALTHCHECK of its Dockerfile"
"""How the reason begins where the image of the service has a check that cannot pass."""

Answer: TypeAlias = ProposedCheck | NoPossibleCheck | NoCheckNeeded


_STANDALONE = r"\bnode\s+(?:--?\S+\s+)*(?:\S*/)?server\.js\b"
"""The command of a standalone build of Next.js."""

_MOVES_ACTUATOR = re.compile(r"MANAGEMENT_|SERVER_SERVLET_CONTEXT_?PATH|SPRING_WEBFLUX_BASE_?PATH")


def _own_test(own: Instruction) -> Command:
    """Return the command of the ``HEALTHCHECK`` *own*, ``()`` for ``NONE``."""
    if own.text[:3].upper() != "CMD":
        return ()
    command = replace(own, text=own.text[3:].strip())
    return ("CMD", *command.words) if command.words else ("CMD-SHELL", command.text)


QUICK = Times("30s", "5s", 3, "30s")
SLOW = Times("30s", "10s", 3, "60s")
_SLOW_STARTERS = ("java", "rails", "puma", "dotnet", " dev", "artisan")
_PREPARES = re.compile(
    r"""\b(?:
        (?:npm|pnpm|yarn|bun)\s+(?:ci|i|install|(?:run\s+)?build)|yarn\s*(?:&&|;)
        |(?:pip3?|poetry|pipenv|bundle|composer)\s+install|uv\s+sync
        |(?:go|cargo|dotnet)\s+(?:run|build|watch|restore)|mvnw?|gradlew?
        |(?<![\w./-])(?:air|reflex)
    )(?![\w.-])""",
    re.VERBOSE,
)
_ASKS_PORT = r"https?://|/dev/tcp/|\b(?:localhost|127\.0\.0\.1)[: ]\d"
_SHELL_SCRIPT = r"(?<![\w./-])\.?/?([\w./-]+\.sh)\b"
_PREPARING_TIME = "300s"
"""A container that first installs, compiles or loads what it runs is not unhealthy in that time."""
_WEB_LIBRARIES = {"next": "3000", "@nestjs/core": "3000", "express": "", "fastify": "", "koa": ""}
CUSTOM_CHECK_REMEDY = (
    "add a HEALTHCHECK to its Dockerfile, or a healthcheck to the service, with a custom command"
)
PORT_REMEDY = "publish or expose its port, or add a HEALTHCHECK to its Dockerfile"
_PROBE_LIMITS: Mapping[ProbeKind, str] = {
    "connect": "its port is open",
    "answer": "it answers HTTP requests",
    "ok": "",
}


def check_times(use: Usage, command: str, times: Times | None = None, scripts: str = "") -> Times:
    """Return the times of a check for what *command* starts, *times* if they are given.

    A first start that installs dependencies, compiles, or loads a model to the GPU of *use* takes
    minutes. *scripts* is the text of the scripts that it runs.
    """
    if times is None:
        times = SLOW if any(word in command for word in _SLOW_STARTERS) else QUICK
    prepares = use.has_gpu or _PREPARES.search(command) or _PREPARES.search(scripts)
    return replace(times, start_period=_PREPARING_TIME) if prepares else times


class BuiltImage(Struct, frozen=True, dict=True):
    """The image of a service, as its Dockerfile and its build context describe it.

    Attributes:
        chain: The base image and the instructions.
        read: Reads a file of the build context.
        use: How the service is set up.
    """

    chain: Chain
    read: Callable[[str], str | None]
    use: Usage

    def check(self) -> Answer:
        """Return a health check that the image can run, or the reason why there is none."""
        own = self.chain.last("HEALTHCHECK")
        if own is not None and not self._listens_nowhere(own):
            is_off = own.text.upper() == "NONE"
            does = "disables health checks" if is_off else "has a HEALTHCHECK"
            reason = f"its Dockerfile {does} (line {own.line})"
            test = _own_test(own)
            return NoCheckNeeded(reason, has_check=not is_off, test=test, is_off=is_off)
        if self.server is not None and self.server.no_port:
            if own is not None:
                reason = f"{INHERITED} (line {own.line}) asks a port, but "
                remedy = "write healthcheck: {disable: true}, or a check of its own"
                return NoPossibleCheck(reason + self.server.no_port, remedy)
            reason = f"{self.server.no_port}: there is no port to check"
            return NoPossibleCheck(reason, CUSTOM_CHECK_REMEDY)
        if self.server is not None and self.server.name == "celery worker":
            return self._celery()
        port = listening_port(self.use, self.command, self._image())
        if port is None:
            return NoPossibleCheck("it is unknown on which port it listens", PORT_REMEDY)
        return self._probe(port)

    def _listens_nowhere(self, check: Instruction) -> bool:
        """Return whether *check*, the HEALTHCHECK of the image, asks a port that is never open.

        A worker with the image of the server inherits the check of the server.
        """
        is_worker = self.server is not None and (
            bool(self.server.no_port) or self.server.name == "celery worker"
        )
        return is_worker and not self.is_own_command and bool(re.search(_ASKS_PORT, check.text))

    @cached_property
    def arguments(self) -> Mapping[str, str | None]:
        """The arguments of the build, by name."""
        return self.use.build.arguments if self.use.build else {}

    @cached_property
    def package(self) -> Mapping[str, Any]:
        """The content of package.json, empty if there is none."""
        return read_json(self.read, "package.json")

    @cached_property
    def is_own_command(self) -> bool:
        """Whether the image's own command runs, and not one from the Compose file."""
        return self.use.entrypoint is None and self.use.command is None

    @cached_property
    def command(self) -> str:
        """The command line, with package.json scripts appended and variables replaced."""
        entrypoint = self.chain.last("ENTRYPOINT")
        command = self.chain.last("CMD")
        words = self.use.entrypoint
        if words is None:
            words = entrypoint.command if entrypoint else ()
        if self.use.command is not None:
            words = (*words, *self.use.command)
        elif self.use.entrypoint is None and command:  # An entrypoint of the service drops CMD.
            words = (*words, *command.command)
        elif self.use.entrypoint is None and not words:
            words = (default_command(self.chain.base),)
        environment = self.chain.environment(self.arguments)
        known = {k: v for k, v in self.use.environment.items() if v is not None}
        text = expand(command_line(words), {**environment, **known})
        return with_package_scripts(text, self.package)

    @cached_property
    def server(self) -> Server | None:
        """The kind of server that the command starts, or None."""
        return find_server(self.command)

    @cached_property
    def spring(self) -> tuple[str, HealthPage | None] | None:
        """The port and the health page of a Spring Boot application; None for others."""
        found = spring_boot(self.read) if re.search(r"\bjava\b|^$", self.command) else None
        if found and any(map(_MOVES_ACTUATOR.match, self.use.environment)):
            return found[0], None
        return found

    @cached_property
    def programs(self) -> Programs:
        """The programs in the image, including the one that its command runs."""
        known = installed_programs(self.chain)
        runtime = find_runtime(self.command)
        if not runtime or runtime in known:
            return known
        return replace(known, sources={**known.sources, runtime: "its command"})

    def _image(self) -> ImagePorts:
        """Return the ports that the image declares; EXPOSE counts for its own command only."""
        default, program = self._default()
        if not self.is_own_command and not default:
            return ImagePorts()
        variables = tuple(self.chain.environment(self.arguments).items())
        return ImagePorts(exposed_ports(self.chain, self.arguments), variables, default, program)

    def _default(self) -> tuple[str, str]:
        """Return the default port of the program that runs, and the name of the program."""
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

    def _probe(self, port: ListeningPort) -> Answer:
        host = self._host()
        if host is None:
            return NoPossibleCheck("it is unknown to which address it binds", CUSTOM_CHECK_REMEDY)
        page = (self.spring[1] if self.spring else None) or health_page(
            self.read, self.command, self.server, self.package
        )
        kind: ProbeKind = "ok" if page else ("answer" if self._speaks_http() else "connect")
        if is_grpc_port(self.use, port.text):
            page, kind = None, "connect"
        probe = Probe(kind, port.text, page.path if page else "/", host)
        command = command_for(probe, self.programs)
        if command is None:
            lack = "contains no program that can probe the port"
            if not self.programs.is_complete:
                lack = "is not known to contain a program that can probe the port"
            if self.use.build is None:
                return NoPossibleCheck(
                    f"the image {self.chain.base} {lack}",
                    "use an image that contains curl or wget, or write a health check with a "
                    "custom command",
                )
            return NoPossibleCheck(
                f"its image, based on {self.chain.base or 'an unknown image'}, {lack}",
                "install curl or wget in its last stage, or add a HEALTHCHECK with a custom "
                "command to its Dockerfile",
            )
        test, program = command
        source = self.programs.sources[program]
        evidence = [f"{program.rpartition('/')[2]}: {source}", f"port {port.text}: {port.evidence}"]
        if page is not None:
            evidence.append(f"{page.path}: {page.evidence}")
        times = check_times(self.use, self.command, scripts=self._scripts())
        note = "" if page else f"only checks that {_PROBE_LIMITS[kind]}; a page for it is better"
        of_program = self.programs.confidence if source.startswith("base") else "verified"
        # Without a command, nobody knows which program listens.
        of_server: Confidence = "verified" if self.command.strip() else "guess"
        certainty = least_certain(of_program, of_server, port.confidence)
        return ProposedCheck(test, times, "; ".join(evidence), certainty, note)

    def _scripts(self) -> str:
        """Return the text of the scripts that the command runs, if the build context has them."""
        names = dict.fromkeys(re.findall(_SHELL_SCRIPT, self.command))
        texts = (self.read(path) for name in names for path in (name, posixpath.basename(name)))
        return "\n".join(filter(None, texts))

    def _host(self) -> str | None:
        """Return the host at which the server answers, or None if it is unknown."""
        is_next = "next" in mapping_at(self.package, "dependencies")
        if is_next and re.search(_STANDALONE, self.command):
            return next_host({**self.chain.environment(self.arguments), **self.use.environment})
        return bind_host(self.command)

    def _speaks_http(self) -> bool:
        if self.spring is not None:
            return True
        return self.server.http if self.server is not None else bool(self._default()[1])

    def _celery(self) -> Answer:
        client = celery_client(self.command)
        if not client:
            return NoPossibleCheck(
                "its command does not name the Celery application", CUSTOM_CHECK_REMEDY
            )
        return ProposedCheck(
            ("CMD-SHELL", f"{client} inspect ping -d celery@$$HOSTNAME"),
            check_times(self.use, self.command, Times("60s", "30s", 3, "60s"), self._scripts()),
            "celery: its command",
            "verified",
            "asks the worker through the broker, and starts Python for each check",
        )
