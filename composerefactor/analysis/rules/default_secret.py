"""A credential has a default value in a Compose file.

If nobody sets the variable, the service runs with a password that everybody can read. With
`${NAME:?}` the start fails instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.secrets import is_credential


@rule(
    Severity.MEDIUM,
    "security",
    strength="No Compose file contains a credential in plain text.",
)
def default_secret(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables that are named like credentials and have a default."""
    for entry in architecture.entries:
        for variable in entry.variables:
            if not variable.defaults or not is_credential(variable.name, "unknown value"):
                continue
            use = variable.uses[0]
            yield Occurrence(
                f"the credential {variable.name} has a default value in the Compose file",
                use.location,
                use.service or None,
                variable.name,
                f"require a value: ${{{variable.name}:?set it in .env}}",
            )
