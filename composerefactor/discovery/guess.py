"""Entry points that only the names and contents of Compose files tell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.discovery.files import OVERRIDE_NAMES, FileFacts, Listing
from composerefactor.discovery.resolve import default_files, implicit_files
from composerefactor.discovery.script import directory_of

_WORDS = (
    "amd64 arm arm64 build cd ci debug demo dev develop development e2e gpu integration linux "
    "live local localhost macos overrides preprod preview prod production qa release sandbox "
    "stage staging test testing tests uat windows"
)
VARIANTS = frozenset(_WORDS.split())
"""Words in a file name that say: the same project in another environment."""

MOST_ADDED = 3
"""A file with at most one in so many services of the default file, and shared ones, adds to it."""

_YAML = (".yml", ".yaml")
_TEMPLATE = (".example", ".sample", ".template", ".dist")
_NO_COMPOSE = re.compile(r"\..*|(?:codecov|mkdocs|openapi|swagger|renovate)\.ya?ml")
_MAX_DEPTH = 8


def guessed(
    directory: str, listing: Listing, facts: FileFacts, known: Sequence[Invocation]
) -> Iterator[Invocation]:
    """Yield the entry points of *directory* that follow from its Compose files.

    *known* are those that commands gave: a file that one of them uses is used that way. Rules:
    the default file, and it with its override, are entry points; so is a file whose services all
    have an image or build; a file that completes services of another is an override of it; one
    that uses what only the default file defines is a part of it. Pairs that nothing but names and
    contents suggest are marked as assumed.
    """
    yield from _Directory(directory, listing, facts, known).entries()


class _Directory:
    """The Compose files of one directory.

    *default* is its default file; *base* is that or the project's own, which a file in a directory
    of overrides may add to; *whole* is *base* or, without one, the file that is named as a base.
    """

    def __init__(
        self, directory: str, listing: Listing, facts: FileFacts, known: Sequence[Invocation]
    ) -> None:
        self.facts = facts
        self.default = listing.default_file(directory)
        self.implicit = implicit_files(directory, listing)
        self.defaults = default_files(directory, listing)
        self.files = [
            path
            for path in listing.names_in(directory)
            if path.endswith(_YAML)
            and not _NO_COMPOSE.fullmatch(posixpath.basename(path))
            and (path == self.default or facts.is_compose(path))
        ]
        self.templates = [
            path
            for path in listing.names_in(directory)
            if path.endswith(_TEMPLATE)
            and posixpath.basename(path).rpartition(".")[0] in OVERRIDE_NAMES
            and facts.is_compose(path)
        ]
        named = [path for path in self.files if _is_base(path)]
        self.base = self.default or listing.default_file(".")
        self.whole = self.base or (named[0] if len(named) == 1 else None)
        self.first = {entry.files[0] for entry in known}
        self.later = {file for entry in known for file in entry.files[1:]}

    def entries(self) -> Iterator[Invocation]:
        if self.default is not None:
            yield self.entry((self.default,), "default file", implicit=len(self.implicit) < 2)  # noqa: PLR2004
            yield from self.with_example()
        if self.implicit and self.implicit != (self.default,):
            implicit = self.implicit == self.defaults
            yield self.entry(self.implicit, "used when no -f is given", implicit=implicit)
        for path in self.files:
            if path == self.default or path in self.implicit or path in self.later:
                continue
            if path not in self.first and self.only_referenced(path):
                continue
            yield from self.other(path)

    def entry(
        self, files: tuple[str, ...], why: str, *, implicit: bool = False, assumed: bool = False
    ) -> Invocation:
        own, home = directory_of(files[0]), self.home_of(files[0])
        return Invocation(
            files,
            directory=home,
            project_directory=home if home != own else None,
            implicit=implicit and home == own,
            assumed=assumed,
            evidence=(Evidence(why),),
        )

    def home_of(self, path: str) -> str:
        """Return the project directory of *path*; one that includes nothing has its siblings'."""
        own, home = directory_of(path), self.facts.home(path)
        if home != own or self.facts.has_include(path):
            return home
        destinations = (self.facts.home(other) for other in self.files)
        return next((other for other in destinations if other != own), own)

    def with_example(self) -> Iterator[Invocation]:
        """Yield the default file with the template of an override that everybody copies."""
        if self.default is None or len(self.implicit) > 1:
            return
        for path in self.templates:
            why = f"assumed: {path} is the template of an override"
            yield self.entry((self.default, path), why, assumed=True)

    def only_referenced(self, path: str) -> bool:
        """Return whether *path* is there for the files that include or extend it.

        One with more than they extend, which completes services of another, is an override as well.
        """
        if not any(other != path for other in self.facts.referenced_by(path)):
            return False
        taken = self.facts.extended_services(path)
        return taken is None or not (self.incomplete(path) - set(taken) and self.bases(path))

    def other(self, path: str) -> Iterator[Invocation]:
        """Yield the entry points of a file that is neither the default nor its override."""
        if self.overrides(path):
            bases = self.bases(path)
            for base in bases:
                why = f"assumed: {path} overrides {base[-1]}"
                yield self.entry((*base, path), why, assumed=True)
            if not bases:
                why = "assumed: no other file completes its services"
                yield self.entry((path,), why, assumed=True)
            return
        if path not in self.first and self.is_fragment(path):
            if self.whole is not None and self.whole != path:
                why = f"assumed: {path} uses what only others define"
                yield self.entry((self.whole, path), why, assumed=True)
            elif self.facts.services(path):
                why = "assumed: no other file defines what it uses"
                yield self.entry((path,), why, assumed=True)
            return
        if path not in self.first and self.default is not None and self.adds(path):
            if _is_named(path):
                why = f"assumed: {path} changes a few services of {self.default}"
                yield self.entry((self.default, path), why, assumed=True)
                yield self.entry((path,), "assumed: it is complete", assumed=True)
            return
        yield self.entry((path,), "stands alone")
        if path not in self.first and self.is_variant(path) and self.default is not None:
            files = (self.default, path)
            yield self.entry(files, f"assumed from the name {path}", assumed=True)

    def overrides(self, path: str) -> bool:
        return self.facts.has_override_tags(path) or bool(self.incomplete(path))

    def incomplete(self, path: str) -> set[str]:
        return {name for name, whole in self.facts.services(path).items() if not whole}

    def complete(self, files: Iterable[str]) -> set[str]:
        return {
            name for path in files for name, whole in self.facts.services(path).items() if whole
        }

    def is_fragment(self, path: str) -> bool:
        if self.facts.has_include(path):
            return False
        return not self.facts.services(path) or bool(self.facts.undefined(path))

    def adds(self, path: str) -> bool:
        """Return whether *path* is more likely used over the default file than alone.

        It has services of the default file, and either few of them or no Compose file's name.
        """
        if self.default is None:
            return False
        own, all_ = self.facts.services(path).keys(), self.facts.services(self.default).keys()
        return bool(own & all_) and (not _is_named(path) or len(own) * MOST_ADDED <= len(all_))

    def is_variant(self, path: str) -> bool:
        """Return whether *path* shares services with the default file and is named a variant."""
        if self.default is None:
            return False
        extra = _tokens(path)[len(_tokens(self.default)) :]
        shares = self.facts.services(path).keys() & self.facts.services(self.default).keys()
        return bool(shares) and _is_family(path, self.default) and bool(VARIANTS & set(extra))

    def bases(self, path: str, depth: int = 0) -> list[tuple[str, ...]]:
        """Return the file lists that *path* may override: by name, the default file, any other."""
        needed = self.incomplete(path)
        found: list[tuple[str, ...]] = []
        family = self.family(path)
        default = self.base
        enough = default is not None and needed <= self.complete((default, path))
        if family is not None and not (enough and self.overrides(family)):
            chain = self.chain(family, depth)
            if needed <= self.complete((*chain, path)):
                found.append(chain)
        if default is not None and default != path:
            shared = self.facts.services(path).keys() & self.facts.services(default).keys()
            if shared and (enough or not found) and (default,) not in found:
                found.append((default,))
        if found or not needed:
            return found
        providers = [
            other
            for other in self.files
            if other != path and needed <= self.complete((other,)) and not self.overrides(other)
        ]
        # Several could be it: the one that is named as a base, else none.
        if len(providers) > 1:
            providers = [one for one in providers if _is_base(one)][:1]
        return [(one,) for one in providers]

    def chain(self, path: str, depth: int) -> tuple[str, ...]:
        """Return *path* after what it overrides itself."""
        if path == self.default or depth >= _MAX_DEPTH or not self.overrides(path):
            return (path,)
        bases = self.bases(path, depth + 1)
        return (*bases[0], path) if bases else (path,)

    def family(self, path: str) -> str | None:
        """Return the other file with the longest name that *path* continues: ``x.test.yml``."""
        candidates = [
            other
            for other in self.files
            if other not in (path, self.default) and _is_family(path, other)
        ]
        return max(candidates, key=lambda one: len(_tokens(one)), default=None)


def _is_named(path: str) -> bool:
    """Return whether *path* has a name that people give Compose files."""
    return any(word in posixpath.basename(path) for word in ("compose", "stack", "docker"))


def _tokens(path: str) -> list[str]:
    """Return the words of a file name without its suffix; ``docker-compose`` is one word."""
    name = posixpath.splitext(posixpath.basename(path).lower())[0]
    return re.split(r"[-._]", name.replace("docker-compose", "compose", 1))


def _is_base(path: str) -> bool:
    return bool({"base", "common"} & set(_tokens(path)))


def _is_family(path: str, base: str) -> bool:
    """Return whether the name *path* is the name *base* with words added."""
    words, start = _tokens(path), _tokens(base)
    return len(words) > len(start) and words[: len(start)] == start
