"""Wait in `depends_on` until a dependency is healthy, or has done its work.

A short `depends_on` waits only until the container is started. It becomes the long form, with
`service_healthy` for dependencies that have a health check, and `service_completed_successfully`
for those that do one thing and end, as migrations do. The others keep `service_started`: a service
without a health check never becomes healthy, and whoever waits for it never starts. Conditions that
are written down are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_get, names_in
from composerefactor.compose.one_off import one_off
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import ToMapping
from composerefactor.edit.rendering import Value
from composerefactor.images.catalog import Catalog, load
from composerefactor.images.health.check import reports_health
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer
from composerefactor.transforms._attribute import ReachedService, having, written
from composerefactor.yaml.nodes import Entry, Path, SequenceNode, node_at, resolve

STARTED, HEALTHY, DONE = "service_started", "service_healthy", "service_completed_successfully"


@dataclass(frozen=True, slots=True)
class Options:
    """*catalog* has what is known about images."""

    catalog: Catalog = field(default_factory=load)


@fixer(Options, after=("add-healthchecks",), unsafe=True)
def wait_for_healthy(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each short `depends_on` in which something can be waited for."""
    every = start_models(project)
    done: set[int] = set()
    for model in every:
        for name, service in model.services.items():
            for definition in service.definitions:
                found = written(definition.file, definition.body, "depends_on")
                if found is None or id(found[1]) in done:
                    continue
                done.add(id(found[1]))
                planned = _planned(project, every, name, definition.file, *found, options.catalog)
                if planned is not None:
                    yield planned


def _planned(
    project: Project,
    every: list[StartModel],
    name: str,
    file: ComposeFile,
    path: Path,
    entry: Entry,
    catalog: Catalog,
) -> Change | Refusal | None:
    """Return what becomes of the `depends_on` that *entry* writes in the mapping at *path*."""
    mapping = node_at(file.root, path)
    needs = resolve(entry.value)
    if not isinstance(needs, SequenceNode) or mapping is None or file.path.startswith("../"):
        return None
    reached = [r for r in having(every, mapping) if _takes(r, entry)]
    conditions = {
        needed: _condition(project, reached, needed, catalog) for needed in names_in(needs)
    }
    waits = {needed: found for needed, found in conditions.items() if found[0] != STARTED}
    if not waits:
        return None
    at = file.source.location(entry.start)
    title = f"{name} starts before {_listed(list(waits))} can be used"
    if file.path in project.whole:
        return Refusal(f"{title}: {project.whole[file.path].reason}", at)
    if needs.anchor:
        return Refusal(
            f"{title}: its depends_on is the list &{needs.anchor}, which others may use",
            at,
            "write the list where it is used, without an anchor",
        )
    users = sorted({r.service.name for r in reached})
    others = [user for user in users if user != name]
    values: dict[str, Value] = {
        needed: {"condition": condition, **_required(reached, needed)}
        for needed, (condition, _) in conditions.items()
    }
    effects = [
        Effect(("services", user, "depends_on", needed, "condition"), "changes")
        for user in users
        for needed in waits
    ]
    if path[0] != "services":
        effects.append(Effect((str(path[0]), "depends_on"), "changes"))
    return Change(
        title=title + (f"; so do {_listed(others)}" if others else ""),
        location=at,
        edits=[ToMapping(file.path, (*path, "depends_on"), values)],
        effects=effects,
        evidence="; ".join(f"{needed}: {why}" for needed, (_, why) in waits.items()),
    )


def _takes(reached: ReachedService, entry: Entry) -> bool:
    """Return whether the service has its `depends_on` from *entry*, not from a nearer mapping."""
    found = written(reached.definition.file, reached.definition.body, "depends_on")
    return found is not None and found[1] is entry


def _condition(
    project: Project, reached: list[ReachedService], needed: str, catalog: Catalog
) -> tuple[str, str]:
    """Return the condition for *needed* that holds in every entry point, and why."""
    found: set[tuple[str, str]] = set()
    for each in reached:
        model = each.model
        if needed not in model.services:
            continue
        ends = one_off(model, needed)
        if ends is not None:
            found.add((DONE, " and ".join(words for words, _ in ends.reasons)))
        elif reports_health(project, model, needed, catalog):
            found.add((HEALTHY, "it has a health check"))
        else:
            found.add((STARTED, ""))
    conditions = {condition for condition, _ in found}
    return min(found) if len(conditions) == 1 else (STARTED, "")


def _required(reached: list[ReachedService], needed: str) -> dict[str, Value]:
    """Return what keeps *needed* required, where another file merged with this one says otherwise.

    A name in a list means ``required: true`` when it is merged (observed: v2.24.1 to v5.6.1).
    """
    others = (found for each in reached for found in each.service.values("depends_on"))
    is_optional = any(merged_get(merged_get(o.node, needed), "required") for o in others)
    return {"required": True} if is_optional else {}


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
