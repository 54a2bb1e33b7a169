"""A file that a service mounts does not exist.

Docker creates an empty directory in its place, and the container fails or runs without its
configuration. It does not create a container without the file of its secrets and configs.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.paths import is_inside
from composerefactor.compose.project import Project


@rule(Severity.MEDIUM, "configuration")
def missing_mounted_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the mounts of single files that do not exist and that git would not ignore."""
    yield from _missing_grants(architecture)
    project = architecture.project
    for entry in architecture.entries:
        for service in entry.services:
            for mount in service.mounts:
                is_file_inside = mount.names_file and is_inside(mount.source)
                if mount.kind != "bind" or not is_file_inside:
                    continue
                if mount.source.partition(":")[0] != mount.source or "$" in mount.source:
                    continue
                is_there = project.exists(mount.source) or project.has_directory(mount.source)
                if not is_there and not project.is_ignored(mount.source):
                    yield Occurrence(
                        f"{service.name} mounts {mount.source}, which does not exist",
                        mount.location,
                        service.name,
                        mount.source,
                        _twin(project, mount.source)
                        or "create the file; otherwise Docker creates an empty directory",
                    )


def _twin(project: Project, path: str) -> str:
    """Return the remedy to write the name of a file beside the missing *path* that is like it."""
    directory, name = posixpath.split(path)
    names = [posixpath.basename(each) for each in project.files_in(directory or ".")]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    return f"did you mean {posixpath.join(directory, close[0])}?" if close else ""


_REMEDIES = {
    "secrets": "create the file, and keep it out of git",
    "configs": "create the file, or correct the path",
}
"""What to do about a missing file, by the section that names it."""


def _missing_grants(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the secrets and configs of services whose files neither exist nor are ignored."""
    project = architecture.project
    for entry in architecture.entries:
        for service in entry.model.services.values():
            grants = {"secrets": service.secrets, "configs": service.configs}
            for section, grant in ((s, each.value) for s, all_ in grants.items() for each in all_):
                resource = entry.model.resources(section).get(grant.source)
                file = resource.file if resource is not None else None
                if file is None or not is_inside(file.value) or "$" in file.value:
                    continue
                if project.exists(file.value) or project.has_directory(file.value):
                    continue
                if not project.is_ignored(file.value):
                    noun = SECTION_NOUNS[section]
                    yield Occurrence(
                        f"the {noun} {grant.source} of {service.name} is {file.value}, which does "
                        "not exist",
                        file.location,
                        service.name,
                        file.value,
                        _twin(project, file.value) or _REMEDIES[section],
                        Severity.LOW if section == "secrets" else None,
                    )
