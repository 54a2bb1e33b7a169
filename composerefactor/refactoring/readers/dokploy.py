"""Dokploy starts a Compose project, and adds domains to services of the root file only.

The services start, since Dokploy runs Docker Compose in a clone of the repository. A domain for a
service in a module is an error (Dokploy/dokploy#2455), so that is pointed out. A file that uses the
network `dokploy-network` is taken for one of Dokploy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._platforms import mentions

_NETWORK = re.compile(r"^[^#\n]*\bdokploy-network\b", re.MULTILINE)


@reader("Dokploy", reads="Compose files", include="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each split file that uses the network of Dokploy."""
    return mentions(
        around,
        split,
        _NETWORK,
        "named",
        "Dokploy adds domains only to services of the root file",
        "keep services with a domain there: split.stay in .composerefactor.yml",
    )
