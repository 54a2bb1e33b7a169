"""The words that change in one file with commands, when the roots have moved.

Nothing but insertions: the directory before the name of a root, and the options of a command that
named no file. Whether they are right is not decided here: the commands are read again afterwards.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from msgspec import Struct

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.entrypoints.commands import SUBCOMMANDS
from composerefactor.moving.definitions import Definitions, names_in
from composerefactor.moving.lines import Span, logical_end, unfolded
from composerefactor.moving.paths import directory_before, name_at, tokens
from composerefactor.moving.relocation import Relocation
from composerefactor.moving.words import Options, invocations
from composerefactor.patterns import regex
from composerefactor.source import Source

_COMPOSE_FILES = regex(r"\"dockerComposeFile\"\s*:\s*(\[[^\]]*|\"[^\"]*)")


class Need(Struct, frozen=True):
    """A command at *line* that needs another form: *before* and *after* say what it starts.

    *place* is where it runs, as far as that is known. *is_implicit* is True where it names no file,
    *is_set* where ``COMPOSE_FILE`` in its environment does. *is_anywhere* is True for one that may
    run in several directories.
    """

    line: int
    before: tuple[EntryPoint, ...]
    after: tuple[EntryPoint, ...]
    place: str
    is_implicit: bool
    is_set: bool = False
    is_anywhere: bool = False

    @property
    def options(self) -> str:
        """The options for a command that named no file."""
        entry = self.after[0]
        named = [("-f", file) for file in entry.files]
        if self.pins and entry.project_directory is not None:
            named.insert(0, ("--project-directory", entry.project_directory))
        return "".join(f" {name} {posixpath.relpath(path, self.place)}" for name, path in named)

    @property
    def pins(self) -> bool:
        """Whether the command has to name the project directory, and does not yet."""
        return any(
            new.project_directory is not None and old.project_directory is None
            for old, new in zip(self.before, self.after, strict=True)
        )


def insertions(source: Source, needs: Iterable[Need], found: Relocation) -> dict[int, str]:
    """Return what is inserted in *source* at which offset."""
    return _Rewriter(source, found).run(list(needs))


class _Rewriter:
    """Collects the insertions for one file."""

    def __init__(self, source: Source, found: Relocation) -> None:
        is_yaml = source.path.endswith((".yml", ".yaml"))
        self.source, self.found = source, found
        self.text = unfolded(source.text) if is_yaml else source.text
        self.definitions = Definitions(self.text)
        self.inserted: dict[int, str] = {}

    def run(self, needs: list[Need]) -> dict[int, str]:
        if posixpath.basename(self.source.path).endswith("devcontainer.json"):
            for value in _COMPOSE_FILES.finditer(self.text):
                for name in tokens(self.found.files).finditer(self.text, *value.span(1)):
                    self.prefixed(name.start())
            return self.inserted
        if posixpath.basename(self.source.path) == ".env":
            self.paths(["COMPOSE_FILE"])
            return self.inserted
        by_line: dict[int, list[Need]] = {}
        for need in needs:
            by_line.setdefault(need.line, []).append(need)
        for line, at_line in by_line.items():
            self.line(line, at_line)
        return self.inserted

    def line(self, line: int, needs: list[Need]) -> None:
        if line > len(self.source.line_starts):
            return
        start = self.source.line_starts[line - 1]
        end = logical_end(self.text, start)
        calls = [
            c for c in invocations(self.text, start, end, self.definitions.is_program) if _reads(c)
        ]
        waiting = [need for need in needs if need.is_implicit]
        pins = any(need.pins for need in needs)
        for call in calls:
            if call.files:
                self.named(call, pins=pins)
            elif needs[0].is_set:
                self.paths(["COMPOSE_FILE"])
                if pins and not call.names_directory:
                    place = posixpath.relpath(".", needs[0].place)
                    self.inserted[call.start] = f" --project-directory {place}"
            elif not self.definitions.names_files(call) and waiting:
                need = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.inserted[call.start] = need.options
        self.variables(
            names_in(self.text, Span(start, end)),
            pins=pins and not any(call.files for call in calls),
        )

    def named(self, call: Options, *, pins: bool) -> None:
        """Change the files that *call* names."""
        for number, file in enumerate(call.files):
            at = name_at(self.text, file, self.found.files)
            if at is not None:
                self.prefixed(at)
            else:
                self.paths(names_in(self.text, file))
            if number == 0 and pins and not call.names_directory:
                self.pin(call, file, at)

    def pin(self, call: Options, file: Span, at: int | None) -> None:
        """Name the project directory in *call*: the one that its first *file* stood in."""
        if at is not None:
            directory = directory_before(self.text, file, at)
        else:
            found = {
                directory_before(self.text, span, place)
                for name in names_in(self.text, file)
                for span in self.definitions.values(name)
                if (place := name_at(self.text, span, self.found.files)) is not None
            }
            directory = found.pop() if len(found) == 1 else None
        if directory is not None:
            self.inserted[call.first] = f"--project-directory {directory} "

    def variables(self, names: Iterable[str], *, pins: bool) -> None:
        """Change the files that the definitions of *names* name, and those that they refer to."""
        for value in self.definitions.reached(names):
            for call in self.definitions.groups(value):
                self.named(call, pins=pins and value not in self.definitions.appended)

    def paths(self, names: Iterable[str]) -> None:
        """Change the paths that the definitions of *names* are."""
        pattern = tokens(self.found.files)
        for value in self.definitions.reached(names):
            for match in pattern.finditer(self.text, value.start, value.end):
                self.prefixed(match.start())

    def prefixed(self, at: int) -> None:
        self.inserted[at] = f"{self.found.directory}/"


def _reads(call: Options) -> bool:
    """Return whether *call* may read the project: what is unknown may."""
    return bool(call.files) or not call.subcommand or call.subcommand in SUBCOMMANDS


def unified(inserted: Mapping[int, str], text: str) -> str:
    """Return *text* with what is *inserted*."""
    parts, at = [], 0
    for offset, words in sorted(inserted.items()):
        parts += [text[at:offset], words]
        at = offset
    return "".join([*parts, text[at:]])
