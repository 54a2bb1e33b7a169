"""`docker stack deploy` gives a Compose file to Swarm; it rejects `include` and `extends`.

A file that a command deploys, or that says in its header, name or content that it is for Docker
Swarm, stays whole (docker/cli#4740).
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._whole import whole


@reader("Docker Swarm", reads="scripts, CI files, documentation, Compose files", include="no")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that the reader reads."""
    del split  # a file that it reads is not split
    return whole(around, STACK_DEPLOY)
