"""A service needs an env file that is not here.

Docker Compose refuses to start without it, unless it is marked `required: false`. Files with
secrets are rightly not in git; then an example beside it should show what it holds.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.env_files import EXAMPLES
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.project import project_directory
from composerefactor.yaml.nodes import MappingNode


@rule(Severity.LOW, "configuration")
def missing_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the env files that services name and that are not here."""
    project = architecture.project
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for found in service.items("env_file"):
                node = found.node
                named = merged_get(node, "path") if isinstance(node, MappingNode) else node
                text = expand(scalar_text(named) or "", entry.model.variables)
                optional = scalar_text(merged_get(node, "required")) == "false"
                facts = entry.service(service.name)
                if not text or optional or facts is None or text not in facts.missing_env_files:
                    continue
                path = posixpath.normpath(posixpath.join(project_directory(entry.entry), text))
                sample = next((p for f in EXAMPLES if project.exists(p := _beside(path, f))), "")
                is_outside = path.startswith(("/", "../"))
                yield Occurrence(
                    f"{service.name} needs the env file {text}, which is not here",
                    found.location,
                    service.name,
                    path,
                    f"copy {sample}" if sample else "" if is_outside else f"write {path}.example",
                    Severity.INFO if sample or is_outside else None,
                )


def _beside(path: str, form: str) -> str:
    directory, name = posixpath.split(path)
    return posixpath.join(directory, form.format(name))
