"""A variable has neither a value nor a default.

Docker Compose warns and takes an empty text. In an image, a port or a path that is an error; in a
password it is no password.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_VITAL = frozenset({"image", "ports", "volumes", "build", "container_name"})
"""Attributes in which an empty text breaks the service."""


@rule(Severity.LOW, "configuration")
def unset_variable(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables that nothing gives a value."""
    for entry in architecture.entries:
        for variable in entry.variables:
            if variable.source not in {"unset", "required"}:
                continue
            use = variable.uses[0]
            is_vital = any(each.attribute.split(".")[0] in _VITAL for each in variable.uses)
            example = f"; {variable.in_example} shows it" if variable.in_example else ""
            how = "is required" if variable.source == "required" else "has no value and no default"
            yield Occurrence(
                f"{variable.name} {how}, and no env file here sets it{example}",
                use.location,
                use.service or None,
                variable.name,
                f"set it in {entry.env_files[0].path}" if entry.env_files else "",
                Severity.INFO
                if variable.in_example or variable.source == "required"
                else (Severity.MEDIUM if is_vital else None),
            )
