"""What the docker client knows of a running project. Nothing is started, changed or removed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composerefactor.errors import EngineError
from composerefactor.verify.engine import Engine, Result
from composerefactor.verify.masking import mask_text

_KEPT = ("HOME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
_SECONDS = 60.0
_PREFIX = "com.docker.compose."


@dataclass(frozen=True, slots=True)
class Container:
    """A container that Docker Compose made, as ``docker inspect`` has it in *inspected*."""

    inspected: dict[str, Any] = field(repr=False)

    def label(self, name: str) -> str:
        """Return one of Compose's own labels, ``""`` where it is missing."""
        labels = (self.inspected.get("Config") or {}).get("Labels") or {}
        return str(labels.get(f"{_PREFIX}{name}") or "")

    @property
    def name(self) -> str:
        """The name without the slash that the daemon puts before it."""
        return str(self.inspected.get("Name") or "").lstrip("/")

    @property
    def service(self) -> str:
        """The service that it was made for."""
        return self.label("service")

    @property
    def state(self) -> str:
        """What it does: ``running``, ``exited`` ..."""
        return str((self.inspected.get("State") or {}).get("Status") or "unknown")

    @property
    def files(self) -> tuple[str, ...]:
        """The Compose files of the command that made it."""
        return tuple(part for part in self.label("project.config_files").split(",") if part)


class Docker:
    """The user's docker client. Raises EngineError where there is none or no daemon answers."""

    def __init__(self) -> None:
        program = shutil.which("docker")
        if program is None:
            raise EngineError("there is no docker client to ask for the running project")
        named = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
        self._environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | named
        self._client = Engine((program,), "", "docker")
        self._images: dict[str, dict[str, Any] | None] = {}

    def containers(self, project: str) -> list[Container]:
        """Return the containers of *project*, running or not, without those of ``compose run``."""
        wanted = (f"label={_PREFIX}project={project}", f"label={_PREFIX}oneoff=False")
        filters = [word for text in wanted for word in ("--filter", text)]
        ids = self._ask(["ps", "--all", "--quiet", "--no-trunc", *filters]).split()
        if not ids:
            return []
        found = json.loads(self._ask(["inspect", "--type", "container", *ids]))
        return sorted(map(Container, found), key=lambda each: each.name)

    def image(self, reference: str) -> dict[str, Any] | None:
        """Return what is known of an image on the machine, None where there is none."""
        if reference not in self._images:
            result = self._run(["image", "inspect", reference])
            found = json.loads(result.stdout) if result.ok else []
            self._images[reference] = found[0] if found else None
        return self._images[reference]

    def _ask(self, arguments: Sequence[str]) -> str:
        result = self._run(arguments)
        if not result.ok:
            raise EngineError(
                f"docker says: {mask_text(result.error)}",
                remedy="start the daemon, or choose another one with DOCKER_HOST",
            )
        return result.stdout.decode("utf-8", "replace")

    def _run(self, arguments: Sequence[str]) -> Result:
        return self._client.run(arguments, Path.cwd(), self._environ, _SECONDS)
