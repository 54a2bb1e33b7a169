"""How many examples a test with generated input tries.

A profile decides for most tests. One whose examples take long says its own numbers.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
EXAMPLES = {"dev": 25, "ci": 25, "long": 300}
"""By profile: ``ci`` tries the same examples each time, ``long`` is for `make test-long`."""


def load_profile() -> None:
    """Make the profile that the environment names the default for all tests."""
    settings.register_profile(
        PROFILE,
        max_examples=EXAMPLES[PROFILE],
        deadline=None,
        derandomize=PROFILE != "dev",
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile(PROFILE)


def examples(usual: int, thorough: int) -> int:
    """Return the number of examples: *thorough* for `make test-long`, else *usual*."""
    return thorough if PROFILE == "long" else usual
