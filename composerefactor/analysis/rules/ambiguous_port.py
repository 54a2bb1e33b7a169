"""A port that YAML readers take for a number in base 60.

`22:22` without quotes is 1342 to a reader of YAML 1.1. Docker Compose reads it as text; editors,
linters and scripts may not.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, planned, rule
from composerefactor.transforms.quote_ports import quote_ports


@rule(Severity.LOW, "configuration", transform="quote-ports")
def ambiguous_port(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the ports that need quotes."""
    yield from planned(architecture, quote_ports, "a number to other readers: ")
