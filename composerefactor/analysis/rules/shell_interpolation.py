"""A value uses shell syntax that Docker Compose does not support.

Compose expands `$X` and `${X}` with `:-`, `:?` and `:+`. It rejects `${X:=d}` and takes the command
in `${X:-$(date)}` literally, so that the value is not what it seems to be.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, fixer_occurrences, rule
from composerefactor.transforms.fix_interpolation import fix_interpolation


@rule(Severity.MEDIUM, "validity", transform="fix-interpolation")
def shell_interpolation(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the shell forms that Docker Compose rejects or reads in another way."""
    yield from fixer_occurrences(architecture, fix_interpolation, with_title=True)
