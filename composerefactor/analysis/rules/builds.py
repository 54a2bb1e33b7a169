"""Dockerfiles and what goes into an image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.hosts import name_words
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.paths import is_below, is_outside, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service
from composerefactor.errors import Location
from composerefactor.images.environments import MANIFESTS, NAMES, SHORT_LIVED

_SUBMODULE = r"(?m)^[ \t]*path[ \t]*=[ \t]*(\S+)"


@rule(Severity.MEDIUM, "builds")
def missing_build_file(architecture: Architecture) -> Iterator[Occurrence]:
    """A build context, a Dockerfile or a stage of it does not exist.

    `docker compose build` fails. If another repository provides the context, say so in a comment,
    or build from its URL.
    """
    submodules = re.findall(_SUBMODULE, architecture.project.text(".gitmodules") or "")
    for entry in architecture.entries:
        for build in entry.builds:
            target = _target(entry.model.services[build.service])
            if build.exists and target and not build.stages:
                yield Occurrence(
                    f"{build.service} is built from stage {target}, which "
                    f"{build.dockerfile} does not contain",
                    build.location,
                    build.service,
                    target,
                    "correct target, or add the stage",
                )
            if build.context is None or is_outside(build.context) or build.exists:
                continue
            if any(is_below(build.dockerfile, each) for each in submodules):
                continue  # it is there after `git submodule update --init`
            missing = (
                f"Dockerfile {build.dockerfile}"
                if build.context_exists
                else f"directory {build.context}"
            )
            yield Occurrence(
                f"{build.service} is built from {missing}, which does not exist",
                build.location,
                build.service,
                build.dockerfile,
                "create it, or correct the path",
            )


def _target(service: Service) -> str:
    """Return the stage that *service* is built from, ``""`` for the last one or an unknown one."""
    node = service.build.at.below("target") if service.build else None
    return (node.known_text or "") if node else ""


@rule(Severity.LOW, "builds", transform="add-dockerignore")
def missing_dockerignore(architecture: Architecture) -> Iterator[Occurrence]:
    """A build sends its whole context to the builder.

    Without `.dockerignore` the `.git` directory, dependencies and local files go to the builder
    with each build, and with `COPY . .` into the image. A directory with a few files for the image
    alone needs none.
    """
    copied: dict[str, dict[str, Location]] = {}
    for entry in architecture.entries:
        for build in entry.builds:
            if not build.exists or build.ignore_file or build.context is None:
                continue
            if build.copies_context is not None and _holds_sources(
                architecture.project, build.context
            ):
                services = copied.setdefault(build.context, {})
                services.setdefault(build.service, build.copies_context)
    for context, services in copied.items():
        first = next(iter(services))
        path = path_from(context, ".dockerignore")
        is_one = len(services) == 1
        subject = f"the image of {first} copies" if is_one else "the images built there copy"
        where = "the project directory" if context == "." else context
        yield Occurrence(
            f"{where} has no .dockerignore, but {subject} the whole directory",
            services[first],
            first,
            context,
            f"create {path}",
        )


def _holds_sources(project: Project, context: str) -> bool:
    """Return whether *context* is the project, or seems to contain an application."""
    if context == "." or is_outside(context):
        return True
    names = {path.rpartition("/")[2] for path in project.files_in(context)}
    return not MANIFESTS.isdisjoint(names) or any(name.startswith(".env") for name in names)


@rule(Severity.LOW, "builds")
def floating_base_image(architecture: Architecture) -> Iterator[Occurrence]:
    """A base image has no fixed version.

    The next build may start from another version of it, on another machine or on the same one.
    """
    for entry in architecture.entries:
        own = {service.image for service in entry.services if service.build is not None}
        for build in entry.builds:
            if not build.base or build.base in own | {"scratch"} or "$" in build.base:
                continue
            reference = parse_image(build.base)
            if reference.digest is None and reference.tag in {None, "latest"}:
                yield Occurrence(
                    f"the image of {build.service} is built from {build.base}, "
                    f"which has no fixed version",
                    build.base_location or build.location,
                    build.service,
                    build.base,
                    "pin a version",
                )


_FOR_DEVELOPERS = NAMES["development"] | NAMES["test"] | {"devenv"}
"""Words in the names of Dockerfiles and stages for development and tests."""
_COMPILERS = frozenset({"golang", "rust", "maven", "gradle", "sdk", "gcc"})


@rule(Severity.INFO, "builds")
def build_tools_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """A final image still contains the tools that built it.

    With a second stage only the result goes into the image: it is smaller, starts faster on a new
    machine, and gives an attacker less to work with. An image for development or tests needs them.
    """
    for entry in architecture.entries:
        for build in entry.builds:
            of_file = architecture.file_environments.get(build.location.path)
            is_short_lived = of_file is not None and of_file.kind in SHORT_LIVED
            words = name_words(f"{basename(build.dockerfile)} {build.target}")
            if is_short_lived or _FOR_DEVELOPERS.intersection(words):
                continue
            if build.compiler is not None:
                yield Occurrence(
                    f"the final image of {build.service} still contains a compiler",
                    build.compiler,
                    build.service,
                    build.dockerfile,
                    "install it in a first stage, and copy the result into a second one",
                )
                continue
            if not build.exists or build.is_multi_stage or not build.base:
                continue
            name = parse_image(build.base).name.rpartition("/")[2]
            if name in _COMPILERS:
                yield Occurrence(
                    f"the final image of {build.service} still contains "
                    f"the build image {build.base}",
                    build.base_location or build.location,
                    build.service,
                    build.dockerfile,
                    "copy the result into a second stage",
                )


@rule(Severity.HIGH, "security")
def secret_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """A Dockerfile stores a credential in the image.

    ENV and the default of ARG stay in the image and its history: everybody who can pull the image
    can read them. A build secret (`RUN --mount=type=secret`) leaves nothing behind.
    """
    for entry in architecture.entries:
        for build in entry.builds:
            for secret in build.secrets:
                yield Occurrence(
                    f"{secret.instruction} {secret.name} stores its value in the image",
                    secret.location,
                    build.service,
                    secret.name,
                    "use a build secret, or set it when the container starts",
                    Severity.LOW if secret.instruction == "ARG" else None,
                )


@rule(Severity.HIGH, "security")
def secret_file_in_image(architecture: Architecture) -> Iterator[Occurrence]:
    """A build copies files with secrets into the image.

    `COPY . .` copies everything that `.dockerignore` does not exclude, including `.env` files.
    """
    for entry in architecture.entries:
        for build in entry.builds:
            if build.copies_context is None:
                continue
            for path in build.exposed_secrets:
                yield Occurrence(
                    f"the build of {build.service} copies {path} into the image",
                    build.copies_context,
                    build.service,
                    path,
                    f"add {path.rpartition('/')[2]} to "
                    f"{build.ignore_file or _ignore_file(build.context)}",
                )


def _ignore_file(context: str | None) -> str:
    """Return the path of the .dockerignore of *context*."""
    return path_from(context or "", ".dockerignore")
