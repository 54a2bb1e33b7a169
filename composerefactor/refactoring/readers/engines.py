"""Programs that get Compose files instead of Docker Compose: what they read stays whole."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.discovery.readers import (
    BAKE,
    COMPOSE_1,
    ENVSUBST,
    KOMPOSE,
    PODMAN_COMPOSE,
    PUBLISH,
    STACK_DEPLOY,
    TESTCONTAINERS,
)
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, whole


@reader("Docker Swarm", reads="scripts, CI files, documentation, Compose files", include="no")
def docker_stack_deploy(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """`docker stack deploy` gives a Compose file to Swarm; it rejects `include` and `extends`.

    A file that a command deploys, or that says in its header, name or content that it is for Docker
    Swarm, stays whole (docker/cli#4740).
    """
    return whole(around, STACK_DEPLOY)


@reader(
    "docker compose publish", reads="scripts, CI files, documentation", include="no", extends="yes"
)
def docker_compose_publish(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """`docker compose publish` uploads a project to a registry, and rejects local includes.

    A file that is published stays whole, unless it is split with `--strategy extends`: extended
    files are published too (observed: v5.6.1).
    """
    return whole(around, PUBLISH)


@reader("docker-compose 1.x", reads="requirements, scripts, CI files", include="no", extends="yes")
def docker_compose_1(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """docker-compose 1.x, the program written in Python, rejects `include`.

    A file that is read in a place where a version 1 is installed stays whole.
    """
    return whole(around, COMPOSE_1)


@reader("podman-compose", reads="scripts, CI files, documentation", include="no", extends="no")
def podman_compose(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """podman-compose reads modules, but resolves relative paths in them in another way.

    Version 1.6.0 resolves paths of an included file against the directory of the root file, does
    not find mounts of an extended file in another directory, and stops at a list of files in
    `path`. A file that a command gives to it stays whole; `composerefactor join` makes one file of
    a split project.
    """
    return whole(around, PODMAN_COMPOSE)


@reader("docker buildx bake", reads="scripts, CI files, documentation", include="no")
def docker_buildx_bake(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """`docker buildx bake` builds the images of a Compose file, and does not read what it includes.

    A file that a command gives to it stays whole.
    """
    return whole(around, BAKE)


@reader("envsubst", reads="scripts, CI files, documentation, Compose files", include="no")
def envsubst(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """envsubst replaces variables in a Compose file before Docker Compose reads it.

    It does not replace those in modules. A file that a command gives to it, or that names it in a
    comment above its services, stays whole.
    """
    return whole(around, ENVSUBST)


@reader("kompose", reads="scripts, CI files, documentation", include="no")
def kompose(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """kompose converts a Compose file to Kubernetes manifests, and does not read what it includes.

    A file that a command gives to it stays whole.
    """
    return whole(around, KOMPOSE)


@reader("Testcontainers", reads="test code", include="no", extends="yes")
def testcontainers(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """Testcontainers starts a Compose file in tests, often with a copy of that file in a container.

    A file that test code names stays whole.
    """
    return whole(around, TESTCONTAINERS)
