"""A Compose file contains a credential in plain text.

Everybody who can read the repository can read it, also in the history. `composerefactor fix
--unsafe` moves it to `.env`, which stays out of git, or to a secret.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.secrets import is_common_word, is_placeholder


@rule(
    Severity.HIGH,
    "security",
    transform="move-secrets",
    strength="No Compose file contains a credential in plain text.",
)
def plain_text_secret(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the credentials that are written in Compose files."""
    for literal in architecture.literals:
        where = "in plain text" if literal.is_whole else "in a connection string"
        is_weak = is_common_word(literal.value) or is_placeholder(literal.value)
        yield Occurrence(
            f"{literal.key} of {', '.join(literal.services)} contains a credential {where}",
            literal.file.source.location(literal.node.start),
            literal.services[0],
            f"{literal.key} {','.join(literal.services)}",
            severity=Severity.MEDIUM if is_weak else None,
        )
