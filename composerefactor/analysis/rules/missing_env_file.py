"""An env file or label file that a service uses does not exist.

Docker Compose does not start the project without it, unless it is marked `required: false`. Files
with secrets are rightly not in git; an example file beside them should then list the variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.env_files import existing_example
from composerefactor.compose.paths import is_inside


@rule(Severity.LOW, "configuration")
def missing_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the env files and label files that services use and that do not exist."""
    project = architecture.project
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for item in service.env_file:
                env_file, path = item.value, item.value.path
                if not env_file.required or project.exists(path):
                    continue
                sample = existing_example(project, path)
                remedy = f"list its variables in {path}.example" if is_inside(path) else ""
                yield Occurrence(
                    f"{service.name} uses the env file {env_file.written}, which does not exist",
                    item.location,
                    service.name,
                    path,
                    f"copy {sample}" if sample else remedy,
                    Severity.INFO if sample or not remedy else None,
                )
            for item in service.label_file:
                if not project.exists(item.value.path):
                    yield Occurrence(
                        f"{service.name} uses the label file {item.value.written}, which does not "
                        "exist",
                        item.location,
                        service.name,
                        item.value.path,
                        "create it, or correct the path",
                    )
