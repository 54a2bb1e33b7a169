"""What modules are called and where they are, and what users decide about them.

File names follow the project's own pattern, in kebab-case, without collisions.

The directory for new modules is that of the project, if it has one, and environment files are
called what root files or their contents say.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import replace

from composerefactor.compose.paths import directory_of, path_from
from composerefactor.compose.project import Project
from composerefactor.images.environments import Kind, kind_of, word_in, word_in_header

MAX_NAME = 80
"""Longer names are cut: with their directories they could be too long for a file system."""


class Family(Struct, frozen=True):
    """The pattern of a project's Compose file names: ``PREFIX.NAME.EXTENSION``."""

    prefix: str
    extension: str

    @classmethod
    def of(cls, path: str, others: Iterable[str] = ()) -> Family:
        """Return the family of the Compose file *path*.

        The extension is the one that most of it and *others* have: a project has one.
        """
        name = posixpath.basename(path)
        extensions = Counter(each.rpartition(".")[2] for each in (*others, path))
        is_long = extensions["yaml"] > extensions["yml"]
        is_long = is_long or (extensions["yaml"] == extensions["yml"] and name.endswith(".yaml"))
        extension = "yaml" if is_long else "yml"
        return cls("compose" if name.startswith("compose") else "docker-compose", extension)

    def file(self, name: str) -> str:
        """Return the file name of the module *name*."""
        return f"{self.prefix}.{name}.{self.extension}"


@lru_cache(maxsize=65536)
def kebab(name: str) -> str:
    """Return *name* in kebab-case, as part of a file name that works on every system."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    plain = re.sub(r"[^\w-]+|_+", "-", spaced.lower()).strip("-")
    plain = re.sub(r"--+", "-", plain) or "service"
    if len(plain) > MAX_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        plain = f"{plain[:MAX_NAME].rstrip('-')}-{digest}"
    return plain


class Names:
    """Hands out paths that are free, also on file systems that ignore case.

    *exists* returns whether a path is taken, *is_ignored* whether git ignores it. A directory that
    git ignores gets another name, since new files in it would not be committed.
    """

    def __init__(
        self, exists: Callable[[str], bool], is_ignored: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._exists, self._is_ignored = exists, is_ignored
        self._reserved: set[str] = set()
        self._directories: dict[str, str] = {}
        self.env_files: dict[str, str] = {}
        """The env files without variables that are needed, by directory."""

    def state(self) -> tuple[frozenset[str], dict[str, str]]:
        """Return what is handed out, for :meth:`reset`."""
        return frozenset(self._reserved), dict(self.env_files)

    def reset(self, state: tuple[frozenset[str], dict[str, str]]) -> None:
        """Take back what was handed out since *state*."""
        self._reserved, self.env_files = set(state[0]), dict(state[1])

    def env_file(self, directory: str, candidates: Sequence[str]) -> str:
        """Return the path of the one env file in *directory*: the first of *candidates* to be free.

        One that git ignores would be missing in a clone, and Docker Compose stops there.
        """
        if directory not in self.env_files:
            paths = [posixpath.join(directory, name) for name in candidates]
            free = [path for path in paths if self._is_free(path) and not self._is_ignored(path)]
            self.env_files[directory] = self.reserve((free or paths)[0])
        return self.env_files[directory]

    def take(self, directory: str, family: Family, *names: str) -> str:
        """Return a free path in *directory* for a module: with the first of *names* that is free.

        A file that differs from another one by a word says what it is; a number does not.
        """
        words = ("", "-services", "-modules", "-split")
        candidates = [f"{name}{word}" for word in words for name in dict.fromkeys(names)]
        paths = [self._path(directory, family, name) for name in candidates]
        numbered = (self._path(directory, family, f"{names[0]}-{n}") for n in count(2))
        return self.reserve(next(path for path in chain(paths, numbered) if self._is_free(path)))

    def is_free(self, directory: str, family: Family, name: str) -> bool:
        """Return whether a module in *directory* can have the name *name*."""
        return self._is_free(self._path(directory, family, name))

    def _path(self, directory: str, family: Family, name: str) -> str:
        if directory not in self._directories:
            other = f"{directory}-modules"
            is_ignored, other_is_ignored = (
                self._is_ignored(path_from(place, family.file(name)))
                for place in (directory, other)
            )
            use_other = is_ignored and not other_is_ignored
            self._directories[directory] = other if use_other else directory
        return path_from(self._directories[directory], family.file(name))

    def _is_free(self, path: str) -> bool:
        return path.lower() not in self._reserved and not self._exists(path)

    def reserve(self, path: str) -> str:
        """Reserve *path*, and return it."""
        self._reserved.add(path.lower())
        return path


SERVICES, INFRASTRUCTURE = "services", "infrastructure"

UNNAMED = "base"
"""The environment of a file if nothing says which one it is."""

Granularity: TypeAlias = Literal["auto", "service", "category"]
Strategy: TypeAlias = Literal["auto", "include", "extends"]
AnchorHandling: TypeAlias = Literal["auto", "copy", "extends"]


class LayoutOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What the user decides about the layout of a split.

    The command line and the settings file take the names, values, defaults and descriptions from
    here. Paths are relative to the root file; in a layout, to the project directory.
    """

    into: Annotated[str, Meta(description="Directory of the modules.")] = ""
    granularity: Annotated[
        Granularity,
        Meta(
            description="What a module contains: one service, one category, or (auto) services "
            "that belong together by shared blocks, names, banners, profiles or category."
        ),
    ] = "auto"
    groups: Annotated[
        Mapping[str, tuple[str, ...]],
        Meta(description="The services of a module, by its name."),
    ] = {}
    modules: Annotated[
        Mapping[str, str], Meta(description="The path of the module, by service.")
    ] = {}
    strategy: Annotated[
        Strategy,
        Meta(
            description="How root files use the modules: they include them, or keep stubs that "
            "extend their services. auto includes; where three or more files define the same "
            "services, it takes the shorter of both."
        ),
    ] = "auto"
    anchors: Annotated[
        AnchorHandling,
        Meta(
            description="How modules share a block: each has a copy, or services extend it from "
            "one file. auto extends where the result is exactly the same, and may copy a few lines."
        ),
    ] = "auto"
    verbatim: Annotated[
        bool,
        Meta(
            description="Move every character as it is: include modules with project_directory, "
            "and rewrite no path."
        ),
    ] = False
    force: Annotated[bool, Meta(description="Split a file although modules would help little.")] = (
        False
    )
    environments: Annotated[
        Mapping[str, str],
        Meta(description="The name of the environment, by root file, if its name has none."),
    ] = {}


class Module(Struct, frozen=True):
    """A new file with whole services.

    Attributes:
        path: its path, relative to the project directory.
        services: its services in the order of the text.
        name: what its file name says.
        why: what they have in common.
    """

    path: str
    services: tuple[str, ...]
    name: str
    why: str = ""

    @property
    def is_infrastructure(self) -> bool:
        """True where it is in the directory for infrastructure."""
        return posixpath.basename(posixpath.dirname(self.path)) == INFRASTRUCTURE


class Tie(Struct, frozen=True):
    """Services that are in one module, since several would copy too much.

    Attributes:
        services: the services.
        block: what would be copied: an ``x-`` section, or a service with an anchor.
    """

    services: frozenset[str]
    block: str


class ServiceGroup(Struct, frozen=True):
    """The services of one module.

    Attributes:
        services: their names, in the order of the text.
        name: the name of the module, in kebab-case.
        directory: its directory, :data:`SERVICES` or :data:`INFRASTRUCTURE`.
        why: what they have in common, as ``share x-app``; ``""`` for a single service.
        path: the whole path of the module where the user gives it.
        other_name: a name that says more than *name* where that is taken; ``""`` for none.
    """

    services: tuple[str, ...]
    name: str
    directory: str
    why: str = ""
    path: str = ""
    other_name: str = ""


def modules_of(
    groups: Sequence[ServiceGroup],
    options: LayoutOptions,
    family: Family,
    names: Names,
    prefix: str = "",
    *,
    always: bool = False,
    elsewhere: Collection[str] = (),
    categories: bool = False,
) -> list[Module]:
    """Return the modules for *groups*, those of infrastructure last.

    Args:
        groups: the services of each module.
        options: what the user decides.
        family: the file name pattern of the project.
        names: hands out free paths.
        prefix: what the names of the modules begin with where one of them is taken: the name of
            the root file's environment, and a hyphen.
        always: True where they begin with it in any case, apart from free names of several words,
            which say enough. The prefix of a file without a name says nothing, and is only for
            names that are taken.
        elsewhere: services that other root files define too; with one of them, no name says enough.
        categories: True where the names of categories always begin with it: those of a root file
            that has a name. A category alone is one of the file without a name.
    """
    directories = [posixpath.join(options.into, group.directory) for group in groups]
    if prefix in {"", f"{UNNAMED}-"}:
        groups = [
            _renamed(group, directory, family, names)
            for group, directory in zip(groups, directories, strict=True)
        ]
    is_free = [
        bool(group.path) or names.is_free(directory, family, group.name)
        for group, directory in zip(groups, directories, strict=True)
    ]
    has_prefix = bool(prefix) and (always or categories or not all(is_free))
    modules = []
    for group, directory, free in zip(groups, directories, is_free, strict=True):
        if group.path:
            path = names.reserve(posixpath.normpath(group.path))
        else:
            is_own = not any(service in elsewhere for service in group.services)
            tells = "-" in group.name or f"-{prefix}".endswith(f"-{group.name}-")
            tells = tells or prefix == f"{UNNAMED}-"
            is_plain = prefix == f"{SERVICES}-" or (not always and _is_named_after(group))
            tells = tells or (is_plain and (categories or prefix == f"{SERVICES}-"))
            says_enough = free and tells and is_own
            name = f"{prefix}{group.name}" if has_prefix and not says_enough else group.name
            first = kebab(group.services[0])
            says_both = f"{first}-".startswith(f"{name}-")
            path = names.take(directory, family, name, first if says_both else f"{name}-{first}")
        modules.append(Module(path, group.services, group.name, group.why))
    return sorted(modules, key=lambda module: module.is_infrastructure)


def _is_named_after(group: ServiceGroup) -> bool:
    """Return whether the names of all services of *group* begin with its name."""
    return all(kebab(service).startswith(group.name) for service in group.services)


def _renamed(group: ServiceGroup, directory: str, family: Family, names: Names) -> ServiceGroup:
    """Return *group* with its other name where that is free and its name is not."""
    is_better = group.other_name and names.is_free(directory, family, group.other_name)
    if not is_better or names.is_free(directory, family, group.name):
        return group
    return replace(group, name=group.other_name)


_FAMILY = r"(?i)(?:^|[._-])(?:docker[._-]?)?compose(?=$|[._-])"

_NAMES = ("compose", "docker-compose", "compose.d", "docker-compose.d", "compose-files")
"""Names of directories for Compose files."""

_PARENTS = ("", "docker", ".docker", "deploy", "deployment", "infra", "infrastructure", "ops")
"""Directories in which projects keep such a directory."""

_FEWEST_INCLUDED = 2
"""Included files that show where a project keeps its modules."""


def modules_directory(project: Project, root_file: str, prefix: str) -> str:
    """Return the directory for new modules, relative to the directory of *root_file*.

    A project that keeps Compose files apart from its root files keeps them together: in the
    directory from which the root file includes several, or in one with a usual name, such as
    ``compose`` or ``docker/compose``. A directory of that name without Compose files, as for
    Dockerfiles, does not count. Without such a directory it is *prefix*.

    Args:
        project: The project.
        root_file: The path of the root file.
        prefix: The name of the directory that a split creates by default, ``docker-compose``.
    """
    directory = posixpath.dirname(root_file)
    candidates = [prefix, *_included_from(project, root_file)]
    candidates += [posixpath.join(parent, name) for parent in _PARENTS for name in _NAMES]
    return next(
        (
            each
            for each in candidates
            if each == "." or _has_modules(project, posixpath.join(directory, each))
        ),
        prefix,
    )


def _included_from(project: Project, root_file: str) -> Iterator[str]:
    """Yield the directories below that of *root_file* from which it includes several files.

    A directory for services, or for infrastructure, is one of those that a split has itself.
    """
    start = directory_of(root_file)
    included = [path for path, by in project.included_by.items() if root_file in by]
    counts = Counter(posixpath.relpath(directory_of(path), start) for path in included)
    for directory, users in counts.most_common():
        is_below = directory != "." and not directory.startswith("..")
        if is_below and users >= _FEWEST_INCLUDED:
            parent, _, last = directory.rpartition("/")
            yield (parent or ".") if last in {SERVICES, INFRASTRUCTURE} else directory


def _has_modules(project: Project, directory: str) -> bool:
    """Return whether *directory* has Compose files, itself or in a directory below it."""
    is_known = any(path.startswith(f"{directory}/") for path in project.files)
    return is_known or bool(project.compose_files_in(directory))


def environment_name(project: Project, path: str) -> str:
    """Return the name of the environment of the root file *path*, in kebab-case.

    ``docker-compose.dev.yml``, ``dev.docker-compose.yml`` and ``dev.yml`` give ``dev``. A plain
    ``docker-compose.yml`` is called what its content says. It is ``base`` if that says nothing, or
    if another file of the directory is called so: Compose's documentation calls the file that is
    read without ``-f`` the base configuration, and a guess, such as ``development`` beside
    ``docker-compose.prod.yml``, would be wrong where it is what everybody runs. The header comment
    is no guess: with it, only another form of the same word, as ``dev``, is the same name.
    """
    named = name_in_path(path)
    if named:
        return named
    directory = posixpath.dirname(path)
    others = {name_in_path(p) for p in project.files if posixpath.dirname(p) == directory}
    word = word_in(project.files[path])
    is_said = word_in_header(project.files[path]) == word
    alike = [name for name in others if kind_of(name) == kind_of(word)]
    is_taken = any(not is_said or name.startswith(word[:3]) for name in alike)
    return UNNAMED if not word or is_taken else word


def are_environments(project: Project, paths: Sequence[str]) -> bool:
    """Return whether the root files *paths* are environments of a project, not variants of it.

    Variants have other parts: ``docker-compose-mysql.yml``, ``docker-compose-postgres.yml``. Files
    are environments if each is of a known kind by its name or its content, and these are not the
    same for all. A plain ``docker-compose.yml`` may belong to either.
    """
    kinds = {path: kind_in(name_in_path(path)) for path in paths if name_in_path(path)}
    said = {path: kind_of(word_in(project.files[path])) for path in paths}
    if not all(kind or said[path] for path, kind in kinds.items()):
        return False
    return any(kinds.values()) or len(set(said.values())) > 1


def kind_in(name: str) -> Kind | None:
    """Return the kind of environment that a word of *name* says, as ``api-dev`` does; or None."""
    return next((kind for word in name.split("-") if (kind := kind_of(word))), None)


def name_in_path(path: str) -> str:
    """Return what the file name of *path* says besides ``docker-compose``, maybe ``""``."""
    stem = posixpath.basename(path).rsplit(".", 1)[0]
    rest = re.sub(_FAMILY, "", stem).strip("._-")
    return kebab(rest).removeprefix("docker-") if rest else ""
