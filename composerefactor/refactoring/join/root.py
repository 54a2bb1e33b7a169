"""One file with what it includes and extends taken in."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Extension, Project
from composerefactor.compose.references import extended
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location
from composerefactor.refactoring.join import relocate
from composerefactor.refactoring.join.anchors import Anchors, renamed
from composerefactor.refactoring.join.contents import (
    DIVIDED,
    Block,
    Contents,
    Inclusion,
    Reader,
    inclusions,
)
from composerefactor.refactoring.join.fragments import RESOURCE, Fragment, divided, fragment
from composerefactor.refactoring.join.merge import merge, merged
from composerefactor.refactoring.join.relocate import CannotJoinError, Text
from composerefactor.refactoring.join.write import Frame, write
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.refactoring.modules.include import WHY_ENV_FILE
from composerefactor.yaml.comments import comments


class Parents(Struct, frozen=True):
    """The files that exist for being extended, and can go: *why_not* has the reasons for others."""

    paths: frozenset[str]
    why_not: Mapping[str, str]

    @classmethod
    def of(cls, project: Project) -> Parents:
        """Find them in *project*."""
        found, why_not = set(), {}
        for path in project.extensions:
            words = _objection(project, path)
            if words:
                why_not[path] = words
            else:
                found.add(path)
        return cls(frozenset(found), why_not)


def _objection(project: Project, path: str) -> str:
    """Return why the text of *path* cannot go to the services that extend it, or ``""``."""
    file = project.files.get(path)
    if file is None or path.startswith("../"):
        return "it is outside of the project"
    if any(path in entry.files for entry in project.entries) or project.included_by.get(path):
        return "it is used by itself as well"
    if len(file.tree.documents) > 1 or file.sections is None:
        return "its sections are not on lines of their own"
    others = {n for n in file.sections if not n.startswith("x-")} - {"services", "version", "name"}
    if others:
        return f"it holds {', '.join(sorted(others))} too"
    return _objection_to_users(project, file, project.extensions[path])


def _objection_to_users(project: Project, file: ComposeFile, named: list[Extension]) -> str:
    """Return why the services of *file* are no stubs' other half, or ``""``.

    What several services share would stand in each of them.
    """
    for root in {extension.location.path for extension in named} | set(project.bases):
        texts = _with_included(project, root)
        users = Counter(e.service for e in named if e.location.path in texts)
        if any(count > 1 for count in users.values()):
            return "several services extend the same one"
    left = file.services.keys() - _with_parents(file, {e.service for e in named})
    return f"nothing extends {', '.join(sorted(left))}" if left else ""


def _with_included(project: Project, path: str) -> set[str]:
    """Return *path* with all that it includes, directly or through others."""
    found: set[str] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue += [p for p, by in project.included_by.items() if current in by]
    return found


def _with_parents(file: ComposeFile, names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in found or name not in file.services:
            continue
        found.add(name)
        parent = extended(file.services[name])
        if parent and parent[0] is None and parent[1]:
            queue.append(parent[1])
    return found


class Stubs(Struct):
    """Puts the text of *parents* into the services that extend it, for paths that start at *to*.

    *texts* are the parents' texts by path. *expanded* are the services of which the text went
    elsewhere: (file, service) and where it went; *unmoved* what could not be taken in.
    """

    project: Project
    parents: Parents
    to: str
    texts: dict[str, Text] = {}
    expanded: dict[tuple[str, str], Location] = {}
    unmoved: list[tuple[str, str, CannotJoinError]] = []

    def prepare(self, texts: Iterable[Text], keep: Iterable[str]) -> list[Text]:
        """Return the texts that services of *texts* extend, and set them; not those of *keep*."""
        queue = list(texts)
        kept = set(keep)
        while queue:
            text = queue.pop()
            for body in text.file.services.values():
                path = self._target(text, body)
                if path is None or path in self.texts or path in kept:
                    continue
                file = self.project.files[path]
                try:
                    found = relocate.extended(file, iter(file.services.values()), self.to)
                except CannotJoinError as error:
                    kept.add(path)
                    self.unmoved += [(path, name, error) for name in file.services]
                    continue
                self.texts[path] = found
                queue.append(found)
        return list(self.texts.values())

    def _target(self, text: Text, body: object) -> str | None:
        parent = extended(body)  # type: ignore[arg-type]
        if parent is None or parent[0] is None or "$" in parent[0]:
            return None
        path = posixpath.normpath(posixpath.join(text.directory, parent[0]))
        return path if path in self.parents.paths else None

    def expand(self, service: Fragment) -> Fragment:
        """Return *service* with the text of what it extends, if that is one of the texts."""
        path = self._target(service.text, service.node)
        if path is None or path not in self.texts:
            return service
        name = (extended(service.node) or (None, None))[1] or ""
        try:
            found = self._with(service, path, name, ())
        except CannotJoinError as error:
            self.unmoved.append((path, name, error))
            return service
        self.expanded[path, name] = service.text.source.location(service.region.entry.start)
        return found

    def _with(
        self, service: Fragment, path: str, name: str, trail: tuple[tuple[str, str], ...]
    ) -> Fragment:
        """Return *service* merged over the service *name* of *path*, which may extend others."""
        own = divided(service)
        stub = next((c for c in own.children or () if c.key == "extends"), None)
        region = self.texts[path].file.regions_in("services").get(name)
        if stub is None or region is None or (path, name) in trail:
            raise service.text.cannot(
                f"what {service.key} extends cannot be taken in", service.region.entry.start
            )
        base = fragment(self.texts[path], region, (), name)
        further = extended(base.node)
        if further is not None:
            target = path if further[0] is None else self._target(base.text, base.node)
            if target not in self.texts or further[1] is None:
                raise base.text.cannot(f"{name} extends a service further on", region.entry.start)
            base = self._with(base, target or "", further[1], (*trail, (path, name)))
            self.expanded[target or "", further[1]] = base.text.source.location(region.entry.start)
        rest = tuple(c for c in own.children or () if c is not stub)
        if not rest and not trail and name == service.key and base.children is None:
            head = own.comments_in(own.region.lead, own.head_end)
            return base.noted([*head, *stub.comments])  # as it stands, anchors on it included
        base = divided(base)
        over = replace(own, children=rest)
        children = merged(base, over).children if rest else base.children
        head = base.comments_in(base.region.lead, base.head_end)
        whole = replace(over, children=children, form="mapping")
        return whole.noted([*base.notes, *head, *stub.comments])


Part = tuple[str, str, str]


class JoinedFile(Struct):
    """What became of *file*: its *planned_file*, None where nothing is taken in.

    *taken* are the parts whose text it has now, by the file that it names; *files* all files whose
    text it has. *unmoved* are the parts that it could have taken in, with the reason and the place.
    """

    file: ComposeFile
    planned_file: PlannedFile | None = None
    taken: set[Part] = set()
    files: set[str] = set()
    unmoved: dict[Part, tuple[str, Location]] = {}


class JoinRoot:
    """A file of an entry point whose paths start at *directory*. *keep* has parts that stay."""

    def __init__(
        self,
        project: Project,
        file: ComposeFile,
        directory: str,
        parents: Parents,
        keep: Mapping[Part, str],
    ) -> None:
        self.project = project
        self.file = file
        self.directory = directory
        self.parents = parents
        self.keep = keep
        self.result = JoinedFile(file)
        self.refused: dict[int, CannotJoinError] = {}

    def join(self, pattern: ComposeFile | None = None) -> JoinedFile:
        """Take in what can be taken in; *pattern* gives the order of what it has too."""
        entries = inclusions(self.file, self.directory)
        if self.file.sections is None or len(self.file.tree.documents) > 1:
            self._all_stay(entries, "its sections are not on lines of their own")
            return self.result
        while True:  # once more without what turned out not to fit
            count = len(self.refused)
            found = self._try(entries)
            if len(self.refused) == count:
                break
        contents, stubs, anchors, taken = found
        for n in taken:
            self.result.taken |= self._parts(entries[n])
            self.result.files |= {path for path, _ in self._reached(entries[n])}
        self.result.taken |= {(path, "services", name) for path, name in stubs.expanded}
        self.result.files |= {path for path, _ in stubs.expanded}
        self._note_stays(entries, stubs)
        if taken or stubs.expanded:
            gone = {id(entries[n].node) for n in taken}
            frame = Frame(self.file, entries, gone, contents, anchors, pattern)
            self.result.planned_file = write(frame)
            own = [block for block in anchors.dropped if block.text.path == self.file.path]
            moving = [*own, *filter(_carries_only_anchors, anchors.kept)]
            self.result.taken |= {(block.text.path, block.name, "") for block in moving}
        return self.result

    def _try(self, entries: list[Inclusion]) -> tuple[Contents, Stubs, Anchors, list[int]]:
        """Take in all entries that nothing speaks against so far; notes what speaks against."""
        reader = Reader(self.project, self.directory)
        groups: dict[int, list[Text]] = {}
        for n, entry in enumerate(entries):
            if n in self.refused:
                continue
            try:
                self._check_kept(entry)
                groups[n] = reader.texts(entry)
            except CannotJoinError as error:
                self.refused[n] = error
        own = Text(self.file, self.directory)
        stubs = Stubs(self.project, self.parents, self.directory)
        layers = [text for texts in groups.values() for text in texts]
        kept = {path for path, _, _ in self.keep}
        parents = stubs.prepare([own, *layers], kept)
        own, *others = renamed([own, *layers, *parents])
        for text in others[len(layers) :]:
            stubs.texts[text.path] = text
        contents = Contents()
        at = 0
        seen: set[tuple[str, str]] = set()
        used = [own]
        for n, texts in groups.items():
            mine = [t for t in others[at : at + len(texts)] if (t.path, t.directory) not in seen]
            at += len(texts)
            try:
                self._add(contents.copy(), mine, stubs, entries[n])
            except CannotJoinError as error:
                self.refused[n] = error
                continue
            self._add(contents, mine, stubs, entries[n])
            seen |= {(t.path, t.directory) for t in mine}
            used += mine
        self._own_entries(contents, own, stubs)
        for path, text in stubs.texts.items():
            if any(p == path for p, _ in stubs.expanded):
                used.append(text)
                contents.add_around(text)
        anchors = Anchors(used, contents.blocks)
        return contents, stubs, anchors, [n for n in groups if n not in self.refused]

    def _add(self, contents: Contents, texts: list[Text], stubs: Stubs, entry: Inclusion) -> None:
        clash = contents.defines(texts)
        if clash is not None:
            words = f"{clash[0]} {clash[1]} is defined by another entry of the list too"
            raise CannotJoinError(words, entry.location)
        contents.strays += self._remarks(entry)
        for text in texts:
            contents.add(text, stubs.expand)
        for section in DIVIDED:
            known = contents.sections.get(section, {})
            for name, own in self._written(Text(self.file, self.directory), section).items():
                if name in known:
                    merge(known[name], stubs.expand(own))
        changed = contents.merged | (
            self.file.services.keys() & contents.sections.get("services", {}).keys()
        )
        for text in texts:
            _check_heirs(text, changed)

    def _remarks(self, entry: Inclusion) -> list[str]:
        """Return the comments in the lines of *entry* that people wrote."""
        if entry.region is None:
            return []
        source, region = self.file.source, entry.region
        found = comments(source, region.entry, region.lead, region.end)
        return [c for c in found if c != WHY_ENV_FILE.strip()]

    def _written(self, own: Text, section: str) -> dict[str, Fragment]:
        found = (own.file.sections or {}).get(section)
        path = () if section == "services" else (RESOURCE,)
        regions = (found.entries if found else None) or {}
        return {n: fragment(own, r, path, n) for n, r in regions.items() if n != "<<"}

    def _own_entries(self, contents: Contents, own: Text, stubs: Stubs) -> None:
        """Merge what the file itself says over what it includes."""
        for section in DIVIDED:
            for name, written in self._written(own, section).items():
                found = stubs.expand(written) if section == "services" else written
                known = contents.sections.get(section, {})
                if name in known:
                    known[name] = merge(known[name], found)
                elif found is not written:
                    contents.sections.setdefault(section, {})[name] = found

    def _check_kept(self, entry: Inclusion) -> None:
        parts = self._parts(entry)
        for part, reason in self.keep.items():
            if part in parts:
                raise CannotJoinError(reason, entry.location)

    def _parts(self, entry: Inclusion) -> set[Part]:
        """Return what the files of *entry* define, with what they include themselves.

        All of it counts as a part of the file that the entry names, since it stays or goes with it.
        """
        return {
            (named, section, name)
            for path, named in self._reached(entry)
            for section in DIVIDED
            for name in self.project.files[path].entries(section)
        } or {(path, "include", "") for path in entry.paths}

    def _reached(self, entry: Inclusion) -> set[tuple[str, str]]:
        """Return the files that *entry* reads, each with the one of its own that leads there."""
        found: set[tuple[str, str]] = set()
        queue = [(path, entry.directory, path) for path in entry.paths]
        while queue:
            path, directory, named = queue.pop()
            file = self.project.files.get(path)
            if file is None or (path, named) in found:
                continue
            found.add((path, named))
            inner = inclusions(file, directory)
            queue += [(p, one.directory, named) for one in inner for p in one.paths]
        return found

    def _all_stay(self, entries: list[Inclusion], words: str) -> None:
        for entry in entries:
            for part in self._parts(entry):
                self.result.unmoved[part] = (words, entry.location)

    def _note_stays(self, entries: list[Inclusion], stubs: Stubs) -> None:
        for n, error in self.refused.items():
            for part in self._parts(entries[n]) or {(self.file.path, "include", str(n + 1))}:
                self.result.unmoved[part] = (error.words, error.location)
        for path, name, error in stubs.unmoved:
            self.result.unmoved[path, "services", name] = (error.words, error.location)
        for path, words in self.parents.why_not.items():
            for extension in self.project.extensions[path]:
                if extension.location.path in {self.file.path, *self.result.files}:
                    part = (path, "services", extension.service)
                    self.result.unmoved[part] = (words, extension.location)


def _check_heirs(text: Text, changed: Collection[str]) -> None:
    """Raise CannotJoinError where a service extends one of *text* that another file *changed*.

    It has what its own file says, since ``extends`` comes before the merge (observed: v5.6.1).
    """
    for name, body in text.file.services.items():
        parent = extended(body)
        if parent is not None and parent[0] is None and parent[1] in changed:
            raise text.cannot(
                f"{name} extends {parent[1]}, which another file changes afterwards", body.start
            )


def _carries_only_anchors(block: Block) -> bool:
    """Return whether *block* is there for its anchors alone, and is no part of the model."""
    index = AnchorIndex(block.text.file)
    return index.carries_only_anchors(index.sections[block.name])
