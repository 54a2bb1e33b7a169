"""What can be said on the health check of a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from composerefactor.catalog.facts import Command, Evidence, Times


@dataclass(frozen=True, slots=True)
class Proposed:
    """A health check; *test* is as a Compose file has it, ``$$`` for ``$``.

    *evidence* says in words how it is known that it can run, *verified* how sure that is; *note*
    is what a reader should know besides.
    """

    test: Command
    times: Times
    evidence: str
    verified: Evidence
    note: str = ""


@dataclass(frozen=True, slots=True)
class Impossible:
    """No health check can be given: why, and what would make it possible."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Unneeded:
    """No health check is missing, and why. *has_check* tells whether there is one."""

    reason: str
    has_check: bool = True


Answer: TypeAlias = Proposed | Impossible | Unneeded
