"""The log of a service is not rotated.

The json-file driver, Docker's default, keeps everything until the disk is full. A daemon with its
own log rotation needs no change here.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.definitions import Value
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.service_values import Logging


@rule(
    Severity.LOW,
    "reliability",
    transform="add-logging",
    strength="The logs of all services are rotated.",
)
def unbounded_logs(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that do not configure logging, or name only the default driver."""
    for entry in architecture.entries:
        for service in entry.services:
            logging = entry.model.services[service.name].logging
            is_short_lived = architecture.is_short_lived(service.location.path)
            if is_short_lived or (logging is not None and _rotates(logging)):
                continue
            may_exit = reason_it_may_exit(entry.model, service.name)
            if service.name not in entry.model.without_container and not may_exit:
                yield Occurrence(
                    f"the log of {service.name} is not rotated",
                    logging.location if logging else service.location,
                    service.name,
                    remedy="add the option max-size to its logging" if logging else "",
                    is_fixable=logging is None,
                )


def _rotates(logging: Value[Logging]) -> bool:
    """Return whether *logging* may limit what Docker keeps; other drivers than json-file do."""
    driver = logging.at.below("driver")
    is_default = logging.value.driver in {"", "json-file"}
    is_unknown = driver is not None and driver.known_text is None
    return is_unknown or not is_default or "max-size" in logging.value.options
