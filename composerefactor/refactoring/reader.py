"""The contract between a reader and everything that runs it.

A reader is a program other than Docker Compose that reads, copies or watches Compose files, such as
Dependabot. It is a function in a file of ``refactoring/readers/``. Its name is the function's name
in kebab-case; the first line of the docstring is its summary, the rest its explanation. It gets the
files around a project and a planned split, and yields an :class:`Outcome` for each place at which
the program names a file that is split. It does not print, open files or write text.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.ignore_comments import reason_in
from composerefactor.compose.paths import path_from
from composerefactor.discovery.command_files import reader_for
from composerefactor.discovery.files import Listing, directories_of
from composerefactor.discovery.readers import OtherReader
from composerefactor.discovery.structured import without_json_comments
from composerefactor.edit.planned_files import Replacement
from composerefactor.errors import InputError, Location, first_of
from composerefactor.yaml.nodes import Entry, MappingNode, Node, ScalarNode, Tree, own_entries, walk
from composerefactor.yaml.nodes import value_of as value_of  # noqa: PLC0414 - readers import it from here
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source

State: TypeAlias = Literal["followed", "fine", "named", "whole"]
"""What becomes of a reader: *followed* (its own file is edited), *fine* as it is, *named* (the user
has to act), or *whole* (it supports neither ``include`` nor ``extends``: the root stays whole)."""

_MAX_TEXT = 300_000
_MOST_NAMED = 3
_MAX_SCRIPTS = 1_000


class Outcome(Struct, frozen=True):
    """What becomes of one place at which a reader names a file that is split.

    Attributes:
        state: See :data:`State`.
        location: The place.
        statement: What the reader does there, as a clause without a subject: "copies compose.yml".
        action: For a reader that is *followed* what the edits do, for one that is *named* what the
            user has to do, as imperatives; ``""`` for the others.
        edits: The edits of the file, for a reader that is *followed*.
        breaks: For a reader that is *named*: False where it may work all the same, so that
            ``--check`` does not fail.
        reader: The name of the reader; set by whoever runs it.
        title: The title of the reader; set by whoever runs it.
    """

    state: State
    location: Location
    statement: str
    action: str = ""
    edits: tuple[Replacement, ...] = ()
    breaks: bool = True
    reader: str = ""
    title: str = ""


class SplitFile(Struct, frozen=True):
    """A Compose file that reads modules after the plan. Paths are from the repository's top level.

    Attributes:
        path: The file before the plan.
        modules: All files that it includes or extends from after the plan, at any depth, without
            those that a start command names too. For a file that moves, also the moved file.
        created: Those of them that the plan creates.
    """

    path: str
    modules: tuple[str, ...]
    created: frozenset[str] = frozenset()

    def missing(self, covers: Callable[[str], bool]) -> list[str]:
        """Return the modules that a reader of the file does not cover.

        Empty where the plan creates no module and the reader covers none: then the modules are
        older than the plan, and whoever wrote them did not want the reader to follow.
        """
        missing = [module for module in self.modules if not covers(module)]
        return missing if self.created or len(missing) < len(self.modules) else []


class PlannedSplit(Struct, frozen=True, dict=True):
    """The Compose files that read modules after a plan. Paths are from the repository's top level.

    Attributes:
        splits: These files.
        files: All files of the project after the plan.
        removed: The files that the plan deletes, without those that move.
        with_images: The modules that name an image.
    """

    splits: tuple[SplitFile, ...]
    files: frozenset[str]
    removed: frozenset[str] = frozenset()
    with_images: frozenset[str] = frozenset()

    @cached_property
    def paths(self) -> frozenset[str]:
        """The files that are split, before the plan."""
        return frozenset(split.path for split in self.splits)

    @cached_property
    def modules(self) -> frozenset[str]:
        """The modules of all files."""
        return frozenset(module for split in self.splits for module in split.modules)

    @cached_property
    def names(self) -> frozenset[str]:
        """The file names of the files that are split."""
        return frozenset(map(posixpath.basename, self.paths))

    def is_named_in(self, text: str) -> bool:
        """Return whether *text* contains the file name of a file that is split."""
        return any(name in text for name in self.names)

    def is_stale(self, covers: Callable[[str], bool]) -> bool:
        """Return whether *covers* is true for files that the plan deletes, and for no other."""
        return any(map(covers, self.removed)) and not any(map(covers, self.files))

    def covered(self, covers: Callable[[str], bool]) -> tuple[list[str], list[str]]:
        """Return the split files that *covers* is true for, and their modules that lack it.

        Modules lack it as :meth:`SplitFile.missing` says.
        """
        named = [each for each in self.splits if covers(each.path)]
        missing = dict.fromkeys(module for each in named for module in each.missing(covers))
        return [each.path for each in named], list(missing)

    def covering(self, modules: Iterable[str]) -> list[str]:
        """Return the fewest directories (ending in ``/``) and files that contain *modules*.

        A directory counts only if all of its files are modules, or env files that the plan creates.
        """
        found: dict[str, None] = {}
        for module in modules:
            best = module
            directory = posixpath.dirname(module)
            while directory and directory not in self._shared:
                best = f"{directory}/"
                directory = posixpath.dirname(directory)
            found[best] = None
        return list(found)

    @cached_property
    def _shared(self) -> frozenset[str]:
        """The directories that contain, at any depth, files other than modules."""
        return directories_of(self.files - self.modules)


class ReaderFile(Struct, frozen=True, dict=True):
    """A file that a reader may have.

    Attributes:
        path: Its path from the project directory; it begins with ``..`` for a file above it.
        place: Its path from the repository's top level.
        text: Its text, without the byte-order mark.
    """

    path: str
    place: str
    text: str

    @cached_property
    def source(self) -> Source:
        """The text, for conversions of offsets."""
        return Source(self.path, self.text)

    @cached_property
    def tree(self) -> Tree | None:
        """The YAML or JSON tree, JSON with comments too; None if it is invalid or too large."""
        text = self.text
        if len(text) > _MAX_TEXT:
            return None
        if self.path.endswith((".json", ".jsonc", ".json5")):
            text = without_json_comments(text)
        try:
            return parse(Source(self.path, text))
        except (InputError, RecursionError):
            return None

    @property
    def root(self) -> MappingNode | None:
        """The mapping at the top of the tree, None if there is none."""
        root = self.tree.root if self.tree else None
        return root if isinstance(root, MappingNode) else None

    @property
    def mappings(self) -> Iterator[MappingNode]:
        """The mapping at the top of the tree, and all mappings in it."""
        inside = walk(self.root) if self.root is not None else ()
        return (node for node in inside if isinstance(node, MappingNode))

    def location(self, at: Node | int) -> Location:
        """Return the place of a node or of an offset."""
        return self.source.location(at if isinstance(at, int) else at.start)

    def ignores(self, reader: str, line: int) -> bool:
        """Return whether a comment on *line*, or on the line above, switches *reader* off."""
        lines = self.text.split("\n")[max(line - 2, 0) : line]
        return any(reason_in(text, reader) is not None for text in lines)


def _from_top_level(project: Listing, prefix: str, above: Mapping[str, str]) -> Listing:
    """Return the files of *project* and the known files *above* it, by path from the top level."""
    own = {path_from(prefix, path): path for path in project.paths}

    def read(path: str) -> str | None:
        return project.read(own[path]) if path in own else above.get(path)

    return Listing(lambda: sorted({*own, *above}), read)


class Surroundings:
    """The files in which readers are found. All paths are from the repository's top level.

    Args:
        project: The files of the project, by their path from the project directory.
        prefix: The project directory, from the repository's top level; ``""`` if they are the same.
        above: The texts of well-known files of the repository above the project, by their path.
        remotes: Returns the names of the repository on servers, such as ``acme/shop``.
        others: The programs without support for ``include`` that read Compose files.

    Attributes:
        listing: The files of the project and those above it.
        read_once: What readers keep for each other, by key.
    """

    def __init__(
        self,
        project: Listing,
        prefix: str = "",
        above: Mapping[str, str] | None = None,
        remotes: Callable[[], Collection[str]] = frozenset,
        others: Iterable[OtherReader] = (),
    ) -> None:
        self.listing = _from_top_level(project, prefix, above or {})
        self.others = tuple(others)
        self.read_once: dict[Hashable, Any] = {}
        self._prefix = prefix
        self._remotes = remotes
        self._files: dict[str, ReaderFile | None] = {}

    def place(self, path: str) -> str:
        """Return *path*, relative to the project directory, from the repository's top level."""
        return path_from(self._prefix, path)

    def path(self, place: str) -> str:
        """Return *place*, relative to the repository's top level, from the project directory."""
        return posixpath.relpath(place, self._prefix or ".")

    @cached_property
    def repositories(self) -> frozenset[str]:
        """The names of the repository on servers, such as ``acme/shop``, lower case."""
        return frozenset(name.lower() for name in self._remotes())

    @cached_property
    def _near(self) -> list[str]:
        """The files in which settings of a repository are: up to one directory deep, or hidden."""
        paths = self.listing.paths
        return [each for each in paths if each.startswith(".") or each.count("/") <= 1]

    @cached_property
    def scripts(self) -> list[str]:
        """The files that may contain commands, up to a limit."""
        return [path for path in self.listing.paths if reader_for(path)][:_MAX_SCRIPTS]

    def files(self, pattern: re.Pattern[str], *, anywhere: bool = False) -> Iterator[ReaderFile]:
        """Yield the files whose whole path matches *pattern*.

        These are files up to one directory deep or in a hidden directory, unless *anywhere*.
        """
        for place in self.listing.paths if anywhere else self._near:
            if pattern.fullmatch(place) and (file := self.file(place)) is not None:
                yield file

    def file(self, place: str) -> ReaderFile | None:
        """Return the file at *place*, None if it cannot be read."""
        if place not in self._files:
            text = self.listing.read(place)
            known = text is not None
            self._files[place] = ReaderFile(self.path(place), place, text or "") if known else None
        return self._files[place]


Follow: TypeAlias = Callable[[Surroundings, PlannedSplit], Iterator[Outcome]]
"""Yields what becomes of each place at which a reader names a file that is split."""


class Reader(Struct, frozen=True):
    """A program that reads Compose files.

    Attributes:
        name: The name of the function in kebab-case.
        title: What people call the program.
        summary: The first line of the function's docstring.
        explanation: The rest of that docstring.
        reads: The files in which the program, or its settings, are found.
        include: Whether it follows ``include``: ``yes``, ``no``, or ``told`` where it does once its
            own file is edited.
        extends: Whether it follows ``extends`` from another file, in the same words.
        follow: Finds the places and the edits.
    """

    name: str
    title: str
    summary: str
    explanation: str
    reads: str
    include: Literal["yes", "no", "told"]
    extends: Literal["yes", "no", "told"]
    follow: Follow

    def outcomes(self, around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
        """Yield the outcomes, without those that a comment switches off."""
        for outcome in self.follow(around, split):
            file = around.file(around.place(outcome.location.path))
            if file is None or not file.ignores(self.name, outcome.location.line):
                yield replace(outcome, reader=self.name, title=self.title)


def reader(
    title: str,
    *,
    reads: str,
    include: Literal["yes", "no", "told"],
    extends: Literal["yes", "no", "told"] | None = None,
) -> Callable[[Follow], Reader]:
    """Make the decorated function a reader; *extends* is as *include* by default.

    The arguments are those of :class:`Reader`.
    """

    def make(follow: Follow) -> Reader:
        summary, _, explanation = (inspect.getdoc(follow) or "").partition("\n")
        name = follow.__name__.replace("_", "-")
        return Reader(
            name, title, summary, explanation.strip(), reads, include, extends or include, follow
        )

    return make


def whole(around: Surroundings, name: str) -> Iterator[Outcome]:
    """Yield an outcome for each Compose file that the other reader *name* reads."""
    for other in around.others:
        if other.name == name:
            location = Location(other.evidence.path or other.path, other.evidence.line)
            yield Outcome("whole", location, f"{other.evidence.reason}: {other.path} stays whole")


def named_paths(paths: Iterable[str]) -> str:
    """Return *paths* for a statement; more than a few are counted."""
    return first_of(list(dict.fromkeys(paths)), _MOST_NAMED)


def text_of(node: Node | None, *keys: str) -> str:
    """Return the text below *keys* in *node*; ``""`` if there is none, or no scalar."""
    value = value_of(node, *keys)
    return value.value if isinstance(value, ScalarNode) else ""


def entries_of(node: Node | None, *keys: str) -> Sequence[Entry]:
    """Return the entries of the mapping below *keys* in *node*; none if there is no mapping."""
    return own_entries(value_of(node, *keys))
