"""Services that extend one of another file, and take its text in."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.project import Extension, Project
from composerefactor.compose.references import extended
from composerefactor.errors import Location
from composerefactor.joining import relocate
from composerefactor.joining.fragments import Fragment, divided, fragment
from composerefactor.joining.merge import merged
from composerefactor.joining.texts import CannotJoinError, Text


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
    elsewhere: (file, service) and where it went; *stays* what could not be taken in.
    """

    project: Project
    parents: Parents
    to: str
    texts: dict[str, Text] = {}
    expanded: dict[tuple[str, str], Location] = {}
    stays: list[tuple[str, str, CannotJoinError]] = []

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
                    self.stays += [(path, name, error) for name in file.services]
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
            self.stays.append((path, name, error))
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
