"""Programs that get Compose files instead of Docker Compose, or deploy a project with it.

What Swarm, kompose or bake read stays whole. The platforms are Coolify, Dockge, doco-cd, Dokploy,
Komodo and Portainer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from composerefactor.compose.files import DEFAULT_NAMES
from composerefactor.compose.paths import path_from
from composerefactor.discovery.readers import (
    BAKE,
    COMPOSE_1,
    COOLIFY,
    ENVSUBST,
    KOMPOSE,
    PODMAN_COMPOSE,
    PUBLISH,
    STACK_DEPLOY,
    TESTCONTAINERS,
)
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    State,
    Surroundings,
    entries_of,
    reader,
    text_of,
    value_of,
    whole,
)
from composerefactor.refactoring.readers._patterns import strings
from composerefactor.yaml.nodes import MappingNode, ScalarNode


def _mentions(
    around: Surroundings,
    split: PlannedSplit,
    pattern: re.Pattern[str],
    state: State,
    statement: str,
    action: str = "",
) -> Iterator[Outcome]:
    """Yield an outcome for each split file of which it, or one of its modules, has *pattern*."""
    for each in split.splits:
        for place in (each.path, *each.modules):
            file = around.file(place)
            match = pattern.search(file.text) if file is not None else None
            if file is not None and match is not None:
                at = file.location(match.start())
                yield Outcome(state, at, statement, action, breaks=False)
                break


@reader("Coolify", reads="Compose files", include="no")
def coolify(around: Surroundings, _: PlannedSplit) -> Iterator[Outcome]:
    """Coolify parses one Compose file by itself, and ignores what it includes.

    A file that is written for it, with its variables or labels, stays whole
    (coollabsio/coolify#2859, #5921).
    """
    return whole(around, COOLIFY)


_DOCKGE_KEY = re.compile(r"^x-dockge\s*:", re.MULTILINE)


@reader("Dockge", reads="Compose files", include="yes")
def dockge(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Dockge starts a stack with Docker Compose in its directory, so that it follows.

    Its editor shows the root file alone (hamphh/dockge#9). A file with `x-dockge` is taken for one
    of Dockge.
    """
    said = "Dockge starts it with Docker Compose; its editor shows only the root file"
    return _mentions(around, split, _DOCKGE_KEY, "fine", said)


_DOCO_CD = re.compile(r"(?:.*/)?\.doco-cd(?:\.[\w-]+)?\.ya?ml")


@reader("doco-cd", reads=".doco-cd.yml", include="yes")
def doco_cd(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """doco-cd starts the `compose_files` of its settings as Docker Compose does, so it follows.

    It also deploys again for changes in included and extended files (kimdre/doco-cd#1070).
    """
    for file in around.files(_DOCO_CD, anywhere=True):
        for document in file.tree.documents if file.tree else ():
            root = document.root
            listed = strings(value_of(root, "compose_files"))
            names = [node.value for node in listed] or DEFAULT_NAMES
            paths = {path_from(text_of(root, "working_dir"), name) for name in names}
            if isinstance(root, MappingNode) and paths & split.paths:
                said = f"starts {min(paths & split.paths)} as Docker Compose does"
                yield Outcome("fine", file.location(root), said)


_DOKPLOY_NETWORK = re.compile(r"^[^#\n]*\bdokploy-network\b", re.MULTILINE)


@reader("Dokploy", reads="Compose files", include="yes")
def dokploy(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Dokploy starts a Compose project, and adds domains to services of the root file only.

    The services start, since Dokploy runs Docker Compose in a clone of the repository. A domain for
    a service in a module is an error (Dokploy/dokploy#2455), so that is pointed out. A file that
    uses the network `dokploy-network` is taken for one of Dokploy.
    """
    return _mentions(
        around,
        split,
        _DOKPLOY_NETWORK,
        "named",
        "Dokploy adds domains only to services of the root file",
        "keep services with a domain there: split.stay in .composerefactor.yml",
    )


_KOMODO_RESOURCES = re.compile(r".*\.toml")
_KOMODO_STACK = r"(?m)^\[\[stack\]\]"
_FILE_PATHS = r"(?m)^\s*file_paths\s*=\s*\[(?P<files>[^\]]{0,2000})\]"
_RUN_DIRECTORY = r"(?m)^\s*run_directory\s*=\s*\"(?P<directory>[^\"\n]*)\""
_STRING = r"[\"']([^\"'\n]+)[\"']"


@reader("Komodo", reads="*.toml with [[stack]]", include="yes")
def komodo(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Komodo starts the stacks of its resource files with Docker Compose, so that it follows.

    It shows only the services of the files in `file_paths` (moghtech/komodo#1462), so that a stack
    whose services are all in modules looks empty.
    """
    for file in around.files(_KOMODO_RESOURCES, anywhere=True):
        starts = [match.start() for match in re.finditer(_KOMODO_STACK, file.text)]
        for start, end in pairwise([*starts, len(file.text)]):
            stack = file.text[start:end]
            files = re.search(_FILE_PATHS, stack)
            directory = re.search(_RUN_DIRECTORY, stack)
            below = directory["directory"].removeprefix("./") if directory else ""
            for match in re.finditer(_STRING, files["files"]) if files else ():
                path = path_from(below, match[1])
                if path in split.paths and files is not None:
                    at = start + files.start("files") + match.start()
                    said = f"starts {path} with Docker Compose; shows only services in this file"
                    yield Outcome("fine", file.location(at), said)


_STACK_ENV = re.compile(r"^[^#\n]*(?<![\w.-])stack\.env(?![\w.-])", re.MULTILINE)
_WORKFLOW = re.compile(r"\.(?:github|gitea|forgejo)/workflows/.*\.ya?ml")


@reader("Portainer", reads="Compose files, .github/workflows/*.yml", include="yes")
def portainer(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Portainer starts a stack from a repository, or from the text of one file.

    From a repository it clones all files, so that it follows. In its web editor, and where an
    action or its API sends the text of the root file, modules are missing, so that is pointed out.
    A file that reads the env file `stack.env` is taken for one of Portainer.
    """
    yield from _mentions(
        around,
        split,
        _STACK_ENV,
        "named",
        "Portainer's web editor has the root file alone",
        "deploy the stack from the repository",
    )
    for file in around.files(_WORKFLOW):
        if "portainer" not in file.text.lower() or file.root is None:
            continue
        for node in file.mappings:
            if "portainer" not in text_of(node, "uses").lower():
                continue
            for entry in entries_of(node, "with"):
                value = entry.value
                if isinstance(value, ScalarNode) and value.value.removeprefix("./") in split.paths:
                    yield Outcome(
                        "named",
                        file.location(value),
                        f"sends the text of {value.value} to Portainer without its modules",
                        "send the output of `docker compose config`, or deploy from the repository",
                    )


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
