"""One root file that takes in what it includes and what its services extend.

:class:`JoinRoot` tries all include entries, and leaves out those that cannot be taken in exactly,
until the rest fits. :class:`ExtendedFiles` are the files that exist only to be extended, and
:class:`StubExpander` puts their text into the services that extend it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import path_from
from composerefactor.compose.project import ExtendedService, Project
from composerefactor.compose.references import extends_target
from composerefactor.compose.remarks import licence_header
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location, RefusedError
from composerefactor.refactoring.contract import FileElement, Unmoved
from composerefactor.refactoring.join.anchors import JoinedAnchors, with_unique_anchors
from composerefactor.refactoring.join.contents import (
    JOINED_SECTIONS,
    Contents,
    ExtensionBlock,
    IncludeReader,
    Inclusion,
    inclusions,
)
from composerefactor.refactoring.join.fragments import RESOURCE, Fragment, fragment, split_fragment
from composerefactor.refactoring.join.merge import merge, merge_children
from composerefactor.refactoring.join.rewritten_paths import Text, extended_text
from composerefactor.refactoring.join.write import Frame, write
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.refactoring.modules.include import WHY_ENV_FILE
from composerefactor.yaml.comments import comments_in


class ExtendedFiles(Struct, frozen=True):
    """The files whose services others extend.

    Attributes:
        paths: those that a join can remove, since they exist only for that.
        why_not: the other files, each with the reason.
    """

    paths: frozenset[str]
    why_not: Mapping[str, str]

    @classmethod
    def of(cls, project: Project) -> ExtendedFiles:
        """Return those of *project*."""
        paths, why_not = set(), {}
        for path in project.extensions:
            reason = _why_not_removable(project, path)
            if reason:
                why_not[path] = reason
            else:
                paths.add(path)
        return cls(frozenset(paths), why_not)


def _why_not_removable(project: Project, path: str) -> str:
    """Return why the text of *path* cannot go to the services that extend it, or ``""``."""
    file = project.files.get(path)
    if file is None:
        return "it could not be read"
    if foreign := project.foreign_reason(path):
        return foreign
    if any(path in entry.files for entry in project.entries) or project.included_by.get(path):
        return "it is also included, or named by a start command"
    if file.sections is None:
        return "its sections are not on lines of their own"
    others = {n for n in file.sections if not n.startswith("x-")} - {"services", "version", "name"}
    if others:
        return f"it also contains {', '.join(sorted(others))}"
    return _why_not_stubs(project, file, project.extensions[path])


def _why_not_stubs(project: Project, file: ComposeFile, extensions: list[ExtendedService]) -> str:
    """Return why the services of *file* are not extended by one stub each, or ``""``.

    The text of a service that several extend would be repeated in each of them.
    """
    for root in {extension.location.path for extension in extensions} | set(project.root_files):
        paths = _files_with_included(project, root)
        users = Counter(e.service for e in extensions if e.location.path in paths)
        if any(count > 1 for count in users.values()):
            return "several services extend the same service of it"
    used = _services_with_parents(file, {e.service for e in extensions})
    unused = file.services.keys() - used
    return f"nothing extends {', '.join(sorted(unused))}" if unused else ""


def _files_with_included(project: Project, path: str) -> set[str]:
    """Return *path* and all files that it includes, directly or through others."""
    paths: set[str] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        if current not in paths:
            paths.add(current)
            queue += [p for p, by in project.included_by.items() if current in by]
    return paths


def _services_with_parents(file: ComposeFile, names: Iterable[str]) -> set[str]:
    """Return the services *names* of *file* and those that they extend in the same file."""
    services: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in services or name not in file.services:
            continue
        services.add(name)
        target = extends_target(file.services[name])
        if target and target[0] is None and target[1]:
            queue.append(target[1])
    return services


class StubExpander(Struct):
    """Puts the text of extended services into the services that extend them.

    Attributes:
        project: the project.
        extended: the files that exist only to be extended.
        to: the directory that the paths of the joined file are relative to.
        texts: the texts of extended files, by path.
        expanded: the services whose text was used, (file, service), each with the place of the
            service that extends it.
        unmoved: the services whose text could not be used.
    """

    project: Project
    extended: ExtendedFiles
    to: str
    texts: dict[str, Text] = {}
    expanded: dict[tuple[str, str], Location] = {}
    unmoved: list[Unmoved] = []

    def prepare(self, texts: Iterable[Text], keep: Iterable[str]) -> list[Text]:
        """Set and return the texts that services of *texts* extend, but for the files *keep*."""
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
                    extended = extended_text(file, iter(file.services.values()), self.to)
                except RefusedError as error:
                    kept.add(path)
                    self.unmoved += [_unmoved(path, name, error) for name in file.services]
                    continue
                self.texts[path] = extended
                queue.append(extended)
        return list(self.texts.values())

    def _target(self, text: Text, body: object) -> str | None:
        """Return the file that the service *body* of *text* extends, if a join can remove it."""
        target = extends_target(body)  # type: ignore[arg-type]
        if target is None or target[0] is None or "$" in target[0]:
            return None
        path = path_from(text.directory, target[0])
        return path if path in self.extended.paths else None

    def expand(self, service: Fragment) -> Fragment:
        """Return *service* with the text of what it extends, if that is one of the texts."""
        path = self._target(service.text, service.node)
        if path is None or path not in self.texts:
            return service
        name = (extends_target(service.node) or (None, None))[1] or ""
        try:
            expanded = self._over_parent(service, path, name, ())
        except RefusedError as error:
            self.unmoved.append(_unmoved(path, name, error))
            return service
        self.expanded[path, name] = service.text.source.location(service.region.entry.start)
        return expanded

    def _over_parent(
        self, service: Fragment, path: str, name: str, trail: tuple[tuple[str, str], ...]
    ) -> Fragment:
        """Return *service* merged over the service *name* of the file *path*.

        That service may extend another one in turn; *trail* is those that lead to it. Raises
        RefusedError where that is not possible.
        """
        own = split_fragment(service)
        stub = next((c for c in own.children or () if c.key == "extends"), None)
        region = self.texts[path].file.regions_in("services").get(name)
        if stub is None or region is None or (path, name) in trail:
            raise service.text.cannot(
                f"what {service.key} extends cannot be taken in", service.region.entry.start
            )
        base = fragment(self.texts[path], region, (), name)
        further = extends_target(base.node)
        if further is not None:
            target = path if further[0] is None else self._target(base.text, base.node)
            if target not in self.texts or further[1] is None:
                reason = f"{name} extends a service that cannot be taken in"
                raise base.text.cannot(reason, region.entry.start)
            base = self._over_parent(base, target or "", further[1], (*trail, (path, name)))
            self.expanded[target or "", further[1]] = base.text.source.location(region.entry.start)
        rest = tuple(c for c in own.children or () if c is not stub)
        if not rest and not trail and name == service.key and base.children is None:
            head = own.comments_in(own.region.lead, own.head_end)
            return base.with_comments([*head, *stub.comments])  # as it is, with its anchors
        base = split_fragment(base)
        over = replace(own, children=rest)
        children = merge_children(base, over).children if rest else base.children
        head = base.comments_in(base.region.lead, base.head_end)
        whole = replace(over, children=children, form="mapping")
        return whole.with_comments([*base.added_comments, *head, *stub.comments])


def _unmoved(path: str, name: str, error: RefusedError) -> Unmoved:
    """Return that the service *name* of the file *path* stays there, as *error* says."""
    return Unmoved((path, "services", name), error.message, error.location or Location(path))


class JoinedFile(Struct):
    """The result of a join for one root file.

    Attributes:
        file: the root file as it is.
        planned_file: the joined file, None where nothing is taken in.
        taken: the elements that are in it now. They count as elements of the file that its include
            list names.
        files: all files whose text it contains.
        unmoved: the elements that it could have taken in.
    """

    file: ComposeFile
    planned_file: PlannedFile | None = None
    taken: set[FileElement] = set()
    files: set[str] = set()
    unmoved: dict[FileElement, Unmoved] = {}


class JoinRoot:
    """Joins one root file, or another file of a start command.

    Args:
        project: the project.
        file: the file.
        directory: what its paths are relative to.
        extended: the files that exist only to be extended.
        keep: elements that stay in their files, each with the reason.
    """

    def __init__(
        self,
        project: Project,
        file: ComposeFile,
        directory: str,
        extended: ExtendedFiles,
        keep: Mapping[FileElement, str],
    ) -> None:
        self.project = project
        self.file = file
        self.directory = directory
        self.extended = extended
        self.keep = keep
        self.result = JoinedFile(file)
        self.refused: dict[int, RefusedError] = {}
        """The include entries that cannot be taken in, by index."""

    def join(self, pattern: ComposeFile | None = None) -> JoinedFile:
        """Take in what is possible; *pattern* is an earlier text, which gives the order."""
        entries = inclusions(self.file, self.directory)
        if self.file.sections is None:
            self._refuse_all(entries, "its sections are not on lines of their own")
            return self.result
        while True:  # again without the entries that turned out not to fit
            count = len(self.refused)
            attempt = self._try(entries)
            if len(self.refused) == count:
                break
        contents, stubs, anchors, taken = attempt
        if taken and self.refused and any(entry.region is None for entry in entries):
            self._refuse_all(
                entries, "the include list is on one line, and not all of it can be taken in"
            )
            return self.result
        for n in taken:
            self.result.taken |= self._elements(entries[n])
            self.result.files |= {path for path, _ in self._reached(entries[n])}
        self.result.taken |= {(path, "services", name) for path, name in stubs.expanded}
        self.result.files |= {path for path, _ in stubs.expanded}
        self._record_unmoved(entries, stubs)
        if taken or stubs.expanded:
            taken_nodes = {id(entries[n].node) for n in taken}
            frame = Frame(self.file, entries, taken_nodes, contents, anchors, pattern)
            self.result.planned_file = write(frame)
            own = [block for block in anchors.dropped if block.text.path == self.file.path]
            moving = [*own, *filter(_carries_only_anchors, anchors.kept)]
            self.result.taken |= {(block.text.path, block.name, "") for block in moving}
        return self.result

    def _try(
        self, entries: list[Inclusion]
    ) -> tuple[Contents, StubExpander, JoinedAnchors, list[int]]:
        """Take in all entries that are not refused so far, and refuse those that do not fit."""
        reader = IncludeReader(self.project, self.directory)
        texts_of: dict[int, list[Text]] = {}
        for n, entry in enumerate(entries):
            if n in self.refused:
                continue
            try:
                self._check_kept(entry)
                texts_of[n] = reader.texts(entry)
            except RefusedError as error:
                self.refused[n] = error
        own = Text(self.file, self.directory)
        stubs = StubExpander(self.project, self.extended, self.directory)
        included = [text for texts in texts_of.values() for text in texts]
        kept = {path for path, _, _ in self.keep}
        extended = stubs.prepare([own, *included], kept)
        own, *others = with_unique_anchors([own, *included, *extended])
        for text in others[len(included) :]:
            stubs.texts[text.path] = text
        contents = Contents(licence=frozenset(licence_header(self.file.source).splitlines()))
        at = 0
        seen: set[tuple[str, str]] = set()
        used = [own]
        for n, texts in texts_of.items():
            new = [t for t in others[at : at + len(texts)] if (t.path, t.directory) not in seen]
            at += len(texts)
            try:
                self._add(contents.copy(), new, stubs, entries[n])
            except RefusedError as error:
                self.refused[n] = error
                continue
            self._add(contents, new, stubs, entries[n])
            seen |= {(t.path, t.directory) for t in new}
            used += new
        self._add_own_entries(contents, own, stubs)
        for path, text in stubs.texts.items():
            if any(p == path for p, _ in stubs.expanded):
                used.append(text)
                contents.add_around(text)
        anchors = JoinedAnchors(used, contents.blocks)
        return contents, stubs, anchors, [n for n in texts_of if n not in self.refused]

    def _add(
        self, contents: Contents, texts: list[Text], stubs: StubExpander, entry: Inclusion
    ) -> None:
        """Add *texts*, those of *entry*, to *contents*.

        Raises RefusedError where they, or what the file itself defines, cannot be merged.
        """
        clash = contents.defines(texts)
        if clash is not None:
            reason = f"{clash[0]} {clash[1]} is defined by another entry of the list too"
            raise RefusedError(reason, location=entry.location)
        contents.loose_comments += self._entry_comments(entry)
        for text in texts:
            contents.add(text, stubs.expand)
        for section in JOINED_SECTIONS:
            known = contents.sections.get(section, {})
            for name, own in self._fragments(Text(self.file, self.directory), section).items():
                if name in known:
                    merge(known[name], stubs.expand(own))
        changed = contents.merged | (
            self.file.services.keys() & contents.sections.get("services", {}).keys()
        )
        for text in texts:
            _check_extending_services(text, changed)

    def _entry_comments(self, entry: Inclusion) -> list[str]:
        """Return the comments in the lines of *entry*, without the one that a split writes."""
        if entry.region is None:
            return []
        source, region = self.file.source, entry.region
        comments = comments_in(source, region.entry, region.lead, region.end)
        return [c for c in comments if c != WHY_ENV_FILE.strip()]

    def _fragments(self, own: Text, section: str) -> dict[str, Fragment]:
        """Return the entries of *section* in the file itself."""
        found = (own.file.sections or {}).get(section)
        path = () if section == "services" else (RESOURCE,)
        regions = (found.entries if found else None) or {}
        return {n: fragment(own, r, path, n) for n, r in regions.items() if n != "<<"}

    def _add_own_entries(self, contents: Contents, own: Text, stubs: StubExpander) -> None:
        """Merge what the file itself defines over what it includes."""
        for section in JOINED_SECTIONS:
            for name, written in self._fragments(own, section).items():
                expanded = stubs.expand(written) if section == "services" else written
                known = contents.sections.get(section, {})
                if name in known:
                    known[name] = merge(known[name], expanded)
                elif expanded is not written:
                    contents.sections.setdefault(section, {})[name] = expanded

    def _check_kept(self, entry: Inclusion) -> None:
        """Raise RefusedError where an element of *entry* is to stay in its file."""
        elements = self._elements(entry)
        for element, reason in self.keep.items():
            if element in elements:
                raise RefusedError(reason, location=entry.location)

    def _elements(self, entry: Inclusion) -> set[FileElement]:
        """Return what the files of *entry* define, with what they include themselves.

        All of it counts as elements of the file that the entry names, since it stays or moves with
        that file.
        """
        return {
            (named, section, name)
            for path, named in self._reached(entry)
            for section in JOINED_SECTIONS
            for name in self.project.files[path].entries(section)
        } or {(path, "include", "") for path in entry.paths}

    def _reached(self, entry: Inclusion) -> set[tuple[str, str]]:
        """Return the files that *entry* reads, each with the file of the entry that leads to it."""
        reached: set[tuple[str, str]] = set()
        queue = [(path, entry.directory, path) for path in entry.paths]
        while queue:
            path, directory, named = queue.pop()
            file = self.project.files.get(path)
            if file is None or (path, named) in reached:
                continue
            reached.add((path, named))
            for inner in inclusions(file, directory):
                queue += [(inner_path, inner.directory, named) for inner_path in inner.paths]
        return reached

    def _refuse_all(self, entries: list[Inclusion], reason: str) -> None:
        for entry in entries:
            for element in self._elements(entry):
                self.result.unmoved[element] = Unmoved(element, reason, entry.location)

    def _record_unmoved(self, entries: list[Inclusion], stubs: StubExpander) -> None:
        """Record in the result what could not be taken in."""
        for n, error in self.refused.items():
            elements = self._elements(entries[n]) or {(self.file.path, "include", str(n + 1))}
            for element in elements:
                location = error.location or entries[n].location
                self.result.unmoved[element] = Unmoved(element, error.message, location)
        self.result.unmoved |= {unmoved.element: unmoved for unmoved in stubs.unmoved}
        for path, reason in self.extended.why_not.items():
            for extension in self.project.extensions[path]:
                if extension.location.path in {self.file.path, *self.result.files}:
                    element = (path, "services", extension.service)
                    self.result.unmoved[element] = Unmoved(element, reason, extension.location)


def _check_extending_services(text: Text, changed: Collection[str]) -> None:
    """Raise RefusedError where a service of *text* extends one that another file *changed*.

    It has only what its own file defines, since ``extends`` is resolved before files are merged
    (observed: v5.6.1).
    """
    for name, body in text.file.services.items():
        target = extends_target(body)
        if target is not None and target[0] is None and target[1] in changed:
            raise text.cannot(f"{name} extends {target[1]}, which another file changes", body.start)


def _carries_only_anchors(block: ExtensionBlock) -> bool:
    """Return whether *block* is there only for its anchors."""
    index = AnchorIndex(block.text.file)
    return index.carries_only_anchors(index.sections[block.name])
