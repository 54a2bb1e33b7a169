"""A kind of finding."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from composerefactor.findings.severity import Severity

Area = Literal[
    "validity", "security", "reliability", "data", "configuration", "builds", "maintainability"
]
"""What a rule is about; each area gets a rating."""


class Rule(Struct, frozen=True):
    """A kind of finding: *id* is stable, *summary* one sentence, *explanation* why it matters.

    *severity* is that of most of its findings; *transform* names what mends them, if anything does.
    """

    id: str
    severity: Severity
    summary: str
    explanation: str
    area: Area = "configuration"
    transform: str | None = None
