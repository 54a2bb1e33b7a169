"""Let `docker compose up --watch` bring changed sources into containers.

An image contains the sources as they were when it was built. With `develop.watch` Docker Compose
copies a changed file into the running container (`sync`), where the program reloads it. It
restarts a program in an interpreted language that does not reload (`sync+restart`). Any other
program is built again (`rebuild`), and so is every image after a change of its dependencies. The
rules follow what the Dockerfile copies. What is mounted is in the container already, and is not
watched. Services of files for production or tests, and those without a readable Dockerfile, are
left alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.compose.paths import directory_of, is_below, is_outside, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import Build
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.rendering import Value
from composerefactor.errors import enumerated
from composerefactor.images.dockerfiles import (
    WHOLE_CONTEXT,
    Chain,
    Instruction,
    context_reader,
    copied_paths,
    dockerfile_text,
    read_dockerfile,
)
from composerefactor.images.environments import environment_of
from composerefactor.images.health.built import BuiltImage
from composerefactor.images.health.servers import find_runtime
from composerefactor.images.health.usage import usage
from composerefactor.refactoring.contract import Change, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import (
    BlockedSite,
    addition,
    blocked_refusal,
    destinations,
    find_sites,
)
from composerefactor.transforms._development import RELOADS

_DEPENDENCIES = (
    *("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"),
    *("bun.lock", "bun.lockb", "requirements*.txt", "pyproject.toml", "poetry.lock", "uv.lock"),
    *("Pipfile", "Pipfile.lock", "setup.py", "Gemfile", "Gemfile.lock", "composer.json"),
    *("composer.lock", "go.mod", "go.sum", "Cargo.toml", "Cargo.lock", "pom.xml", "build.gradle"),
    *("build.gradle.kts", "*.csproj", "mix.exs", "mix.lock"),
)
"""Files that say which libraries the image gets."""
_MAKES = r"\b(?:assemble|build|compile|package|publish)\b"
"""What a RUN instruction says that makes a program, or files to serve, of the sources."""
_DEBUGGERS = ("debugpy", "--inspect")
"""What starts a program for developers as well, but does not reload it."""


class _Copy(Struct, frozen=True):
    """What a build copies from its context.

    Attributes:
        source: The file or directory, relative to the project root.
        target: Its path in the image.
        in_image: Whether it is in the image itself, and not only in an earlier stage.
        is_made: Whether the build makes something of it.
        is_writable: Whether the user of the container may replace it.
    """

    source: str
    target: str
    in_image: bool
    is_made: bool
    is_writable: bool


class _Rule(Struct, frozen=True):
    """A rule of ``develop.watch``, with its path as in the Compose file."""

    action: str
    path: str
    target: str
    has_modules: bool

    def written(self) -> Value:
        """Return the rule as an item of the list."""
        rule: dict[str, Value] = {"action": self.action, "path": self.path}
        if self.action != "rebuild":
            rule["target"] = self.target
        if self.has_modules:
            rule["ignore"] = ["node_modules/"]
        return rule


@fixer(
    NoOptions,
    selected_only=True,
    unsafe=True,
    purpose="operations",
    cause="changed sources reach a container only when its image is built again",
)
def add_watch(project: Project, _options: NoOptions) -> Iterator[Change | Refusal]:
    """Yield a change for each service whose image contains sources that are not mounted."""

    def rules_for(model: StartModel, service: Service) -> tuple[_Rule, ...] | None:
        path = destinations(service)[0].file.path
        environment = environment_of(project, path)
        is_for_others = environment is not None and environment.kind != "development"
        if is_for_others or service.values("develop") or service.build is None:
            return None
        directory = model.scopes[path].directory
        return _rules(project, model, service, service.build.value, directory) or None

    for site in find_sites(start_models(project), rules_for, ("develop", "watch")):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no rules for changed sources")
        else:
            actions = list(dict.fromkeys(rule.action for rule in site.value))
            yield addition(
                site,
                [rule.written() for rule in site.value],
                f"Watch the sources of {enumerated(site.services)} ({enumerated(actions)})",
                "its Dockerfile copies them",
            )


def _rules(
    project: Project, model: StartModel, service: Service, build: Build, directory: str
) -> tuple[_Rule, ...]:
    """Return the rules for *service*; their paths are relative to *directory*."""
    text = dockerfile_text(project, build)
    dockerfile = read_dockerfile(text) if text else None
    chain = dockerfile.chain(build.target, build.arguments) if dockerfile else None
    if dockerfile is None or chain is None or build.directory is None:
        return ()
    reader = context_reader(project, build)
    command = BuiltImage(chain, reader, usage(project, model, service)).command
    in_image = set(map(id, chain.instructions))
    every = [each for stage in dockerfile.stages for each in stage.instructions]
    others = [each for each in every if id(each) not in in_image]
    mounted = [each.value.target for each in service.volumes if each.value.kind == "bind"]
    rules: dict[str, _Rule] = {}
    for copy in _copies(project, build, chain, others):
        of_dependencies = _is_of_dependencies(copy.source)
        is_mounted = copy.in_image and (
            any(is_below(copy.target, target) for target in mounted)
            or (not of_dependencies and any(is_below(each, copy.target) for each in mounted))
        )
        if is_mounted or is_outside(copy.source) or copy.source in rules:
            continue
        action = "rebuild" if of_dependencies else _action(copy, command)
        path = posixpath.relpath(copy.source, directory)
        modules = path_from(copy.source, "package.json")
        rules[copy.source] = _Rule(
            action,
            path if path.startswith(".") else f"./{path}",
            copy.target,
            not of_dependencies and project.exists(modules),
        )
    return tuple(rules.values())


def _action(copy: _Copy, command: str) -> str:
    """Return what brings a change of *copy* to the program that *command* starts."""
    runtime = find_runtime(command)
    reloads = [each[0] for each in re.finditer(RELOADS, command)]
    if not (copy.in_image and copy.is_writable and runtime):
        return "rebuild"
    if runtime == "php" or any(not each.startswith(_DEBUGGERS) for each in reloads):
        return "sync"
    return "rebuild" if copy.is_made else "sync+restart"


def _copies(
    project: Project, build: Build, chain: Chain, others: Sequence[Instruction]
) -> Iterator[_Copy]:
    """Yield what the instructions of *chain* copy, then what *others* do."""
    user = chain.last("USER")
    is_root = user is None or user.text in {"root", "0"}
    known = chain.variables(build.arguments)
    for instructions in (chain.instructions, others):
        in_image = instructions is chain.instructions
        directory = "/"
        for n, instruction in enumerate(instructions):
            if instruction.name == "WORKDIR":
                directory = posixpath.join(directory, expand(instruction.text, known))
            *sources, target = copied_paths(instruction) or ("",)
            made = any(i.name == "RUN" and re.search(_MAKES, i.text) for i in instructions[n:])
            is_writable = is_root or "chown" in instruction.flags
            for source, name in _sources(project, build, sources, target):
                path = posixpath.normpath(posixpath.join(directory, expand(target, known), name))
                yield _Copy(source, path, in_image, made, is_writable)


def _sources(
    project: Project, build: Build, sources: Sequence[str], target: str
) -> Iterator[tuple[str, str]]:
    """Yield what is copied from *sources* to *target*, and its name below the target.

    Of the files in a directory, and of those that match a pattern, only dependencies are yielded.
    """
    context = build.directory or "."
    is_into = len(sources) > 1 or target == "." or target.endswith("/")
    for source in sources:
        path = path_from(context, "." if source in WHOLE_CONTEXT else source.lstrip("/"))
        name = posixpath.basename(path)
        if project.exists(path):
            yield path, name if is_into else ""
            continue
        is_directory = "*" not in name and project.has_directory(path)
        if is_directory:
            yield path, ""
        pattern = path_from(path, "*") if is_directory else path
        for each in project.files_in(directory_of(pattern)):
            if _is_of_dependencies(each) and fnmatchcase(each, pattern):
                yield each, posixpath.basename(each)


def _is_of_dependencies(path: str) -> bool:
    name = posixpath.basename(path)
    return any(fnmatchcase(name, pattern) for pattern in _DEPENDENCIES)
