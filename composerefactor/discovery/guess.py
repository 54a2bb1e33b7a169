"""Start commands that only the names and contents of Compose files suggest."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from composerefactor.compose.files import OVERRIDE_NAMES, YAML_SUFFIXES
from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.compose.paths import directory_of
from composerefactor.compose.project import project_directory
from composerefactor.discovery.files import Listing, TreeFacts
from composerefactor.discovery.resolve import default_files, implicit_files

_WORDS = (
    "amd64 arm arm64 build cd ci debug demo dev develop development e2e gpu integration linux "
    "live local localhost macos overrides preprod preview prod production qa release sandbox "
    "stage staging test testing tests uat windows"
)
ENVIRONMENT_WORDS = frozenset(_WORDS.split())
"""Words in a file name that mean: the same project in another environment."""

FRAGMENT_RATIO = 3
"""The least ratio of services in the default file to those in a file that only adds to it."""

_TEMPLATE_SUFFIXES = (".example", ".sample", ".template", ".dist")
_OTHER_YAML = r"\..*|(?:codecov|mkdocs|openapi|rancher-compose|swagger|renovate)\.ya?ml"
_MAX_DEPTH = 8


def guess_invocations(
    directory: str, listing: Listing, facts: TreeFacts, known: Sequence[Invocation]
) -> Iterator[Invocation]:
    """Yield the start commands that the Compose files of *directory* suggest.

    *known* are the start commands found in scripts: a file that one of them uses is used that
    way. The rules:

    - The default file is a start command, and so is the default file with its override file.
      One that a command of another directory merges over other files is not.
    - A file whose services all have an image or build is a start command.
    - A file that completes services of another file is an override file of it.
    - A file that uses what only the default file defines is an addition to it.

    Start commands that only names and contents suggest are marked as assumed.
    """
    yield from _Directory(directory, listing, facts, known).invocations()


class _Directory:
    """The Compose files of one directory.

    Attributes:
        facts: Facts on the files.
        default: The default file, or None.
        implicit: The files that Docker Compose uses without ``-f``.
        defaults: The default file and its override file.
        files: The Compose files.
        templates: Templates of override files (``.example`` and the like).
        base: The default file of the directory, or else of the project, which a file in a
            directory of override files may be merged over.
        main: *base*, or else the only file that is named as a base.
        first_files: The first files of known start commands.
        later_files: The other files of known start commands.
        merged_elsewhere: Those of them that are in another directory than the project directory.
        project_directories: The project directory of each of the first files.
    """

    def __init__(
        self, directory: str, listing: Listing, facts: TreeFacts, known: Sequence[Invocation]
    ) -> None:
        self.facts = facts
        self.default = listing.default_file(directory)
        self.implicit = implicit_files(directory, listing)
        self.defaults = default_files(directory, listing)
        self.files = [
            path
            for path in listing.names_in(directory)
            if path.endswith(YAML_SUFFIXES)
            and not re.fullmatch(_OTHER_YAML, posixpath.basename(path))
            and (path == self.default or facts.is_compose(path))
        ]
        self.templates = [
            path
            for path in listing.names_in(directory)
            if path.endswith(_TEMPLATE_SUFFIXES)
            and posixpath.basename(path).rpartition(".")[0] in OVERRIDE_NAMES
            and facts.is_compose(path)
        ]
        named = [path for path in self.files if _is_named_base(path)]
        self.base = self.default or listing.default_file(".")
        self.main = self.base or (named[0] if len(named) == 1 else None)
        self.first_files = {entry.root_file for entry in known}
        self.project_directories = {
            entry.root_file: project_directory(entry)
            for entry in sorted(known, key=lambda entry: entry.project_directory is None)
        }
        self.later_files = {file for entry in known for file in entry.files[1:]}
        self.merged_elsewhere = {
            file
            for entry in known
            for file in entry.files[1:]
            if project_directory(entry) != directory_of(file)
        }

    def invocations(self) -> Iterator[Invocation]:
        if self.default is not None and not self.is_started_from_elsewhere(self.default):
            yield self.invocation((self.default,), "default file", implicit=len(self.implicit) < 2)  # noqa: PLR2004
            yield from self.with_template()
        if self.implicit and self.implicit != (self.default,):
            implicit = self.implicit == self.defaults
            yield self.invocation(self.implicit, "used when no -f is given", implicit=implicit)
        for path in self.files:
            if path == self.default or path in self.implicit or path in self.later_files:
                continue
            if path not in self.first_files and self.only_referenced(path):
                continue
            yield from self.for_file(path)

    def is_started_from_elsewhere(self, path: str) -> bool:
        """Return whether commands start *path* with another project directory than its own.

        That is also so if they merge it over the files of another directory, and nothing starts it
        alone.
        """
        own = directory_of(path)
        if path in self.merged_elsewhere and path not in self.first_files:
            return True
        return self.project_directories.get(path, own) != own

    def invocation(
        self, files: tuple[str, ...], reason: str, *, implicit: bool = False, assumed: bool = False
    ) -> Invocation:
        own, directory = directory_of(files[0]), self.project_directory_of(files[0])
        return Invocation(
            files,
            directory=directory,
            project_directory=directory if directory != own else None,
            implicit=implicit and directory == own,
            assumed=assumed,
            evidence=(Evidence(reason),),
        )

    def project_directory_of(self, path: str) -> str:
        """Return the project directory of *path*; without an include, that of its siblings."""
        own, directory = directory_of(path), self.facts.project_directory(path)
        if directory != own or self.facts.has_include(path) or path not in self.files:
            return directory
        directories = (self.facts.project_directory(other) for other in self.files)
        return next((other for other in directories if other != own), own)

    def with_template(self) -> Iterator[Invocation]:
        """Yield the default file with the template of an override file, which users copy."""
        if self.default is None or len(self.implicit) > 1:
            return
        for path in self.templates:
            reason = f"assumed: {path} is the template of an override file"
            yield self.invocation((self.default, path), reason, assumed=True)

    def only_referenced(self, path: str) -> bool:
        """Return whether *path* is only used by the files that include or extend it.

        A file with further services, which complete services of another file, is an override file
        as well.
        """
        if not any(other != path for other in self.facts.referenced_by(path)):
            return False
        extended = self.facts.extended_services(path)
        return extended is None or not (
            self.incomplete_services(path) - set(extended) and self.bases(path)
        )

    def for_file(self, path: str) -> Iterator[Invocation]:
        """Yield the start commands of a file other than the default file and its override file."""
        if self.overrides(path):
            bases = self.bases(path)
            for base in bases:
                reason = f"assumed: {path} overrides {base[-1]}"
                yield self.invocation((*base, path), reason, assumed=True)
            if not bases:
                reason = "assumed: no other file completes its services"
                yield self.invocation((path,), reason, assumed=True)
            return
        if path not in self.first_files and self.is_fragment(path):
            if self.main is not None and self.main != path:
                reason = f"assumed: {path} uses definitions of other files"
                yield self.invocation((self.main, path), reason, assumed=True)
            elif self.facts.services(path):
                reason = "assumed: no other file defines what it uses"
                yield self.invocation((path,), reason, assumed=True)
            return
        if path not in self.first_files and self.default is not None and self.adds_to_default(path):
            if _has_compose_name(path):
                reason = f"assumed: {path} changes a few services of {self.default}"
                yield self.invocation((self.default, path), reason, assumed=True)
                yield self.invocation((path,), "assumed: complete on its own", assumed=True)
            return
        yield self.invocation((path,), "complete on its own")
        if path not in self.first_files and self.is_environment(path) and self.default is not None:
            files = (self.default, path)
            yield self.invocation(files, f"assumed from the name {path}", assumed=True)

    def overrides(self, path: str) -> bool:
        return self.facts.has_override_tags(path) or bool(self.incomplete_services(path))

    def incomplete_services(self, path: str) -> set[str]:
        return {name for name, is_complete in self.facts.services(path).items() if not is_complete}

    def complete_services(self, files: Iterable[str]) -> set[str]:
        return {
            name
            for path in files
            for name, is_complete in self.facts.services(path).items()
            if is_complete
        }

    def is_fragment(self, path: str) -> bool:
        if self.facts.has_include(path):
            return False
        return not self.facts.services(path) or bool(self.facts.undefined(path))

    def adds_to_default(self, path: str) -> bool:
        """Return whether *path* is more likely merged over the default file than used alone.

        It shares services with the default file, and has either few services or a name that is
        unusual for a Compose file.
        """
        if self.default is None:
            return False
        own, of_default = self.facts.services(path).keys(), self.facts.services(self.default).keys()
        return bool(own & of_default) and (
            not _has_compose_name(path) or len(own) * FRAGMENT_RATIO <= len(of_default)
        )

    def is_environment(self, path: str) -> bool:
        """Return whether *path* is the default file for another environment.

        It shares services with it, and its name has the word of an environment.
        """
        if self.default is None:
            return False
        extra = _name_words(path)[len(_name_words(self.default)) :]
        shares = self.facts.services(path).keys() & self.facts.services(self.default).keys()
        return (
            bool(shares)
            and _extends_name(path, self.default)
            and bool(ENVIRONMENT_WORDS & set(extra))
        )

    def bases(self, path: str, depth: int = 0) -> list[tuple[str, ...]]:
        """Return the file lists that *path* may be merged over.

        These are the file whose name it continues, the default file, or else any other file that
        completes its services. *depth* counts the nested calls.
        """
        needed = self.incomplete_services(path)
        lists: list[tuple[str, ...]] = []
        parent = self.parent_by_name(path)
        default = self.base
        enough = default is not None and needed <= self.complete_services((default, path))
        if parent is not None and not (enough and self.overrides(parent)):
            chain = self.chain(parent, depth)
            if needed <= self.complete_services((*chain, path)):
                lists.append(chain)
        if default is not None and default != path:
            shared = self.facts.services(path).keys() & self.facts.services(default).keys()
            if shared and (enough or not lists) and (default,) not in lists:
                lists.append((default,))
        if lists or not needed:
            return lists
        providers = [
            other
            for other in self.files
            if other != path
            and needed <= self.complete_services((other,))
            and not self.overrides(other)
        ]
        # Of several candidates, only one that is named as a base counts.
        if len(providers) > 1:
            providers = [one for one in providers if _is_named_base(one)][:1]
        return [(one,) for one in providers]

    def chain(self, path: str, depth: int) -> tuple[str, ...]:
        """Return *path* after the files that it is merged over."""
        if path == self.default or depth >= _MAX_DEPTH or not self.overrides(path):
            return (path,)
        bases = self.bases(path, depth + 1)
        return (*bases[0], path) if bases else (path,)

    def parent_by_name(self, path: str) -> str | None:
        """Return the file whose name *path* continues (``x.test.yml``), the longest of several."""
        candidates = [
            other
            for other in self.files
            if other not in (path, self.default) and _extends_name(path, other)
        ]
        return max(candidates, key=lambda one: len(_name_words(one)), default=None)


def _has_compose_name(path: str) -> bool:
    """Return whether *path* has a usual name of a Compose file."""
    return any(word in posixpath.basename(path) for word in ("compose", "stack", "docker"))


def _name_words(path: str) -> list[str]:
    """Return the words of a file name without its suffix; ``docker-compose`` is one word."""
    name = posixpath.splitext(posixpath.basename(path).lower())[0]
    return re.split(r"[-._]", name.replace("docker-compose", "compose", 1))


def _is_named_base(path: str) -> bool:
    return bool({"base", "common", "default"} & set(_name_words(path)))


def _extends_name(path: str, base: str) -> bool:
    """Return whether the name of *path* is that of *base* with words added."""
    words, start = _name_words(path), _name_words(base)
    return len(words) > len(start) and words[: len(start)] == start
