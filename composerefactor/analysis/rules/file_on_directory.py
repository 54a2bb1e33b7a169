"""A file is mounted on a directory of the image.

Docker does not start the container: "not a directory: are you trying to mount a directory onto a
file (or vice-versa)?". The target must be a path in the directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import basename, splitext

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.volumes import Mount
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.project import Project
from composerefactor.images.catalog import Catalog
from composerefactor.images.lookup import data_paths

_FILE_TYPES = frozenset(
    {
        *(".conf", ".cnf", ".cfg", ".ini", ".toml", ".yml", ".yaml", ".json", ".xml", ".sql"),
        *(".properties", ".env", ".sh", ".js", ".py", ".html", ".template", ".pem", ".crt", ".key"),
    }
)
_DIRECTORIES = frozenset(
    {
        *("/", "/bin", "/etc", "/home", "/opt", "/root", "/srv", "/tmp", "/usr", "/var"),  # noqa: S108
        *("/etc/nginx", "/etc/ssl", "/usr/local/bin"),
        *("/etc/nginx/templates", "/usr/share/nginx/html", "/var/www/html", "/etc/prometheus"),
        *("/etc/grafana", "/etc/mysql", "/usr/src/app", "/var/log", "/usr/local/etc/redis"),
    }
)
"""Directories of the well-known images, and of Linux."""


@rule(Severity.HIGH, "configuration")
def file_on_directory(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the mounts of a file on a directory."""
    for entry in architecture.entries:
        for service in entry.services:
            directories = _directories(service, entry.catalog)
            for mount in service.mounts:
                is_directory = mount.target in directories or mount.target.endswith(".d")
                if is_directory and _is_file(architecture.project, mount):
                    yield Occurrence(
                        f"{service.name} mounts the file {mount.source} on {mount.target}, "
                        f"which is a directory",
                        mount.location,
                        service.name,
                        mount.target,
                        f"mount it at {mount.target.rstrip('/')}/{basename(mount.source)}",
                    )


def _directories(service: ServiceFacts, catalog: Catalog) -> set[str]:
    """Return the paths in the container of *service* that certainly are directories."""
    data = data_paths(service.image, catalog) if service.image else None
    return {*_DIRECTORIES, *(path.path for path in data or ())}


def _is_file(project: Project, mount: Mount) -> bool:
    """Return whether the source of *mount* is a file, or will be one by its name."""
    if mount.kind != "bind" or project.has_directory(mount.source):
        return False
    is_named_so = splitext(mount.source)[1] in _FILE_TYPES
    return is_named_so or project.exists(mount.source)
