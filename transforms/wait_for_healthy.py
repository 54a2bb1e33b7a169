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
uses it, or is its helper: that one may become healthy only when both have started. Existing
conditions are left as they are, and so is a list with a variable, since Docker Compose does not
replace variables in keys (observed: v2.24.1 to v5.6.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import name_words
from composerefactor.compose.image_references import repository_of
from composerefactor.compose.merge_keys import names_in
from composerefactor.compose.one_off import one_off, reason_it_may_exit
from composerefactor.compose.paths import is_outside
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.operations import ToMapping
from composerefactor.edit.rendering import Value
from composerefactor.images.catalog import Catalog, load_catalog, service_placement
from composerefactor.images.connections import connections
from composerefactor.images.health.check import reports_health
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer
from composerefactor.transforms._attribute import (
    MergedServices,
    ReachedService,
    join_names,
    written_entry,
)
from composerefactor.yaml.nodes import Entry, Path, SequenceNode, node_at, resolve

STARTED, HEALTHY, DONE = "service_started", "service_healthy", "service_completed_successfully"

_OBSERVERS = frozenset({"monitoring", "logging", "tracing", "tools"})
"""The categories of services that the others do not need, and that observe the others."""
_PROXY = "proxy"
_CLUSTER_STATE = re.compile(
    r"cluster[_ -](?:state|info|status|health)|rs\.(?:status|hello|isMaster)|isWritablePrimary"
    r"|ismaster|wsrep_|endpoint health|consul (?:members|info)|nodetool status",
    re.IGNORECASE,
)
"""In a health check: it asks for the state of the cluster, not of the node."""
_HELPERS = frozenset({"helper", "sidecar", "companion", "agent"})
"""Words in the name of a service that serves the one after which it is named."""
_FIRST_ROLES = frozenset({"primary", "master", "leader", "main", "source"})
"""Words in the name of the node that the others join."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform; *catalog* is the image catalog."""

    catalog: Catalog = field(default_factory=load_catalog)


@fixer(
    Options,
    after=("add-healthchecks",),
    unsafe=True,
    purpose="availability",
    cause="a service starts before those that it needs can be used",
)
def wait_for_healthy(project: Project, options: Options) -> Iterator[Change | Refusal]:
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
                outcome = _plan_entry(
                    project, merged, name, definition.file, *written, options.catalog
                )
                if outcome is not None:
                    yield outcome


def _plan_entry(
    project: Project,
    merged: MergedServices,
    name: str,
    file: ComposeFile,
    path: Path,
    entry: Entry,
    catalog: Catalog,
) -> Change | Refusal | None:
    """Return the change of the `depends_on` that *entry* is in the mapping at *path* of *file*.

    None if no dependency reports when it is ready; a refusal if the text cannot be changed.
    """
    mapping = node_at(file.root, path)
    needs = resolve(entry.value)
    if not isinstance(needs, SequenceNode) or mapping is None or is_outside(file.path):
        return None
    reached = [r for r in merged.of(mapping) if _uses_entry(r, entry)]
    conditions = {
        needed: _condition(project, reached, needed, catalog) for needed in names_in(needs)
    }
    waits = {n: condition for n, condition in conditions.items() if condition[0] != STARTED}
    if not waits:
        return None
    location = file.source.location(entry.start)
    variable = next((needed for needed in conditions if "$" in needed), None)
    if variable is not None:
        return Refusal(
            f"{name} starts before {join_names(list(waits))} can be used: {variable} has no "
            "condition, since Docker Compose does not replace variables in keys",
            location,
            f"name the service in place of {variable}",
        )
    problem = f"{name} starts before {join_names(list(waits))} can be used"
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
        title=f"Let {join_names([name, *others])} wait for {join_names(list(waits))}",
        location=location,
        edits=[ToMapping(file.path, (*path, "depends_on"), values)],
        effects=effects,
        evidence="; ".join(f"{needed}: {why}" for needed, (_, why) in waits.items()),
        confidence="verified" if DONE not in dict(conditions.values()) else "likely",
    )


def _uses_entry(reached: ReachedService, entry: Entry) -> bool:
    """Return whether the service gets its `depends_on` from *entry*, not from a nearer mapping."""
    written = written_entry(reached.definition.file, reached.definition.body, "depends_on")
    return written is not None and written[1] is entry


def _condition(
    project: Project, reached: list[ReachedService], needed: str, catalog: Catalog
) -> tuple[str, str]:
    """Return the condition for *needed* that is right in every start command, and why."""
    possible: set[tuple[str, str]] = set()
    for each in reached:
        model = each.model
        if needed not in model.services:
            continue
        if (
            _is_optional(model, each.service.name, needed)
            or _forms_cluster(model, each.service, model.services[needed])
            or _works_on(model, needed, each.service.name)
        ):
            possible.add((STARTED, ""))
            continue
        ends = one_off(model, needed)
        if ends is not None:
            possible.add((DONE, " and ".join(words for words, _ in ends.reasons)))
        elif reports_health(project, model, needed, catalog):
            possible.add((HEALTHY, "it has a health check"))
        else:
            possible.add((STARTED, ""))
    conditions = {condition for condition, _ in possible}
    return min(possible) if len(conditions) == 1 else (STARTED, "")


def _is_optional(model: StartModel, name: str, needed: str) -> bool:
    """Return whether *name* can work while *needed* is not healthy."""
    service, other = model.services[name], model.services[needed]
    category = service_placement(service).category
    other_category = service_placement(other).category
    if category in _OBSERVERS or other_category in {*_OBSERVERS, _PROXY}:
        return True
    if category == _PROXY and (len(service.depends_on) > 1 or _finds_services(service)):
        return True  # the other parts are to be reached while one of them is not healthy
    own_profiles = {profile.value for profile in service.profiles}
    return any(profile.value not in own_profiles for profile in other.profiles)


def _finds_services(service: Service) -> bool:
    """Return whether *service* reads from Docker which services there are, as Traefik does."""
    return any(volume.value.target.endswith("/docker.sock") for volume in service.volumes)


def _works_on(model: StartModel, needed: str, name: str) -> bool:
    """Return whether *needed* uses the service *name*, or is its helper."""
    own, words = name_words(name), name_words(needed)
    is_helper = words[: len(own)] == own and bool(_HELPERS.intersection(words[len(own) :]))
    return is_helper or any(
        connection.caller == needed and connection.callee == name
        for connection in connections(model)
    )


def _forms_cluster(model: StartModel, service: Service, needed: Service) -> bool:
    """Return whether *needed* may become healthy only after *service* has started.

    Two nodes of one data store are peers, unless the name of *needed* says that it is the first.
    """
    check = needed.healthcheck
    test = check.at.below("test") if check is not None else None
    asks_for_state = test is not None and any(
        _CLUSTER_STATE.search(word.written or "") for word in test.items
    )
    if asks_for_state and reason_it_may_exit(model, service.name):
        return True
    images = [each.image and repository_of(each.image.value) for each in (service, needed)]
    is_store = service_placement(needed).counts_as == "data stores"
    are_peers = is_store and images[0] is not None and images[0] == images[1]
    is_first = bool(_FIRST_ROLES.intersection(name_words(needed.name)))
    return are_peers and (asks_for_state or not is_first)


def _required(reached: list[ReachedService], needed: str) -> dict[str, Value]:
    """Return the key that keeps *needed* required if a file merged with this one makes it optional.

    A name in a list means ``required: true`` when it is merged (observed: v2.24.1 to v5.6.1).
    """
    others = (value for each in reached for value in each.service.values("depends_on"))
    is_optional = any((d := other.below(needed)) and d.below("required") for other in others)
    return {"required": True} if is_optional else {}
