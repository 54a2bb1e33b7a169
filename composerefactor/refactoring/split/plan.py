"""The plan of one root file, or of a group of root files that define the same services.

* :func:`plan_root`: one root file, which includes its modules.
* :func:`plan_group`: several root files, with modules for what they share (strategy ``include``).
* :func:`plan_stubs`: one or several root files with strategy ``extends``.

Where several modules need an ``x-`` block, :func:`plan_root` also lets services extend it from a
common file instead of copying it to each module. No plan copies more than :mod:`.budget` allows:
modules are joined, or nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.remarks import switch_of
from composerefactor.compose.services import services_in
from composerefactor.compose.short_forms import key_value_pairs
from composerefactor.edit.planned_files import PlannedFile, Replacement
from composerefactor.images.catalog import Placement, catalog_of, service_placement
from composerefactor.refactoring.contract import FileElement, Plan, SavedLines, Unmoved
from composerefactor.refactoring.deduplicate.layout import Layout
from composerefactor.refactoring.deduplicate.variants import SharedService, SharedServices
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.directories import IncludedFiles, included_files
from composerefactor.refactoring.modules.grouping import LIST, MOST_SERVICES, service_groups
from composerefactor.refactoring.modules.include import IncludeEdit
from composerefactor.refactoring.modules.naming import (
    LayoutOptions,
    Names,
    Tie,
    environment_name,
    kebab,
    kind_in,
    modules_of,
    name_in_path,
)
from composerefactor.refactoring.modules.root_file import RootFile, file_layout, pinned_blocks
from composerefactor.refactoring.modules.service_names import MONITORING, main_domain
from composerefactor.refactoring.modules.writer import Assembler, FileLayout
from composerefactor.refactoring.split.budget import exceeds_budget, most_copied, plan_within_budget
from composerefactor.refactoring.split.common_base import CommonBase, common_base
from composerefactor.refactoring.split.extends import split_services
from composerefactor.refactoring.split.options import SplitOptions, layout_options, shared_services
from composerefactor.refactoring.split.stubs import StubLayout
from composerefactor.yaml.values import merged_get, to_python

_ALSO_CALLED = {MONITORING: ("observability", "telemetry", "metrics", "logging", "tracing")}
"""Other words for a domain in names of files."""

SINCE_EQUAL_PAIRS = "2.24.7"
"""v2.24.1 rejects files of one include entry that set an environment variable to one value."""


def plan_root(root: RootFile, options: SplitOptions, names: Names, *, several: bool) -> Plan:
    """Plan the split of a root file that shares no service with another.

    *several* is True where other root files have modules too.
    """
    if why_whole := root.why_whole or _why_one_module(root, options):
        return plan_unsplit(root, why_whole)
    candidates = [options]
    if options.anchors == "auto" and not options.verbatim:
        candidates.append(replace(options, anchors="extends"))
    before = names.state()
    for candidate in candidates:
        names.reset(before)
        plan_with = partial(_plan_root, root, candidate, names, several=several)
        plan = plan_within_budget(plan_with, [root], candidate, names)
        if _is_acceptable(plan, root, candidate):
            return plan
    names.reset(before)
    return plan_unsplit(root, _why_copies(plan, root))


def _is_acceptable(plan: Plan, root: RootFile, options: SplitOptions) -> bool:
    """Return whether *plan* copies no more than may be copied, or has modules that the user wants.

    See :mod:`.budget`.
    """
    return bool(options.groups or options.modules) or not exceeds_budget(plan, [root], options)


def _why_copies(plan: Plan, root: RootFile) -> str:
    """Return why *root* is not split: *plan*, the best one, copies too much."""
    reason = f"nothing to gain, since modules would have copies of {most_copied(plan, [root])}"
    return f"{reason}; --anchors copy splits the file anyway"


def _plan_root(
    root: RootFile, options: SplitOptions, names: Names, ties: Sequence[Tie], *, several: bool
) -> Plan:
    """Plan the split of a root file into modules in which services are together as *ties* say."""
    unmoved = tuple(root.unmoved.values())
    prefix = f"{environment_name(root.project, root.file.path)}-" if several else ""
    chosen = layout_options(root, options)
    place = partial(placement_of(root.project), root.file)
    groups = service_groups(root.file, root.anchors, root.movable(), place, chosen, ties)
    if not groups:
        return Plan(unmoved=unmoved)
    if why_again := _why_the_file_again(root, [(group.services, group.why) for group in groups]):
        return plan_unsplit(root, why_again)
    named = name_in_path(root.file.path)
    elsewhere = _services_elsewhere(root) if named else set()
    always = bool(elsewhere or kind_in(named))
    modules = modules_of(
        groups,
        chosen,
        root.family,
        names,
        prefix,
        always=always,
        elsewhere=elsewhere,
        categories=bool(named),
    )
    module_of = {name: module.path for module in modules for name in module.services}
    order = tuple(dict.fromkeys(module.path for module in modules))
    switches = _switches(root)
    kept = [*root.unmoved, *pinned_blocks(root.file)]
    layout = file_layout(root.project, root.file, root.anchors, module_of, order, kept)
    common = common_base(root, layout, module_of, order, kept, switches, chosen, names)
    planned_files, result = _planned_files(root, layout, order, common, names, chosen)
    moved = moved_elements(root, (common.layout if common else layout).destinations)
    notes = (*(common.notes() if common else ()), *result.notes())
    if chosen.anchors == "extends" and common is None:
        notes = (*notes, "--anchors extends changes nothing: no block can be extended instead")
    services = {module.path: module.services for module in modules}
    since = max(result.since, common.since(result) if common else "")
    reasons = {module.path: module.why for module in modules}
    return Plan(tuple(planned_files), moved, unmoved, notes, services, reasons, since=since)


def _services_elsewhere(root: RootFile) -> set[str]:
    """Return the services of *root* that other root files define too."""
    others = [root.project.files[path] for path in root.project.root_files]
    known = {name for file in others if file is not root.file for name in file.services}
    return known & root.file.services.keys()


def _why_the_file_again(root: RootFile, modules: Sequence[tuple[Sequence[str], str]]) -> str:
    """Return why *root* is not split: one of *modules* would be all of it; ``""`` where it is.

    *modules* are the services of each, and what they have in common.
    """
    services, why = modules[0] if len(modules) == 1 else ((), "")
    is_all = set(services) == set(root.file.services)
    if not is_all or root.included_modules or root.is_forced:
        return ""
    together = LIST if why == LIST else "belong together"
    return f"nothing to gain, since its services {together}; --force moves them to one module"


def _why_one_module(root: RootFile, options: SplitOptions) -> str:
    """Return why *root* is a module itself, ``""`` where it is none.

    Its name says the category of most of its services, as ``docker-compose.monitoring.yml``, or the
    product that all of its few services belong to, as ``docker-compose.airflow.yml``.
    """
    if options.force:
        return ""
    named = environment_name(root.project, root.file.path)
    domain = main_domain(root.file.services, partial(placement_of(root.project), root.file))
    if domain and any(word in named for word in (domain, *_ALSO_CALLED.get(domain, ()))):
        return f"nothing to gain, since it is the file for {domain} already; --force splits it"
    if _is_product(root, named):
        return f"nothing to gain, since it is the file for {named} already; --force splits it"
    return ""


def _is_product(root: RootFile, named: str) -> bool:
    """Return whether *root*, one of several root files, has the few services of a product *named*.

    Their names begin with its name. The name of an environment does not count.
    """
    names = [kebab(name) for name in root.file.services]
    is_part = len(root.project.root_files) > 1 and len(names) <= MOST_SERVICES
    begin_alike = all(name == named or name.startswith(f"{named}-") for name in names)
    return is_part and begin_alike and not kind_in(named)


def _switches(root: RootFile) -> dict[Element, Sequence[Element]]:
    """Return the ``x-`` blocks with a switch, each with the other blocks that it may choose."""
    elements = {
        node.anchor: root.anchors.element_of[id(node)]
        for nodes in root.anchors.marked_of.values()
        for node in nodes
        if node.anchor
    }
    return {
        (name, ""): [elements[anchor] for anchor in anchors if anchor in elements]
        for name in root.file.sections or {}
        if name.startswith("x-") and (anchors := switch_of(root.file, name))
    }


def _planned_files(
    root: RootFile,
    layout: FileLayout,
    order: Sequence[str],
    common: CommonBase | None,
    names: Names,
    options: LayoutOptions,
) -> tuple[list[PlannedFile], IncludedFiles]:
    """Return the root file and the new files; *order* are those that the root file includes."""
    layout = common.layout if common else layout
    modules = Assembler(layout, IncludeEdit(root.file, ())).modules()

    @cache  # all modules are in few directories
    def changes(directory: str) -> list[Replacement]:
        return common.changes(directory) if common else []

    entries = [[path] for path in order]
    verbatim = options.verbatim
    result = included_files(
        entries, modules, lambda _: root.paths, [root], names, verbatim=verbatim, changes=changes
    )
    include = IncludeEdit(root.file, tuple(result.entries(order, root.directory)))
    new = [*result.files.values(), *([common.planned_file] if common else ())]
    return [Assembler(layout, include).root(), *new], result


def plan_group(
    group: list[RootFile], options: SplitOptions, names: Names, *, several: bool = False
) -> Plan:
    """Plan the split of root files that define the same services.

    The plan may copy more than may be copied. *several* is True where root files outside of the
    group have modules too.
    """

    def plan_with(ties: Sequence[Tie]) -> Plan:
        chosen, place = layout_options(group[0], options), placement_of(group[0].project)
        factored = shared_services(tuple(group))
        layout = Layout(group, factored, chosen, names, place, several, ties)
        return _plan_of(layout, group, [root.unmoved for root in group])

    return plan_within_budget(plan_with, group, options, names)


def plan_stubs(
    group: list[RootFile], options: SplitOptions, names: Names, *, several: bool
) -> Plan:
    """Plan the split, with stubs, of one root file or of several that share services.

    *several* is True where root files outside of the group have modules too.
    """
    root, is_alone = group[0], len(group) == 1
    if is_alone and (why_whole := root.why_whole or _why_one_module(root, options)):
        return plan_unsplit(root, why_whole)
    plan_with = partial(_plan_stubs, group, options, names, several=several)
    before = names.state()
    plan = plan_within_budget(plan_with, group, options, names)
    if not is_alone:
        return plan
    modules = [(plan.services[path], why) for path, why in plan.reasons.items()]
    reason = _why_the_file_again(root, modules)
    if not reason and not _is_acceptable(plan, root, options):
        reason = _why_copies(plan, root)
    if not reason:
        return plan
    names.reset(before)
    return plan_unsplit(root, reason)


def _plan_stubs(
    group: list[RootFile],
    options: SplitOptions,
    names: Names,
    ties: Sequence[Tie],
    *,
    several: bool,
) -> Plan:
    """Plan the split, with stubs, in which services are together as *ties* say."""
    split = split_services(group)
    unmoved = [split.unmoved[i] for i in range(len(group))]
    if not split.all.services:
        return Plan(unmoved=_all_of(unmoved))
    layout = StubLayout(
        group,
        split.modules,
        layout_options(group[0], options),
        names,
        placement_of(group[0].project),
        several,
        ties,
        split=split,
    )
    plan = _plan_of(layout, group, unmoved)
    return replace(plan, notes=(*plan.notes, *layout.notes(plan.planned_files)), since=layout.since)


def _plan_of(
    layout: Layout, group: list[RootFile], unmoved: Iterable[Mapping[Element, Unmoved]]
) -> Plan:
    """Return the plan of *layout*; *unmoved* are the elements of each root file that stay."""
    planned_files = tuple(layout.planned_files())
    moved: dict[FileElement, str] = {}
    for i, root in enumerate(group):
        moved |= moved_elements(root, layout.state.destinations[i])
    services = {module.path: module.services for _, module in layout.state.modules}
    why = {module.path: module.why for _, module in layout.state.modules}
    for environments in layout.state.environments.values():
        services |= {environment.path: environment.services for environment in environments}
    factored = layout.factored
    notes = (*_sharing_notes(factored), *layout.included.notes())
    saved, since = _saved_lines(factored), layout.included.since
    if any(map(_overrides_with_variable, factored.services)):
        since = max(since, SINCE_EQUAL_PAIRS)
    stay = _all_of(unmoved)
    return Plan(planned_files, moved, stay, notes, services, why, saved, since=since)


def _overrides_with_variable(service: SharedService) -> bool:
    """Return whether a root file sets an environment variable of the module of *service* again.

    One of the values has a variable, so that they may be equal.
    """
    if service.shared is None:
        return False
    values: dict[str, set[str]] = {}
    for definition in service.definitions:
        environment = merged_get(definition.region.entry.value, "environment")
        pairs = key_value_pairs(to_python(environment, definition.source)) if environment else {}
        for name, value in pairs.items() if isinstance(pairs, dict) else ():
            values.setdefault(name, set()).add(str(value))
    return any(len(of) > 1 and "$" in "".join(of) for of in values.values())


def _all_of(unmoved: Iterable[Mapping[Element, Unmoved]]) -> tuple[Unmoved, ...]:
    return tuple(each for of_file in unmoved for each in of_file.values())


def _sharing_notes(factored: SharedServices) -> Iterator[str]:
    """Yield what is deduplicated, and which services are not."""
    saved = _saved_lines(factored)
    sharing = {service.name for service in factored.services if service.shared is not None}
    whole: dict[str, list[str]] = {}
    for service in factored.services:
        if service.shared is None:
            paths = ", ".join(factored.files[i].path for i in service.defined_in)
            where = paths if service.name in sharing else "any file"
            whole.setdefault(where, []).append(service.name)
    if saved.services:
        services = "1 service" if saved.services == 1 else f"{saved.services} services"
        yield (
            f"deduplicated {services} ({saved.definitions} definitions): each file keeps only what "
            f"it adds; {saved.lines} repeated lines are removed"
        )
    for where, names in whole.items():
        yield f"not deduplicated in {where}, since that saves nothing: {', '.join(names)}"


def _saved_lines(factored: SharedServices) -> SavedLines:
    shared = [service for service in factored.services if service.shared is not None]
    return SavedLines(
        len({service.name for service in shared}),
        sum(len(service.defined_in) for service in shared),
        sum(service.repeated_lines for service in shared),
    )


def plan_unsplit(root: RootFile, reason: str) -> Plan:
    """Return the plan of a root file that is not split: *reason* says why no service moves."""
    return Plan(unmoved=tuple(root.stays(("services", n), reason) for n in root.file.services))


def moved_elements(root: RootFile, destinations: Mapping[Element, str]) -> dict[FileElement, str]:
    """Return the new path of each element of *root* that moves."""
    return {
        (root.file.path, section, name): path
        for (section, name), path in destinations.items()
        if path
    }


def placement_of(project: Project) -> Callable[[ComposeFile, str], Placement]:
    """Return a function that returns the category of a service in a file."""
    known: dict[tuple[str, str], Placement] = {}
    catalog = catalog_of(project)

    def placement(file: ComposeFile, name: str) -> Placement:
        key = (file.path, name)
        if key not in known:
            known[key] = service_placement(services_in(file)[name], catalog)
        return known[key]

    return placement
