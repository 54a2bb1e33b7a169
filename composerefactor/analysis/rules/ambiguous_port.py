"""A port without quotes is a number to some YAML readers.

A reader of YAML 1.1 takes an unquoted `22:22` for a number in base 60: 1342. Docker Compose reads
it as text; editors, linters and scripts may not.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, fixer_occurrences, rule
from composerefactor.transforms.quote_ports import quote_ports


@rule(Severity.LOW, "configuration", transform="quote-ports")
def ambiguous_port(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the lists of ports that need quotes."""
    yield from fixer_occurrences(architecture, quote_ports)
