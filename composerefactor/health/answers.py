"""What can be said on the health check of a service."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from composerefactor.catalog.facts import Command, Evidence, Times


class Proposed(Struct, frozen=True):
    """A health check; *test* is as a Compose file has it, ``$$`` for ``$``.

    *evidence* says in words how it is known that it can run, *verified* how sure that is; *note*
    is what a reader should know besides.
    """

    test: Command
    times: Times
    evidence: str
    verified: Evidence
    note: str = ""


class Impossible(Struct, frozen=True):
    """No health check can be given: why, and what would make it possible."""

    reason: str
    remedy: str


class Unneeded(Struct, frozen=True):
    """No health check is missing, and why. *has_check* tells whether there is one."""

    reason: str
    has_check: bool = True


Answer: TypeAlias = Proposed | Impossible | Unneeded
