"""A health check passes whatever it finds.

It ends with a command that always succeeds, such as `|| echo "not ready"` or `|| true`. Docker
looks at the exit code alone: the service is healthy from the first check on, and what waits for it
starts too early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_SUCCEEDS = r"(?:true|:|exit\s+0|(?:echo|printf)\b[^|&;>]*)"
_ALWAYS_PASSES = re.compile(
    rf"(?:^|\|\||;)\s*(?P<end>{_SUCCEEDS})\s*;?\s*[\"']?\s*\Z", re.IGNORECASE
)
_MAY_FAIL = re.compile(r"\b(?:exit\s+(?:[1-9]|\$)|false|kill|set\s+-\w*e)")


@rule(Severity.MEDIUM, "reliability")
def healthcheck_never_fails(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the health checks whose last command always succeeds."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            check = service.healthcheck
            text = " ".join(check.value.test[1:]) if check is not None else ""
            found = None if _MAY_FAIL.search(text) else _ALWAYS_PASSES.search(text)
            if check is not None and found:
                test = check.at.below("test")
                yield Occurrence(
                    f"the health check of {service.name} always passes: "
                    f"it ends with {found['end'].split()[0]}",
                    test.location if test else check.location,
                    service.name,
                    remedy="end it with || exit 1",
                )
