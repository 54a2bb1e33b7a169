"""A service refers to an undefined network, volume, secret or config.

Docker Compose rejects the whole project ("refers to undefined network"). `composerefactor fix`
declares networks and volumes.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.files import RESOURCE_SECTIONS, SECTION_NOUNS
from composerefactor.compose.resources import is_only_part_of_another
from composerefactor.compose.services import StartModel
from composerefactor.errors import Location
from composerefactor.images.starters import missing_resources


@rule(Severity.HIGH, "validity", transform="declare-networks")
def undefined_resource(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the first reference to each undefined resource."""
    models = [entry.model for entry in architecture.all_entries]
    for model in (entry.model for entry in architecture.certain):
        for section in RESOURCE_SECTIONS:
            noun = SECTION_NOUNS[section]
            for missing in missing_resources(model, section):
                if is_only_part_of_another(model, models, section, missing.name):
                    continue
                service, definition = missing.users[0]
                yield Occurrence(
                    f'{service} refers to undefined {noun} "{missing.name}"',
                    _location(model, service, section, missing.name)
                    or definition.file.location_of("services", service),
                    service,
                    f"{section}.{missing.name}",
                    "" if noun in {"network", "volume"} else f"declare it below '{section}:'",
                    is_fixable=noun in {"network", "volume"},
                )


def _location(model: StartModel, service: str, section: str, name: str) -> Location | None:
    """Return where *service* refers to the resource *name*, or None."""
    for value in model.services[service].values(section):
        entries = [*value.entries.items(), *((item.written or "", item) for item in value.items)]
        for text, item in entries:
            if text.partition(":")[0] == name:
                return item.location
    return None
