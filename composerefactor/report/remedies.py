"""The command that mends what a rule found."""

from __future__ import annotations

from composerefactor.registry import transforms
from composerefactor.transform import Restructuring


def command_for(transform: str) -> str:
    """Return the command line that runs *transform*."""
    if isinstance(transforms().get(transform), Restructuring):
        return f"composerefactor {transform}"
    return f"composerefactor fix --unsafe --select {transform}"
