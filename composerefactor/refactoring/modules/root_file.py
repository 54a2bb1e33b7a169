"""A root file that may be split: what may leave it, and why the rest may not.

:class:`RootFile` answers that for services. :func:`file_layout` adds everything else: a network,
volume, secret or config moves along with the only module that uses it, and an ``x-`` block that
only carries anchors moves to the first module that needs it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.paths import path_from
from composerefactor.compose.project import Project
from composerefactor.compose.references import extends_target, referenced_resources
from composerefactor.compose.remarks import forbids_moving, switch_of
from composerefactor.refactoring.contract import Unmoved
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.refactoring.modules.naming import Family, modules_directory
from composerefactor.refactoring.modules.paths import MovingPaths
from composerefactor.refactoring.modules.writer import FileLayout
from composerefactor.yaml.comments import count_commented_out_lines
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, own_entries, resolve
from composerefactor.yaml.values import merged_entries

FEWEST_SERVICES = 4
"""A root file with fewer services is not split: modules would help nobody."""

FEWEST_LINES = 100
"""A root file with fewer lines is not split."""


ROOT = ""
"""The destination of what stays in the root file."""


class RootFile:
    """A root file that may be split. A root file is the first file of a start command.

    A file that is merged over root files and repeats them, and a large included file, are treated
    in the same way.

    Args:
        project: the project.
        file: the file.
        keep: elements of any file that do not move, each with the reason.
        move: elements of any file that move although another file extends them.
        into: the directory of the modules, relative to the file.
        force: True where the file is split although modules would help little.
        leaves_stubs: True where a stub of each moved service stays, which other files can extend.
    """

    def __init__(
        self,
        project: Project,
        file: ComposeFile,
        keep: Mapping[tuple[str, str, str], str],
        move: Collection[tuple[str, str, str]],
        into: str = "",
        *,
        leaves_stubs: bool = False,
        force: bool = False,
    ) -> None:
        self.project = project
        self.file = file
        self.directory = posixpath.dirname(file.path)
        self.family = Family.of(file.path, set(project.root_files) - {file.path})
        self.into = into or modules_directory(project, file.path, self.family.prefix)
        self._keep = keep
        self._move = move
        self._leaves_stubs = leaves_stubs
        self.is_forced = force

    def without_stubs(self) -> RootFile:
        """Return the same file for a plan that leaves no stubs in it."""
        return RootFile(
            self.project, self.file, self._keep, self._move, self.into, force=self.is_forced
        )

    @cached_property
    def anchors(self) -> AnchorIndex:
        """The anchors of the file."""
        return AnchorIndex(self.file)

    @cached_property
    def paths(self) -> MovingPaths:
        """The paths of the file that change their meaning in another directory."""
        return MovingPaths(self.file)

    @cached_property
    def why_whole(self) -> str:
        """Why the file is not split at all, ``""`` where it is."""
        return self._why_protected() or self._why_not_divided()

    def _why_protected(self) -> str:
        """Return why the text must stay in the file: programs that use it, or git ignores it."""
        path = self.file.path
        protected = self.project.protected_files.get(path)
        remedy = "name the file with --entry to split it anyway"
        if protected is not None and protected.allows_extends:
            protected = None if self._leaves_stubs else protected
            remedy = "--strategy extends splits it"
        if protected is None:
            return ""
        if protected.reader:
            return f"{protected.reason}, which does not support include; {remedy}"
        if protected.is_generated:
            again = "and generating it again would undo a split"
            return f"{protected.reason}, {again}; {remedy}"
        return protected.reason

    def _why_not_divided(self) -> str:
        """Return what in the project or in the text of the file prevents a split."""
        path, file = self.file.path, self.file
        section = (file.sections or {}).get("services")
        elsewhere = self.project.directories.get(path, set()) - {self.directory or "."}
        reason = self.project.foreign_reason(path) or self._unread_override()
        if reason:
            return reason
        if not file.services:
            reason = "it defines no services"
        elif section is None or section.entries is None:
            reason = self._why_not_on_lines()
        elif not any(map(_says_what_runs, file.services.values())):
            reason = "none of its services has an image or a build: the file completes another one"
        elif elsewhere:
            reason = (
                f"the file is also used in the project directory {min(elsewhere)!r}, where the "
                "paths of its include list would not be found"
            )
        else:
            reason = self._too_few_services()
        return reason

    def _unread_override(self) -> str:
        """Return which file of a start command with this one is there but cannot be read.

        What Docker Compose makes of it is unknown: before v2.24.6, a file that is merged over an
        included service is an error.
        """
        for entry, error in self.project.errors.items():
            place = error.location
            if self.file.path in entry.files and place and self.project.exists(place.path):
                return f"it is started with a file that cannot be read: {error}"
        return ""

    def _why_not_on_lines(self) -> str:
        """Return why the lines of the services cannot be told apart."""
        source = self.file.source
        section = self.file.root.entry("services")
        services = section.value if section is not None else None
        alone = re.search(r"\r(?!\n)", source.text)
        if alone is not None:
            where = source.location(alone.start()).line
            return f"a carriage return without a line feed ends line {where}: convert the line ends"
        keys = [("key", each) for each in self.file.root.entries]
        for what, entry in [*keys, *(("service", each) for each in own_entries(services))]:
            line = source.text[source.line_start(entry.start) : entry.start]
            where = source.location(entry.start).line
            if not entry.name:
                return f"the {what} in line {where} has no name"
            if line.lstrip().startswith("?"):
                return f"`? {entry.name}` in line {where} is an explicit key: write `{entry.name}:`"
        return "its services are not on lines of their own (a flow mapping)"

    @property
    def is_small(self) -> bool:
        """True where the file could be split if it had more services."""
        return bool(self.why_whole) and self.why_whole == self._too_few_services()

    @cached_property
    def included_modules(self) -> list[str]:
        """The paths of the modules that the file includes already."""
        into = path_from(self.directory, self.into)
        return [
            path
            for path, by in self.project.included_by.items()
            if self.file.path in by and path.startswith(f"{into}/") and path in self.project.files
        ]

    @cached_property
    def unmoved(self) -> dict[Element, Unmoved]:
        """The elements that do not move although the file is split."""
        return {unmoved.element[1:]: unmoved for unmoved in self._unmoved()}

    def stays(self, element: Element, reason: str, *, predicted: bool = False) -> Unmoved:
        """Return that *element* stays in the file, for *reason*."""
        location = self.file.location_of(*element)
        return Unmoved((self.file.path, *element), reason, location, predicted)

    def movable(self) -> list[str]:
        """Return the services that may leave the file. Stubs of an earlier split may not."""
        return [
            n
            for n in self.file.regions_in("services")
            if n != "<<" and ("services", n) not in self.unmoved and not self._is_stub(n)
        ]

    def _is_stub(self, name: str) -> bool:
        """Return whether a service extends one of a module, or does nothing but extend one."""
        body = self.file.services[name]
        target = extends_target(body)
        if target is None or target[0] is None:
            return False
        return self._is_module(target[0]) or merged_entries(body).keys() == {"extends"}

    def _is_module(self, path: str) -> bool:
        """Return whether *path*, as the file writes it, is in the directory of its modules."""
        into = path_from(self.directory, self.into)
        return path_from(self.directory, path).startswith(f"{into}/")

    def _too_few_services(self) -> str:
        """Return the reason where the file is too small for modules, otherwise ``""``.

        One that is commented out for the most part is a template, in which people look for what to
        bring back.
        """
        included = [self.project.files[path] for path in self.included_modules]
        files = [self.file, *included]
        services = sum(len(file.services) for file in files)
        lines = sum(len(file.source.text.splitlines()) for file in files)
        commented_out = sum(count_commented_out_lines(file.source.text) for file in files)
        if services == 1:
            return "nothing to gain for 1 service"
        if self.is_forced:
            return ""
        if 2 * commented_out > lines >= FEWEST_LINES:
            return (
                f"nothing to gain, since {commented_out} of its {lines} lines are commented out; "
                "--force splits the file anyway"
            )
        elsewhere = sum(map(self._is_defined_elsewhere, self.file.services.values()))
        if 2 * elsewhere > services:
            return (
                f"nothing to gain, since {elsewhere} of its {services} services are defined in "
                "files that they extend already; --force splits the file anyway"
            )
        if services >= FEWEST_SERVICES and lines >= FEWEST_LINES:
            return ""
        return (
            f"nothing to gain for {services} services in {lines} lines; --force splits the file "
            "anyway"
        )

    def _is_defined_elsewhere(self, body: Node) -> bool:
        """Return whether a file that is no module says what runs in the service *body*."""
        target = extends_target(body)
        if target is None or target[0] is None:
            return False
        says = merged_entries(body).keys() & {"image", "build"}
        return not says and not self._is_module(target[0])

    def _unmoved(self) -> Iterator[Unmoved]:
        for (path, section, name), reason in self._keep.items():
            if path == self.file.path:
                yield self.stays((section, name), reason)
        if self._leaves_stubs:
            return
        for extension in self.project.extensions.get(self.file.path, []):
            service: str | None = extension.service
            while service is not None and service in self.file.services:
                if (self.file.path, "services", service) not in self._move:
                    reason = f"{extension.location} extends it, and would not find it in a module"
                    yield self.stays(("services", service), reason, predicted=True)
                target = extends_target(self.file.services[service])
                service = target[1] if target and target[0] is None else None


def _says_what_runs(body: Node) -> bool:
    """Return whether the service *body* says what runs in its container.

    A service with none of these keys is incomplete (Compose specification).
    """
    keys = {"image", "build", "extends", "provider"}
    return not isinstance(body, MappingNode) or not merged_entries(body).keys().isdisjoint(keys)


def file_layout(
    project: Project,
    file: ComposeFile,
    anchors: AnchorIndex,
    module_of: Mapping[str, str],
    order: tuple[str, ...],
    kept: Iterable[Element],
    placed: Mapping[Element, str] | None = None,
) -> FileLayout:
    """Return the destination of every element of *file*.

    Args:
        project: the project.
        file: the root file.
        anchors: its anchors.
        module_of: the module of each service that moves.
        order: the modules in the order of the plan.
        kept: further elements that stay in the root file.
        placed: ``x-`` blocks whose destination is known.
    """
    destinations: dict[Element, str] = {}
    kept = set(kept)
    users = resource_users(project, file, module_of)
    for name, section in (file.sections or {}).items():
        if name == "services" and section.entries is not None:
            for key in section.entries:
                destinations[name, key] = module_of.get(key, ROOT)
        elif name in RESOURCE_SECTIONS and section.entries is not None:
            for key in section.entries:
                using = users.get((name, key), {ROOT})
                is_movable = len(using) == 1 and (name, key) not in kept
                stays = not is_movable or must_stay_in_root(name, key, section.value)
                destinations[name, key] = ROOT if stays else next(iter(using))
        elif section.entries is not None and not name.startswith("x-"):
            for key in section.entries:
                destinations[name, key] = ROOT
        else:
            destinations[name, ""] = ROOT
    destinations |= placed or {}
    _place_anchor_blocks(file, anchors, destinations, order, kept | set(placed or {}))
    return FileLayout(file, anchors, destinations, order)


def resource_users(
    project: Project, file: ComposeFile, module_of: Mapping[str, str]
) -> dict[Element, set[str]]:
    """Return the destinations whose services use each resource of *file*.

    Services in files that are merged with *file* count, too: they belong where the service of the
    same name goes. *module_of* is the module of each service that moves.
    """
    users: dict[Element, set[str]] = {}
    companions = [
        project.files[path]
        for entry, paths in project.files_of.items()
        if file.path in entry.files or file.path in paths
        for path in paths
        if path in project.files
    ]
    for other in {f.path: f for f in [file, *companions]}.values():
        for name, body in other.services.items():
            destination = module_of.get(name, ROOT)
            for resource in _resources_with_parents(project, other, body):
                users.setdefault(resource, set()).add(destination)
    return users


def _resources_with_parents(project: Project, file: ComposeFile, body: Node) -> set[Element]:
    """Return the resources that a service of *file* uses, itself or by what it extends."""
    used = set(referenced_resources(body))
    target = extends_target(body)
    for _ in range(20):  # only the place of a resource depends on longer chains, not its meaning
        if target is None or target[1] is None:
            break
        if target[0] is not None:
            name = target[0].rpartition("/")[2]
            match = [f for p, f in project.files.items() if p.rpartition("/")[2] == name]
            if not match:
                break
            file = match[0]
        body = file.services.get(target[1], body)
        used |= referenced_resources(body)
        target = extends_target(body)
    return used


def must_stay_in_root(section: str, name: str, value: Node) -> bool:
    """Return whether a resource has to stay in the root file although one module alone uses it.

    *value* is the value of its *section*.
    """
    if name == "<<" or (section == "networks" and name == "default"):
        return True  # an included default network is used by all services (observed: v5.6.1)
    if section not in {"secrets", "configs"}:
        return False
    body = resolve(value.get(name) or value) if hasattr(value, "get") else value
    if isinstance(body, ScalarNode):
        return True  # an included file is validated alone, and an empty secret is not valid
    return "environment" in merged_entries(body) and section == "configs"


def pinned_blocks(file: ComposeFile) -> list[Element]:
    """Return the ``x-`` blocks that stay in the root file, since a comment says so.

    A switch between blocks is not among them: it moves with the blocks that it selects from.
    """
    return [
        (name, "")
        for name in file.sections or {}
        if name.startswith("x-") and forbids_moving(file, name) and not switch_of(file, name)
    ]


def _place_anchor_blocks(
    file: ComposeFile,
    anchors: AnchorIndex,
    destinations: dict[Element, str],
    order: tuple[str, ...],
    kept: set[Element],
) -> None:
    """Move each ``x-`` block that only carries anchors to the first module that needs it.

    An alias refers to an anchor above it, so the blocks are visited from the last to the first:
    then all destinations that may need a block are known.
    """
    names = [n for n in file.sections or {} if n.startswith("x-")]
    for name in reversed(names):
        block = (name, "")
        section = (file.sections or {})[name]
        if block in kept or not anchors.carries_only_anchors(section):
            continue
        elements: dict[str, list[Element]] = {}
        for element, destination in destinations.items():
            if element != block:
                elements.setdefault(destination, []).append(element)
        needing = [d for d in (ROOT, *order) if block in anchors.needs(elements.get(d, []))]
        if needing and ROOT not in needing:
            destinations[block] = needing[0]
