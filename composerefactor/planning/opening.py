"""Opening a project: its directory, its entry points, its files."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import Library
from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import item_nodes, merged_entries, scalar_text
from composerefactor.compose.project import Project, UndividedFile, load
from composerefactor.discovery.files import DEFAULT_NAMES, Listing, TreeFacts
from composerefactor.discovery.find import (
    commands,
    from_options,
    project_directories,
    rooted,
    survey,
    with_env_files,
)
from composerefactor.discovery.readers import OtherReader
from composerefactor.discovery.resolve import entry_points
from composerefactor.errors import InputError, Location, first_of
from composerefactor.planning.settings import FILE_NAME, load_settings
from composerefactor.workspace.files import ProjectFiles
from composerefactor.workspace.git import Repository, find_repository

if TYPE_CHECKING:
    from composerefactor.planning.settings import Settings


_MOST = 8
"""More projects are counted."""

COMPOSE_NAMES = ("*compose*.yml", "*compose*.yaml")
"""Names by which a directory without a default file is still known to hold a project."""

NOT_PASSED_ON = frozenset({"PATH", "HOME", "PWD", "COMPOSE_FILE", "COMPOSE_PROFILES"})
"""Shell variables that the engine gets from the stage, or that choose an entry point."""


class ProjectSelection(Struct, frozen=True):
    """What the user says of a project: where it is, and how it is started.

    *roots* is the directory below *path* that the root files are to stand in, if they have one.
    """

    path: Path
    file: Sequence[str] = ()
    entry: Sequence[str] = ()
    env_file: Sequence[str] = ()
    environ: Mapping[str, str] = {}
    roots: str = ""

    @property
    def names_entries(self) -> bool:
        """True where the user names the entry points."""
        return bool(self.file or self.entry or self.environ.get("COMPOSE_FILE"))


class OpenProject(Struct, frozen=True, dict=True):
    """A project that is open.

    *repository* is git's work tree around it, *environ* has the shell's variables that its files
    name. *exported* is the path of the root below git's top level where git has exported the files
    of a revision, so that all are in git; None for any other project.
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
        """The path of the root below git's top level; ``""`` at it, and without git."""
        if self.exported is not None:
            return self.exported
        return self.repository.prefix if self.repository else ""

    @cached_property
    def settings(self) -> Settings:
        """The project's settings; raises InputError for a file that is not understood."""
        is_there = self.files.exists(FILE_NAME)
        return load_settings(self.files.read_bytes(FILE_NAME) if is_there else None)

    def variables_of(self, entry: Invocation) -> list[Variable]:
        """Return the variables in the values of all files of *entry*."""
        found: dict[Variable, None] = {}
        for path in sorted(self.project.files_of[entry]):
            file = self.project.files.get(path)
            found.update(dict.fromkeys(file.variables if file else ()))
        return list(found)

    def profiles_of(self, entry: Invocation) -> list[str]:
        """Return the profiles that the services of *entry* name."""
        found: dict[str, None] = {}
        for path in sorted(self.project.files_of[entry]):
            file = self.project.files.get(path)
            for body in file.services.values() if file else ():
                profiles = merged_entries(body).get("profiles")
                for node in item_nodes(profiles.value) if profiles else ():
                    text = scalar_text(node)
                    if text and "$" not in text:
                        found[text] = None
        return list(found)


def project_root(path: Path, roots: str = "") -> Path:
    """Return the project directory for *path*: itself, or the only one below it.

    Of several below it *roots* is taken if it is one of them.

    Raises InputError where there is none or more than one.
    """
    if path.is_file():
        raise InputError(
            "a file, where a project directory is needed",
            location=Location(str(path)),
            remedy=f"give the directory, and the file with -f {path.name}",
        )
    files = ProjectFiles(path)
    texts = ProjectTexts(files)
    listed = texts.paths()
    below = project_directories(texts)
    top = [p for p in listed if "/" not in p]
    if below[:1] == ["."] or _compose_named(top):
        return files.root
    facts = TreeFacts(texts, Library(files))
    if not below and any(_is_entry(p, facts) for p in top):
        return files.root
    if rooted(Listing(texts), facts) or _is_named(Listing(texts)):
        return files.root
    unread = [p for p in listed if not facts.referenced_by(p)]
    below = below or _topmost({posixpath.dirname(p) for p in unread if _compose_named([p])})
    below = below or _topmost({posixpath.dirname(p) for p in unread if _is_entry(p, facts)})
    if roots and posixpath.normpath(roots) in below:
        return files.root / roots
    if len(below) == 1:
        return files.root / below[0]
    if not below:
        raise _no_compose_file(path)
    raise InputError(
        f"no Compose file here, but {len(below)} projects below: {first_of(below, _MOST)}",
        location=Location(str(path)),
        remedy=f"give one of them as PATH: {below[0]}",
    )


def _no_compose_file(path: Path) -> InputError:
    for name in DEFAULT_NAMES:
        if (path / name).exists():  # Docker makes a directory of a mount that is missing
            what = "a directory" if (path / name).is_dir() else "neither a file nor a directory"
            return InputError(
                f"{what}, where the Compose file is expected",
                location=Location(name),
                remedy="remove it, or name the Compose file with -f",
            )
    return InputError(
        "no Compose file here",
        location=Location(str(path)),
        remedy="give the project directory, or name the file with -f",
    )


def open_project(
    choice: ProjectSelection,
    like: Sequence[Invocation] | None = None,
    *,
    repairable: bool = False,
    partial: bool = False,
) -> OpenProject:
    """Open the project that *choice* names, with the entry points *like* if they are given.

    *repairable* also reads files that the engine rejects and that can be mended in place. *partial*
    also opens a project of which no entry point can be read; the project has the reasons.

    Raises InputError where there is no project, or no entry point whose files can be read: then
    with the first reason.
    """
    named = like is not None or choice.names_entries
    root = ProjectFiles(choice.path).root if named else project_root(choice.path, choice.roots)
    files = ProjectFiles(root)
    library = Library(files, repairable=repairable)
    texts = ProjectTexts(files)
    entries = (
        list(like)
        if like is not None
        else from_options(
            texts,
            file=choice.file,
            entry=choice.entry,
            env_file=choice.env_file,
            environ=choice.environ,
        )
    )
    readers: tuple[OtherReader, ...] = ()
    facts = TreeFacts(texts, library)
    if entries is None:
        found = survey(texts, facts)
        entries, readers = with_env_files(found.entries, texts, choice.env_file), found.readers
    if not entries:
        raise _no_compose_file(choice.path)
    project = load(entries, library, choice.environ)
    project.has_directory = files.has_directory
    if not choice.names_entries:
        project.whole.update(_read_by_others(readers))
    repository = find_repository(root)
    if repository is not None:
        project.is_tracked = repository.is_tracked
        project.is_ignored = lambda path: bool(repository.is_ignored([path]))
        ignored = _ignored(repository, project)
        project.whole.update(
            {p: UndividedFile(f"git ignores it ({by})") for p, by in ignored.items()}
        )
    project.referenced_by, project.overriding = facts.referenced_by, facts.overriding
    if not project.readable and like is None and not partial:
        raise next(iter(project.errors.values()))
    opened = OpenProject(root, repository, files, library, project, readers, {})
    used = {v.name for e in project.readable for v in opened.variables_of(e)} - NOT_PASSED_ON
    environ = {k: v for k, v in choice.environ.items() if k in used}
    return replace(opened, environ=environ)


def _read_by_others(readers: Iterable[OtherReader]) -> dict[str, UndividedFile]:
    """Return the files that a program reads which knows no ``include``, with the reason."""
    return {
        reader.path: UndividedFile(f"{reader.evidence} reads it with {reader.name}", reader.name)
        for reader in readers
    }


def _ignored(repository: Repository, project: Project) -> dict[str, str]:
    """Return the files that git ignores, with its pattern: what leaves them reaches everybody."""
    names = [path for path in project.files if not path.startswith("../")]
    return repository.is_ignored(names)


def _is_named(listing: Listing) -> bool:
    """Return whether a command gives the directory of *listing* as that of its project."""
    return any(
        isinstance(entry, Invocation) and entry.project_directory == "."
        for call in commands(listing)
        for entry in entry_points(call, listing)
    )


class ProjectTexts:
    """The files of a project as texts, for the search of entry points."""

    def __init__(self, files: ProjectFiles) -> None:
        self._files = files

    @cached_property
    def _listed(self) -> list[str]:
        return self._files.paths()

    def paths(self) -> Sequence[str]:
        """Return the paths of all files."""
        return self._listed

    def read(self, path: str) -> str | None:
        """Return the text of *path*; None for what is missing, no text, or too large."""
        try:
            return self._files.read_text(path)
        except InputError:
            return None


def _is_entry(path: str, facts: TreeFacts) -> bool:
    """Return whether *path* has services, and is not there for other files alone."""
    is_yaml = path.endswith((".yml", ".yaml"))
    return is_yaml and bool(facts.services(path)) and not facts.referenced_by(path)


def _compose_named(paths: Iterable[str]) -> bool:
    return any(
        fnmatch.fnmatch(posixpath.basename(path), pattern)
        for path in paths
        for pattern in COMPOSE_NAMES
    )


def _topmost(directories: Iterable[str]) -> list[str]:
    """Return *directories* without those below another: modules are no projects."""
    kept: list[str] = []
    for directory in sorted(directories):
        if not any(directory.startswith(f"{other}/") for other in kept):
            kept.append(directory)
    return kept
