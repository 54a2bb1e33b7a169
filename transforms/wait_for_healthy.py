"""Wait in `depends_on` until a dependency is healthy, or has completed successfully.

A short `depends_on` waits only until the container has started. It becomes the long form, with
`service_healthy` for dependencies whose health check the owner wrote or is verified, and
`service_completed_successfully` for one-off services such as migrations. The others keep
`service_started`: a service whose check is missing or wrong never becomes healthy, and a service
that waits for it never starts. Nothing waits for monitoring, tools, proxies, or a service of a
profile. Monitoring waits for nothing, since it reports what is not healthy; neither does a proxy of
several services, or of those that it finds with the Docker socket: it would close all for one. The
nodes of a cluster do not wait for each other, and nothing that may form the cluster waits for a
check of its state: it is healthy only when all nodes are up. Nor does a service wait for one that
uses it, or is its helper, nor a sidecar for the application whose network it shares: that one may
become healthy only when both have started. Existing conditions are left as they are, and so is a
list with a variable, since Docker Compose does not replace variables in keys (observed: v2.24.1 to
v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.one_off import one_off
from composerefactor.compose.paths import is_outside
from composerefactor.compose.project import Project
from composerefactor.compose.services import start_models
from composerefactor.edit.operations import ToMapping
from composerefactor.edit.rendering import Value
from composerefactor.errors import enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.images.connections import can_start_first
from composerefactor.images.health.check import reports_health
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import MergedServices, ReachedService, written_entry
from composerefactor.yaml.nodes import Entry, Path, SequenceNode, node_at, resolve
from composerefactor.yaml.values import names_in

STARTED, HEALTHY, DONE = "service_started", "service_healthy", "service_completed_successfully"


@fixer(
    NoOptions,
    after=("add-healthchecks",),
    unsafe=True,
    purpose="availability",
    cause="a service starts before those that it needs can be used",
)
def wait_for_healthy(project: Project, _options: NoOptions) -> Iterator[Change | Refusal]:
    """Yield a change for each short `depends_on` with a dependency that reports readiness."""
    models = start_models(project)
    merged = MergedServices(models)
    done: set[int] = set()
    for model in models:
        for name, service in model.services.items():
            for definition in service.definitions:
                written = written_entry(definition.file, definition.body, "depends_on")
                if written is None or id(written[1]) in done:
                    continue
                done.add(id(written[1]))
                outcome = _plan_entry(project, merged, name, definition.file, *written)
                if outcome is not None:
                    yield outcome


def _plan_entry(
    project: Project,
    merged: MergedServices,
    name: str,
    file: ComposeFile,
    path: Path,
    entry: Entry,
) -> Change | Refusal | None:
    """Return the change of the `depends_on` that *entry* is in the mapping at *path* of *file*.

    None if no dependency reports when it is ready; a refusal if the text cannot be changed.
    """
    mapping = node_at(file.root, path)
    needs = resolve(entry.value)
    if not isinstance(needs, SequenceNode) or mapping is None or is_outside(file.path):
        return None
    reached = [r for r in merged.of(mapping) if _uses_entry(r, entry)]
    conditions = {needed: _condition(project, reached, needed) for needed in names_in(needs)}
    waits = {n: condition for n, condition in conditions.items() if condition[0] != STARTED}
    if not waits:
        return None
    location = file.source.location(entry.start)
    variable = next((needed for needed in conditions if "$" in needed), None)
    if variable is not None:
        return Refusal(
            f"{name} starts before {enumerated(list(waits))} can be used: {variable} has no "
            "condition, since Docker Compose does not replace variables in keys",
            location,
            f"name the service in place of {variable}",
        )
    problem = f"{name} starts before {enumerated(list(waits))} can be used"
    if file.path in project.protected_files:
        return Refusal(f"{problem}: {project.protected_files[file.path].reason}", location)
    if needs.anchor:
        return Refusal(
            f"{problem}: its depends_on is the list &{needs.anchor}, which others may use",
            location,
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
        title=f"Let {enumerated([name, *others])} wait for {enumerated(list(waits))}",
        location=location,
        edits=[ToMapping(file.path, (*path, "depends_on"), values)],
        effects=effects,
        evidence="; ".join(_evidence(waits)),
        confidence="verified" if DONE not in dict(conditions.values()) else "likely",
    )


def _evidence(waits: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Yield why the conditions in *waits* are right: by needed service, the condition and why."""
    checked = [needed for needed, (condition, _) in waits.items() if condition == HEALTHY]
    if checked:
        yield f"{enumerated(checked)} {'has' if len(checked) == 1 else 'have'} a health check"
    yield from (f"{needed}: {why}" for needed, (_, why) in waits.items() if why)


def _uses_entry(reached: ReachedService, entry: Entry) -> bool:
    """Return whether the service gets its `depends_on` from *entry*, not from a nearer mapping."""
    written = written_entry(reached.definition.file, reached.definition.body, "depends_on")
    return written is not None and written[1] is entry


def _condition(project: Project, reached: list[ReachedService], needed: str) -> tuple[str, str]:
    """Return the condition for *needed* that is right in every start command, and why."""
    possible: set[tuple[str, str]] = set()
    for each in reached:
        model = each.model
        if needed not in model.services:
            continue
        if can_start_first(model, each.service.name, needed):
            possible.add((STARTED, ""))
            continue
        ends = one_off(model, needed)
        if ends is not None:
            possible.add((DONE, " and ".join(words for words, _ in ends.reasons)))
        elif reports_health(project, model, needed, catalog_of(project)):
            possible.add((HEALTHY, ""))
        else:
            possible.add((STARTED, ""))
    conditions = {condition for condition, _ in possible}
    return min(possible) if len(conditions) == 1 else (STARTED, "")


def _required(reached: list[ReachedService], needed: str) -> dict[str, Value]:
    """Return the key that keeps *needed* required if a file merged with this one makes it optional.

    A name in a list means ``required: true`` when it is merged (observed: v2.24.1 to v5.6.1).
    """
    others = (value for each in reached for value in each.service.values("depends_on"))
    is_optional = any((d := other.below(needed)) and d.below("required") for other in others)
    return {"required": True} if is_optional else {}
