"""Two networks have overlapping subnets.

Docker refuses to create the second network.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.resources import UsedSubnet, used_subnets


@rule(Severity.MEDIUM, "configuration")
def overlapping_subnets(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the pairs of networks of one start command whose subnets overlap."""
    for entry in architecture.certain:
        used = used_subnets(entry.model.files)
        for first, second in combinations(used, 2):
            same_family = first.subnet.version == second.subnet.version
            if first.network != second.network and same_family and _overlap(first, second):
                yield Occurrence(
                    f"the subnets of {first.network} and {second.network} overlap "
                    f"({first.subnet}, {second.subnet})",
                    second.location,
                    None,
                    f"{first.network} {second.network}",
                    "let Docker choose the subnets, or choose others",
                )


def _overlap(first: UsedSubnet, second: UsedSubnet) -> bool:
    return first.subnet.overlaps(second.subnet)
