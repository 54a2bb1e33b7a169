"""A health check as a value that an edit writes."""

from __future__ import annotations

from composerefactor.catalog.facts import Command, Times
from composerefactor.edits.render import Flow, Value


def healthcheck_value(test: Command, times: Times) -> Value:
    """Return the body of ``healthcheck`` in the order in which people write it."""
    return {
        "test": Flow(test),
        "interval": times.interval,
        "timeout": times.timeout,
        "retries": times.retries,
        "start_period": times.start_period,
    }
