"""How sure a fact is, and a change that follows from it."""

from __future__ import annotations

from typing import Literal, get_args

Confidence = Literal["verified", "likely", "guess"]
"""How sure it is that a change is right.

``verified``: the documentation or the Dockerfile of the image says so, or the project's own
Dockerfile or source. ``likely``: it is the convention of the image, and port and program are known.
``guess``: the rest.
"""
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
"""All values, the most certain one first."""

DEFAULT_CONFIDENCE: Confidence = "likely"
"""The least confidence of the changes that are made, unless the user chooses another one."""


def least_certain(*confidences: Confidence) -> Confidence:
    """Return the least certain of *confidences*; ``verified`` where there are none."""
    return max(confidences, key=CONFIDENCES.index, default="verified")
