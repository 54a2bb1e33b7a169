"""Health checks for images that the project builds itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.catalog.facts import Evidence, Times
from composerefactor.catalog.tags import in_range, parse_tag
from composerefactor.compose.expand import expand
from composerefactor.compose.image import parse_image
from composerefactor.health import commands
from composerefactor.health.answers import Answer, Impossible, Proposed, Unneeded
from composerefactor.health.commands import Server
from composerefactor.health.dockerfile import Chain, exposed
from composerefactor.health.listening import Image, Port, listening
from composerefactor.health.probes import Asks, Probe, command_for
from composerefactor.health.programs import Programs, default_command, programs
from composerefactor.health.routes import Page, health_page, spring
from composerefactor.health.usage import Usage

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
            return Unneeded(f"its Dockerfile {does} (line {own.line})", has_check=not is_off)
        if self.server is not None and self.server.never:
            return Impossible(f"{self.server.never}: there is nothing to ask", BY_HAND)
        if self.server is not None and self.server.name == "celery worker":
            return self._celery()
        port = listening(self.use, self.command, self._image())
        if port is None:
            return Impossible(
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
                return Impossible(
                    f"the image {self.chain.base} {what}",
                    "take one that holds curl or wget, or write a check with a command of its own",
                )
            return Impossible(
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
        return Proposed(test, times, "; ".join(evidence), verified, note)

    def _speaks_http(self) -> bool:
        if self.spring is not None:
            return True
        return self.server.http if self.server is not None else bool(self._default()[1])

    def _celery(self) -> Answer:
        application = commands.celery_application(self.command)
        if not application:
            return Impossible("its command does not name the celery application", BY_HAND)
        return Proposed(
            ("CMD-SHELL", f"celery -A {application} inspect ping -d celery@$$HOSTNAME"),
            Times("60s", "30s", 3, "60s"),
            "celery: its command",
            "docs",
            "it asks through the broker, and starts Python each time",
        )


_ASKS: Mapping[Asks, str] = {"connect": "its port is open", "answer": "it answers HTTP", "ok": ""}
