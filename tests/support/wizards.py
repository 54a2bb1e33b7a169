"""Sessions of the wizard without a terminal."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from composerefactor.cli.wizard.session import Context, Session
from composerefactor.cli.wizard.steps import wizard
from composerefactor.cli.wizard.work import Say
from composerefactor.cli.wizard.workshop import Workshop
from composerefactor.planning.opening import ProjectSelection
from composerefactor.proof.engine import find_engine
from composerefactor.report.text import Style

SHOP = """\
# Ask in #shop before you change a port.
version: "3.8"

x-logging: &logging
  logging: {driver: json-file}

services:
  # ---- front ----
  web:
    <<: *logging
    image: nginx:1.27
    ports:
      - "8080:80"  # the only public port
    depends_on: [api]

  api:
    <<: *logging
    image: ghcr.io/shop/api:3
    environment:
      DATABASE_URL: postgres://db:5432/shop

  db:
    image: postgres:16
    environment: [POSTGRES_PASSWORD]
    ports: ["5432:5432"]
    volumes:
      - pgdata:/var/lib/postgresql/data

  cache:
    image: redis:7

volumes:
  # nightly backup
  pgdata:
"""
NOTES = "\n" + "".join(f"# Note {n} of the people who ran it before.\n" for n in range(1, 91))
"""What makes a file long enough for modules, where no change comes near it."""

SHOP += NOTES

PRODUCTION = """\
services:
  web:
    image: nginx:1.27
    restart: always
    ports:
      - "80:80"
  api:
    image: ghcr.io/shop/api:3
    restart: always
  db:
    image: postgres:16
    volumes:
      - pgdata:/var/lib/postgresql/data

volumes:
  pgdata:
"""

BROKEN = """\
services:
  web:
    image: nginx:1.27
  api:
    image: ghcr.io/shop/api:3
    depends_on: [redis]
    environment:
      SECRET_TOKEN: correct-horse-battery
  worker:
    image: ghcr.io/shop/api:3
"""
BROKEN += NOTES


@dataclass
class Told:
    """What a session has said."""

    lines: list[str] = field(default_factory=list)

    def __call__(self, said: Say) -> None:
        self.lines += said.lines

    @property
    def commands(self) -> list[list[str]]:
        """The command lines among it, as words without the program's name."""
        text = "\n".join(self.lines).replace("\\\n", " ")
        found = [line for line in text.splitlines() if line.startswith("  composerefactor ")]
        return [shlex.split(line)[1:] for line in found]


def begin(engine: Path | None, where: ProjectSelection | None = None) -> tuple[Session, Told]:
    """Begin a session in the current directory; without an engine it can write nothing."""
    told = Told()
    context = Context(where or ProjectSelection(Path()), Style(), str(engine or "none"))
    workshop = Workshop(lambda: find_engine(str(engine)) if engine else None, lambda _: None)
    return Session(lambda: wizard(context), workshop, told), told
