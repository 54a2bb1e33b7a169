"""Files and directories of the host in a container."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator
from posixpath import basename, splitext

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.volumes import Mount
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.paths import is_inside
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service
from composerefactor.compose.short_forms import parse_volume
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.health.usage import usage
from composerefactor.images.lookup import data_paths, refused_mounts


@rule(Severity.MEDIUM, "configuration")
def missing_mounted_file(architecture: Architecture) -> Iterator[Occurrence]:
    """A file that a service mounts does not exist.

    Docker creates an empty directory in its place, and the container fails or runs without its
    configuration. It does not create a container without the file of its secrets and configs.
    """
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
    """A file is mounted on a directory of the image.

    Docker does not start the container: "not a directory: are you trying to mount a directory onto
    a file (or vice-versa)?". The target must be a path in the directory.
    """
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


_PERSONAL = re.compile(
    r"(?:/home|/Users|(?:/mnt/[a-z]|[A-Za-z]:)[\\/]Users)[\\/][^\\/$]+[\\/].+|[ABD-Zabd-z]:[\\/].+"
)
"""Home directories, and the drives of Windows without its own directories."""


@rule(Severity.MEDIUM, "configuration")
def personal_path(architecture: Architecture) -> Iterator[Occurrence]:
    """A path exists on only one person's machine.

    A home directory such as `/Users/ada` is not on other machines: a build fails there, and Docker
    creates an empty directory for a mount.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for attribute, path, location in _paths(service):
                if _PERSONAL.fullmatch(path):
                    yield Occurrence(
                        f"the {attribute} of {service.name} is on one person's machine: {path}",
                        location,
                        service.name,
                        path,
                        "use a path relative to the project, or a variable",
                    )


def _paths(service: Service) -> Iterator[tuple[str, str, Location]]:
    """Yield (attribute, path as written, location) of the paths on the host."""
    if service.build is not None:
        context = service.build.at.below("context") or service.build.at
        yield "build context", context.written or "", context.location
    for volume in service.volumes:
        written = (volume.at.below("source") or volume.at).written or ""
        text = parse_volume(written)
        yield "mount", (text.source if text else None) or written, volume.location
    for env_file in service.env_file:
        path = env_file.at.below("path") or env_file.at
        yield "env_file", path.written or "", env_file.location


@rule(Severity.HIGH, "data")
def refused_mount(architecture: Architecture) -> Iterator[Occurrence]:
    """A volume is mounted where the image refuses a mount.

    The container exits at once, with a new volume and with an existing one. The image of PostgreSQL
    does so since version 18, if anything is mounted at the former data directory.
    """
    for entry in architecture.entries:
        for facts in entry.services:
            service, build = entry.model.services[facts.name], facts.build
            image = (service.image.at.known_text if service.image else None) or ""
            name = facts.image
            environment = usage(architecture.project, entry.model, service).environment
            if build is not None:
                image, name = build.base, f"its image (built from {build.base})"
                environment = {**dict.fromkeys(build.variables), **environment}
            mounts = refused_mounts(service, image, environment, entry.catalog)
            for location, target, refused in mounts:
                yield Occurrence(
                    f"{facts.name} mounts {target}, with which {name} does not start",
                    location,
                    facts.name,
                    refused.path,
                    refused.remedy,
                )


@rule(Severity.HIGH, "validity")
def inline_file_in_read_only_service(architecture: Architecture) -> Iterator[Occurrence]:
    """A read-only service uses a secret or config whose content comes from no file.

    Docker Compose copies such a content into the container, and refuses to start the service if its
    root file system is read-only. `docker compose config` accepts it.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            read_only = service.read_only
            names = entry.model.inline_files(service)
            if read_only is not None and read_only.value and names:
                files = ", ".join(names)
                yield Occurrence(
                    f"{service.name} is read-only, so that `up` cannot create {files} in it",
                    read_only.location,
                    service.name,
                    remedy="write the content to a file, and use `file`",
                )
