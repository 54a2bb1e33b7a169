"""Opening a project: finding its directory, its start commands and its files.

:func:`open_project` is the first step of every command. It returns an :class:`OpenProject`, which
all later steps read from.
"""

from __future__ import annotations

import fnmatch
import posixpath
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import DEFAULT_NAMES, Library
from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.compose.masking import Masking
from composerefactor.compose.project import Project, ProtectedFile, load_project
from composerefactor.compose.remarks import generated_note
from composerefactor.discovery.files import Listing, TreeFacts, files_with, unsearched
from composerefactor.discovery.find import (
    commands,
    directories_used_from_root,
    from_options,
    merge_duplicates,
    project_directories,
    survey,
    with_env_files,
)
from composerefactor.discovery.readers import PUBLISH, OtherReader
from composerefactor.discovery.resolve import resolve_call
from composerefactor.errors import InputError, Location, first_of
from composerefactor.planning.settings import FILE_NAME, load_settings
from composerefactor.workspace.files import ProjectFiles
from composerefactor.workspace.git import Repository, find_repository
from composerefactor.yaml.values import item_nodes, merged_entries, scalar_text

if TYPE_CHECKING:
    from composerefactor.planning.settings import Settings


_MAX_PROJECTS_NAMED = 8
"""Projects that an error message names, at most; the others are counted."""

COMPOSE_NAMES = ("*compose*.yml", "*compose*.yaml")
"""File names that identify a project directory without a file of a default name."""

NOT_PASSED_ON = frozenset({"PATH", "HOME", "PWD", "COMPOSE_FILE", "COMPOSE_PROFILES"})
"""Shell variables that are not passed to Docker Compose, although project files name them.

A run on a staged copy sets its own values, and COMPOSE_FILE and COMPOSE_PROFILES are already part
of the start command.
"""


class ProjectSelection(Struct, frozen=True):
    """Which project the user wants to open, and with which start commands.

    Attributes:
        path: The project directory, or a directory that contains exactly one project.
        file: The Compose files of a start command, as with ``-f``.
        entry: Start commands, each written as in ``--entry``.
        env_file: Env files for interpolation, as with ``--env-file``.
        environ: The user's shell variables.
        roots: The directory below *path* to which the root files move or have moved; ``""`` if
            they do not move. It selects the project if *path* contains several.
    """

    path: Path
    file: tuple[str, ...] = ()
    entry: tuple[str, ...] = ()
    env_file: tuple[str, ...] = ()
    environ: Mapping[str, str] = {}
    roots: str = ""

    def __hash__(self) -> int:
        return hash((self.path, self.file, self.entry, self.env_file, self.roots))

    @property
    def names_entries(self) -> bool:
        """True if the user gives the start commands, so that none are searched for."""
        return bool(self.file or self.entry or self.environ.get("COMPOSE_FILE"))


class OpenProject(Struct, frozen=True, dict=True):
    """A project whose files have been read.

    Attributes:
        root: The project directory.
        repository: The git work tree that contains it; None without git.
        files: Access to the files of the project.
        library: The parsed Compose files.
        project: The start commands and the Compose files that they read.
        readers: Programs other than Docker Compose that read Compose files of the project.
        environ: The user's shell variables that the Compose files name.
        exported: For a project exported from a git revision, the path of the root below the top
            level of the repository; None for any other project.
    """

    root: Path
    repository: Repository | None
    files: ProjectFiles
    library: Library
    project: Project
    readers: tuple[OtherReader, ...]
    environ: Mapping[str, str]
    exported: str | None = None

    @property
    def prefix(self) -> str:
        """The path of the root below the top level of the repository; ``""`` if there is none."""
        if self.exported is not None:
            return self.exported
        return self.repository.prefix if self.repository else ""

    @cached_property
    def listing(self) -> Listing:
        """The texts of the files of the project."""
        return listing_of(self.files)

    @cached_property
    def settings(self) -> Settings:
        """The project's settings, the defaults if it has no settings file.

        Raises:
            InputError: The settings file is invalid.
        """
        has_settings = self.files.exists(FILE_NAME)
        return load_settings(self.files.read_bytes(FILE_NAME) if has_settings else None)

    @cached_property
    def masking(self) -> Masking:
        """The masking of the secrets in the files of the project and in its shell variables."""
        return Masking.of(self.project, self.environ)

    def variables_of(self, entry: Invocation) -> list[Variable]:
        """Return the variables that the Compose files of *entry* use, in a stable order."""
        variables: dict[Variable, None] = {}
        for path in sorted(self.project.files_of[entry]):
            file = self.project.files.get(path)
            variables.update(dict.fromkeys(file.variables if file else ()))
        return list(variables)

    def profiles_of(self, entry: Invocation) -> list[str]:
        """Return the profiles that the services of *entry* name, in a stable order."""
        names: dict[str, None] = {}
        for path in sorted(self.project.files_of[entry]):
            file = self.project.files.get(path)
            for body in file.services.values() if file else ():
                profiles = merged_entries(body).get("profiles")
                for node in item_nodes(profiles.value) if profiles else ():
                    text = scalar_text(node)
                    if text and "$" not in text:
                        names[text] = None
        return list(names)


def listing_of(files: ProjectFiles) -> Listing:
    """Return the texts of *files*, for the search for start commands."""
    return Listing(files.paths, files.text_of)


def open_project(
    choice: ProjectSelection,
    entries: Sequence[Invocation] | None = None,
    *,
    repairable: bool = False,
    partial: bool = False,
) -> OpenProject:
    """Open the project that *choice* selects.

    Args:
        choice: The project and its start commands.
        entries: The start commands to use instead of those that *choice* gives or that are found.
        repairable: Also read files that Docker Compose rejects but that a fixer can repair.
        partial: Also open a project without any start command that can be read; the reasons are in
            the ``errors`` of its ``project``.

    Raises:
        InputError: There is no project, or (unless *partial* or *entries* is given) no start
            command whose files can be read; then it is the first error of these.
    """
    is_explicit = entries is not None or choice.names_entries
    root = (
        ProjectFiles(choice.path).root if is_explicit else project_root(choice.path, choice.roots)
    )
    files = ProjectFiles(root)
    library = Library(files, repairable=repairable)
    listing = listing_of(files)
    facts = TreeFacts(listing, library)
    invocations = list(entries) if entries is not None else _given_entries(choice, listing)
    readers: tuple[OtherReader, ...] = ()
    if invocations is None:
        surveyed = survey(listing, facts)
        invocations = with_env_files(surveyed.entries, listing, choice.env_file)
        readers = surveyed.readers
    if not invocations:
        raise _no_compose_file(choice.path)
    invocations, links = _with_link_targets(invocations, files)
    project = load_project(invocations, library, choice.environ)
    links |= {path: target for path in project.files if (target := files.link_target(path))}
    project.links.update(links)
    project.has_directory = files.has_directory
    project.not_read.update(_files_not_read(project, listing, facts))
    project.protected_files.update(_generated_files(project, is_named=choice.names_entries))
    if not choice.names_entries:
        project.protected_files.update(_files_of_other_readers(readers))
    project.protected_files.update(_linked_files(links))
    project.name = root.name
    repository = find_repository(root)
    if repository is not None:
        project.directory = repository.prefix
        project.is_tracked = repository.is_tracked
        project.repository_of = cache(_repository_of(choice.path, root, repository))
        project.is_ignored = lambda path: bool(repository.is_ignored([path]))
        ignored = _git_ignored_files(repository, project)
        project.protected_files.update(
            {
                path: ProtectedFile(f"git ignores it ({pattern})")
                for path, pattern in ignored.items()
            }
        )
    project.referenced_by, project.overriding = facts.referenced_by, facts.overriding
    project.compose_files_in, project.files_in = facts.compose_files_in, listing.names_in
    project.all_undefined = lambda: facts.all_undefined
    search = cache(lambda texts: files_with(listing, texts))  # fixes plan several times
    project.files_with = lambda texts: search(frozenset(texts))
    project.unsearched = cache(lambda: unsearched(listing))
    if not project.readable and entries is None and not partial:
        raise Masking.of(project, choice.environ).error(next(iter(project.errors.values())))
    opened = OpenProject(root, repository, files, library, project, readers, {})
    used = {
        variable.name for entry in project.readable for variable in opened.variables_of(entry)
    } - NOT_PASSED_ON
    environ = {name: value for name, value in choice.environ.items() if name in used}
    project.environments, project.catalog = opened.settings.environments, opened.settings.catalog
    return replace(opened, environ=environ)


def _repository_of(path: Path, root: Path, repository: Repository) -> Callable[[str], str]:
    """Return a function that returns the directory of the repository that contains a file.

    It is ``""`` for the *repository* of *root*, unless the command runs at *path* above it.
    """
    around = find_repository(path) if path.is_dir() and path.resolve() != root.resolve() else None
    if around is not None and around.top != repository.top:
        name = posixpath.relpath(repository.top, around.root.resolve())
        return lambda _: name
    return repository.nested_at


def _given_entries(choice: ProjectSelection, listing: Listing) -> list[Invocation] | None:
    """Return the start commands that *choice* gives; None if it gives none."""
    return from_options(
        listing,
        file=choice.file,
        entry=choice.entry,
        env_file=choice.env_file,
        environ=choice.environ,
    )


def _with_link_targets(
    entries: Sequence[Invocation], files: ProjectFiles
) -> tuple[list[Invocation], dict[str, str]]:
    """Return *entries* with the targets of symbolic links in the same directory; all links.

    Such a target is read in the same way by either name, so that it can be changed, and the link
    stays as it is. Relative paths are relative to the directory of the link, not of its target
    (observed: v5.6.1), so that a target elsewhere cannot replace it.
    """
    paths = dict.fromkeys(path for entry in entries for path in entry.files)
    links = {path: target for path in paths if (target := files.link_target(path))}
    near = {path: target for path, target in links.items() if _is_beside(path, target)}
    replaced = []
    for entry in entries:
        linked = [path for path in entry.files if path in near]
        if linked:
            named = tuple(dict.fromkeys(near.get(path, path) for path in entry.files))
            evidence = tuple(Evidence(f"{path} is a link to {near[path]}") for path in linked)
            entry = replace(  # noqa: PLW2901
                entry, files=named, implicit=False, evidence=(*entry.evidence, *evidence)
            )
        replaced.append(entry)
    return merge_duplicates(replaced), links


def _is_beside(path: str, target: str) -> bool:
    return posixpath.dirname(path) == posixpath.dirname(target)


def _linked_files(links: Mapping[str, str]) -> Iterator[tuple[str, ProtectedFile]]:
    """Yield the links to other directories and their targets, with the reason."""
    for path, target in links.items():
        if not _is_beside(path, target):
            yield path, ProtectedFile(f"it is a symbolic link to {target}, in another directory")
            yield (
                target,
                ProtectedFile(f"{path}, a symbolic link to it, is read in another directory"),
            )


def _files_not_read(
    project: Project, listing: Listing, facts: TreeFacts
) -> Iterator[tuple[str, InputError]]:
    """Yield the files that look like Compose files and are none, with the reason."""
    known = {*project.files, *(path for entry in project.entries for path in entry.files)}
    directories = {posixpath.dirname(path) for path in known}
    for path in listing.paths:
        if path in known or posixpath.dirname(path) not in directories:
            continue
        if _any_has_compose_name([path]) or facts.has_services(path):
            error = facts.why_unusable(path)
            if error is not None:
                yield path, error


def _generated_files(project: Project, *, is_named: bool) -> Iterator[tuple[str, ProtectedFile]]:
    """Yield the files that say that they are generated, with the reason.

    If the user names the start commands (*is_named*), the files of these are left out.
    """
    named = {path for entry in project.entries for path in entry.files} if is_named else set()
    for path, file in project.files.items():
        note = generated_note(file) if path not in named else None
        if note is not None:
            reason = f"{note} says that the file is generated"
            yield path, ProtectedFile(reason, is_generated=True)


def _files_of_other_readers(readers: Iterable[OtherReader]) -> dict[str, ProtectedFile]:
    """Return the files that are read by a program without ``include`` support, with the reason."""
    # A program that supports extends must not hide one that does not.
    ordered = sorted(readers, key=lambda each: each.name != PUBLISH)
    return {
        each.path: ProtectedFile(each.statement, each.name, each.name == PUBLISH)
        for each in ordered
    }


def _git_ignored_files(repository: Repository, project: Project) -> dict[str, str]:
    """Return the Compose files that git ignores, with the pattern.

    They may contain private settings, which must not be moved to files that are committed.
    """
    return repository.is_ignored(project.own_files)


def project_root(path: Path, roots: str = "") -> Path:
    """Return the project directory for *path*: itself, or the only one below it.

    *path* itself is the project directory if it has a Compose file of a default name, a file named
    as in :data:`COMPOSE_NAMES` or any other start file, or if a command runs Docker Compose in it.
    Otherwise the directories below it are searched in the same way.

    Args:
        path: The directory to search.
        roots: The directory below *path* that is used if there are several.

    Raises:
        InputError: *path* is a file, or there is no project, or more than one.
    """
    if path.is_file():
        raise InputError(
            "a file, but a project directory is required",
            location=Location(str(path)),
            remedy=f"give the directory as PATH, and the file as -f {path.name}",
        )
    files = ProjectFiles(path)
    listing = listing_of(files)
    candidates = project_directories(listing)
    top_level = [name for name in listing.paths if "/" not in name]
    if candidates[:1] == ["."] or _any_has_compose_name(top_level):
        return files.root
    facts = TreeFacts(listing, Library(files))
    if not candidates and any(_is_start_file(name, facts) for name in top_level):
        return files.root
    if directories_used_from_root(listing, facts) or _is_given_as_directory(listing):
        return files.root
    unreferenced = [name for name in listing.paths if not facts.referenced_by(name)]
    candidates = candidates or _outermost(
        {posixpath.dirname(name) for name in unreferenced if _any_has_compose_name([name])}
    )
    candidates = candidates or _outermost(
        {posixpath.dirname(name) for name in unreferenced if _is_start_file(name, facts)}
    )
    if roots and posixpath.normpath(roots) in candidates:
        return files.root / roots
    if len(candidates) == 1:
        return files.root / candidates[0]
    if not candidates:
        raise _no_compose_file(path)
    names = first_of(candidates, _MAX_PROJECTS_NAMED)
    raise InputError(
        f"no Compose file here, but {len(candidates)} projects below: {names}",
        location=Location(str(path)),
        remedy=f"choose one of them, for example: cd {shlex.quote(str(path / candidates[0]))}",
    )


def _is_given_as_directory(listing: Listing) -> bool:
    """Return whether a command gives the directory of *listing* as its project directory."""
    return any(
        isinstance(entry, Invocation) and entry.project_directory == "."
        for call in commands(listing)
        for entry in resolve_call(call, listing)
    )


def _is_start_file(path: str, facts: TreeFacts) -> bool:
    """Return whether *path* defines services and no other file refers to it."""
    is_yaml = path.endswith((".yml", ".yaml"))
    return is_yaml and bool(facts.services(path)) and not facts.referenced_by(path)


def _any_has_compose_name(paths: Iterable[str]) -> bool:
    """Return whether a file of *paths* has a name as in :data:`COMPOSE_NAMES`."""
    return any(
        fnmatch.fnmatch(posixpath.basename(path), pattern)
        for path in paths
        for pattern in COMPOSE_NAMES
    )


def _outermost(directories: Iterable[str]) -> list[str]:
    """Return *directories* without those below another one, since a module is not a project."""
    kept: list[str] = []
    for directory in sorted(directories):
        if not any(directory.startswith(f"{other}/") for other in kept):
            kept.append(directory)
    return kept


def _no_compose_file(path: Path) -> InputError:
    """Return the error for a directory without a Compose file."""
    for name in DEFAULT_NAMES:
        if (path / name).exists():  # Docker creates a directory for a missing bind mount
            kind = "a directory" if (path / name).is_dir() else "neither a file nor a directory"
            return InputError(
                f"{kind}, but a Compose file is expected",
                location=Location(name),
                remedy="remove it, or give the Compose file with -f",
            )
    return InputError(
        "no Compose file here",
        location=Location(str(path)),
        remedy="give the project directory, or the Compose file with -f",
    )
