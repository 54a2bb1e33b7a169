"""A variable has neither a value nor a default.

Docker Compose prints a warning and uses an empty text. That breaks an image, a port or a path; a
password is then empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_VITAL = frozenset({"image", "ports", "volumes", "build", "container_name"})
"""The attributes in which an empty text breaks the service."""


@rule(Severity.LOW, "configuration")
def unset_variable(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables without a value."""
    for entry in architecture.entries:
        for variable in entry.variables:
            if variable.source not in {"unset", "required"}:
                continue
            use = variable.uses[0]
            is_vital = any(u.attribute.split(".")[0] in _VITAL for u in variable.uses)
            example = f"; {variable.in_example} lists it" if variable.in_example else ""
            problem = (
                "is required" if variable.source == "required" else "has no value and no default"
            )
            yield Occurrence(
                f"{variable.name} {problem}, and no env file of the project sets it{example}",
                use.location,
                use.service or None,
                variable.name,
                f"set it in {entry.env_files[0].path}" if entry.env_files else "",
                Severity.INFO
                if variable.in_example or variable.source == "required"
                else (Severity.MEDIUM if is_vital else None),
            )
