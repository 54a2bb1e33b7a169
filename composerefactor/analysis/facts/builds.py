"""Build facts: contexts, Dockerfiles, and what ends up in the image.

:func:`build_facts` reads the ``build`` of one service. It reads the Dockerfile and the
``.dockerignore`` that apply; nothing is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.dotenv import Assignment
from composerefactor.compose.env_files import assignments_in
from composerefactor.compose.interpolation import expand
from composerefactor.compose.paths import is_outside, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.secrets import is_credential
from composerefactor.compose.service_values import Build
from composerefactor.errors import Location
from composerefactor.images.dockerfiles import (
    WHOLE_CONTEXT,
    Chain,
    Dockerfile,
    IgnoreRules,
    copied_sources,
    dockerfile_text,
    exposed_ports,
    read_dockerfile,
    read_dockerignore,
)
from composerefactor.images.health.probes import PROBES, missing_programs, shell_of

BROWSER_PREFIXES = (
    *("VITE_", "NEXT_PUBLIC_", "REACT_APP_", "VUE_APP_", "NUXT_PUBLIC_", "EXPO_PUBLIC_"),
    *("GATSBY_", "NG_APP_", "STORYBOOK_"),
)
"""Prefixes of the variables that build tools put into the code for the browser (their docs)."""

_RENDERS = (
    r"(?im)envsubst|docker-entrypoint\.d|nginx/templates|^\s*ENTRYPOINT"
    r"|env[-_.\w]*\.(?:sh|js|tmpl|template)"
)
"""In a Dockerfile: the image may write variables into its files when it starts."""

_CHANGES_USER = r"\b(?:gosu|su-exec|s6-setuidgid)\b"
"""In a Dockerfile: a program by which the script of an image changes to another user."""

_INSTALLS_COMPILER = (
    r"\b(?:apt-get|apt|apk|dnf|yum)\b[^;&|]*\b(?:install|add)\b[^;&|]*"
    r"\s(?:gcc|g\+\+|clang|build-essential|build-base)(?!\S)"
)
_REMOVES = r"\b(?:purge|remove|autoremove|erase|del)\b"

_ROOT = frozenset({"", "0", "root"})
_LOGIN_OF_NPM = r"(?m)(?:^|:)_(?:auth|authToken|password)[ \t]*=[ \t]*(?!\$\{|[\"']\$\{)\S"
_SECRET_FILES = (".env", ".env.local", ".env.production", ".env.prod", ".env.development", ".npmrc")


class SecretInImage(Struct, frozen=True):
    """A variable with a secret name and a value in the Dockerfile, which the image contains.

    Attributes:
        instruction: ``ARG`` or ``ENV``.
        name: The name of the variable.
        location: The line of the Dockerfile.
    """

    instruction: str
    name: str
    location: Location


class BuildFacts(Struct, frozen=True):
    """How the image of a service is built.

    The attributes from *stages* on are only known if the Dockerfile could be read (*exists*).

    Attributes:
        service: The service.
        context: The build context, relative to the project root; None if it is outside.
        dockerfile: The path of the Dockerfile, or ``dockerfile_inline``.
        target: The target stage, ``""`` for the last one.
        location: Where ``build`` is written.
        exists: Whether the Dockerfile could be read.
        context_exists: Whether the build context exists.
        arguments: The names of the build arguments.
        stages: The base images of all stages.
        base: The base image of the resulting image.
        base_location: The line of its ``FROM``.
        user: The user of the image, ``""`` if the Dockerfile sets none (root).
        healthcheck: ``yes``, ``NONE``, or ``""`` without the instruction.
        exposes: The exposed ports.
        copies_context: Where the whole context is copied into the image, None if it is not.
        compiler: Where a compiler is installed that stays in the image, None if none is.
        ignore_file: The ``.dockerignore`` that applies, ``""`` without one.
        exposed_secrets: Secret files of the context that it does not ignore.
        secrets: Variables with secret values.
        volumes: The ``VOLUME`` instructions.
        lacks: Programs for health checks that are known not to be in the image.
        shell: The shell of the image, ``""`` if it has none, None if it is unknown.
        variables: The names of the variables that it sets for the container.
        renders_at_start: Whether it may write variables into its files when it starts.
        changes_user: Whether it contains a program to change to another user when it starts.
    """

    service: str
    context: str | None
    dockerfile: str
    target: str
    location: Location
    exists: bool
    context_exists: bool = True
    arguments: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    base: str = ""
    base_location: Location | None = None
    user: str = ""
    healthcheck: str = ""
    exposes: tuple[str, ...] = ()
    copies_context: Location | None = None
    compiler: Location | None = None
    ignore_file: str = ""
    exposed_secrets: tuple[str, ...] = ()
    secrets: tuple[SecretInImage, ...] = ()
    volumes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    shell: str | None = None
    variables: tuple[str, ...] = ()
    renders_at_start: bool = False
    changes_user: bool = False

    @property
    def is_multi_stage(self) -> bool:
        """True if the Dockerfile has several stages, so that build tools can stay behind."""
        return len(self.stages) > 1

    @property
    def runs_as_root(self) -> bool:
        """True if the Dockerfile sets no other user."""
        return self.exists and self.user.partition(":")[0] in _ROOT


def build_facts(project: Project, service: str, build: Build, at: Location) -> BuildFacts:
    """Return how the image of *service* is built; its ``build`` is written at *at*."""
    path = build.dockerfile_path if build.inline is None else "dockerfile_inline"
    text = dockerfile_text(project, build)
    context_exists = build.directory is None or _has_files(project, build.directory)
    names = tuple(sorted(build.arguments))
    facts = BuildFacts(
        service, build.directory, path, build.target, at, text is not None, context_exists, names
    )
    file = read_dockerfile(text) if text is not None else None
    if file is None or text is None:
        return facts
    facts = replace(
        facts,
        renders_at_start=re.search(_RENDERS, text) is not None,
        changes_user=re.search(_CHANGES_USER, text) is not None,
    )
    return _with_dockerfile(project, facts, build, file)


def _with_dockerfile(
    project: Project, facts: BuildFacts, build: Build, file: Dockerfile
) -> BuildFacts:
    def place(line: int) -> Location:
        """Return where *line* of the Dockerfile is; inline text has no lines of its own."""
        return Location(facts.dockerfile, line) if build.inline is None else facts.location

    chain = file.chain(build.target, build.arguments)
    if chain is None:
        return facts
    known = file.known_arguments(build.arguments)
    names = {stage.name.lower() for stage in file.stages if stage.name}
    stages = tuple(expand(stage.base, known) for stage in file.stages)
    user = chain.last("USER")
    health = chain.last("HEALTHCHECK")
    ignored, ignore_file = _ignored(project, build)
    copied = _copied(chain, place)
    return replace(
        facts,
        stages=tuple(s if s.lower() not in names else f"{s} (stage)" for s in stages),
        base=chain.base,
        base_location=place(chain.line),
        user=expand(user.text, chain.variables(build.arguments)) if user else "",
        healthcheck="" if health is None else ("NONE" if health.text.upper() == "NONE" else "yes"),
        exposes=exposed_ports(chain, build.arguments),
        copies_context=copied,
        compiler=_compiler(chain, place),
        ignore_file=ignore_file,
        exposed_secrets=tuple(_exposed(project, build, ignored)) if copied else (),
        secrets=tuple(_secrets(file, place)),
        volumes=tuple(i.text for i in chain.instructions if i.name == "VOLUME"),
        lacks=missing_programs(chain, PROBES),
        shell=shell_of(chain),
        variables=tuple(sorted(chain.environment(build.arguments))),
    )


def _has_files(project: Project, directory: str) -> bool:
    """Return whether *directory* exists; one outside the project is assumed to exist."""
    return is_outside(directory) or project.has_directory(directory)


def _copied(chain: Chain, place: Callable[[int], Location]) -> Location | None:
    """Return where the image copies the whole build context (not another stage), else None."""
    for each in chain.instructions:
        if not WHOLE_CONTEXT.isdisjoint(copied_sources(each)):
            return place(each.line)
    return None


def _compiler(chain: Chain, place: Callable[[int], Location]) -> Location | None:
    """Return where a compiler is installed that the same command does not remove, else None."""
    for each in chain.instructions:
        if each.name != "RUN" or re.search(_REMOVES, each.text):
            continue
        if re.search(_INSTALLS_COMPILER, each.text):
            return place(each.line)
    return None


def _ignored(project: Project, build: Build) -> tuple[IgnoreRules | None, str]:
    """Return the rules of the ``.dockerignore`` that applies, and its path.

    ``Dockerfile.dockerignore`` next to a Dockerfile takes precedence over the one in the context
    (BuildKit).
    """
    if build.directory is None:
        return None, ""
    own = path_from(build.directory, f"{build.dockerfile}.dockerignore")
    common = path_from(build.directory, ".dockerignore")
    for path in (own, common):
        text = project.text(path)
        if text is not None:
            return read_dockerignore(text), path
    return None, ""


def _exposed(project: Project, build: Build, ignored: IgnoreRules | None) -> Iterator[str]:
    for name in _SECRET_FILES:
        path = path_from(build.directory or "", name)
        if not project.exists(path) or (ignored is not None and ignored.excludes(name)):
            continue
        # Settings for the build of a web page are public: .env.production of Vite and others; so
        # is what git tracks.
        may_be_public = name.startswith(".env.") or (name == ".env" and project.is_tracked(path))
        if name == ".npmrc":
            is_secret = re.search(_LOGIN_OF_NPM, project.text(path) or "") is not None
        else:
            is_secret = not may_be_public or _has_credential(assignments_in(project, path))
        if is_secret:
            yield path


def _has_credential(assigned: Iterable[Assignment]) -> bool:
    """Return whether one of the variables *assigned* in an env file is a credential."""
    return any(is_credential(each.name, each.value) for each in assigned)


def _secrets(file: Dockerfile, place: Callable[[int], Location]) -> Iterator[SecretInImage]:
    for stage in file.stages:
        for each in stage.instructions:
            if each.name not in {"ARG", "ENV"}:
                continue
            for name, value in each.pairs():
                if value and is_credential(name, value) and "$" not in value:
                    yield SecretInImage(each.name, name, place(each.line))
