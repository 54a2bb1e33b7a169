"""A service names a network, volume, secret or config that nothing declares.

Docker Compose rejects the whole project ("refers to undefined network"). `composerefactor fix`
declares networks and volumes.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.resources import is_part_with
from composerefactor.compose.services import StartModel
from composerefactor.errors import Location
from composerefactor.images.starters import missing_resources

_SECTIONS = {"networks": "network", "volumes": "volume", "secrets": "secret", "configs": "config"}


@rule(Severity.HIGH, "validity", transform="declare-networks")
def undefined_resource(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield what services name in vain."""
    models = [entry.model for entry in architecture.entries]
    for model in (entry.model for entry in architecture.certain):
        for section, noun in _SECTIONS.items():
            for missing in missing_resources(model, section):
                if is_part_with(model, models, section, missing.name):
                    continue
                service, definition = missing.users[0]
                yield Occurrence(
                    f"{service} names the {noun} {missing.name}, which nothing declares",
                    _place(model, service, section, missing.name)
                    or definition.file.location_of("services", service),
                    service,
                    f"{section}.{missing.name}",
                    "" if noun in {"network", "volume"} else f"declare it below '{section}:'",
                    is_mended=noun in {"network", "volume"},
                )


def _place(model: StartModel, service: str, section: str, name: str) -> Location | None:
    """Return the line on which *service* names the resource."""
    for text, found in model.services[service].names(section):
        if text.partition(":")[0] == name:
            return found.location
    return None
