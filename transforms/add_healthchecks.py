"""Add health checks that work with what is in the image.

For known images the check comes from the catalogue, by version, flavour and settings of the
service. For images that the project builds it is made from the Dockerfile (base image, installed
programs, `EXPOSE`, `CMD`), the ports, and what the source says: a route for this purpose is asked
where one is found, else whether the server answers. A check whose program is not in the image is
never written: where nothing in the image can ask, the reason is said, with what to add. Where the
Dockerfile is not in the project, the check runs in any image with busybox or bash, and the plan
says so. Services that have a check, that bring one in their image, or that do one thing and end,
are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_mappings
from composerefactor.compose.project import Project
from composerefactor.compose.services import Definition, StartModel, start_models
from composerefactor.edit.operations import AddKey
from composerefactor.images.catalog import Catalog, load
from composerefactor.images.entries import sureness
from composerefactor.images.health.built import Answer, NoPossibleCheck, ProposedCheck
from composerefactor.images.health.check import healthcheck_for
from composerefactor.images.health.usage import usage
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer
from composerefactor.transforms._attribute import ReachedService, having, healthcheck_value
from composerefactor.yaml.nodes import MappingNode, path_of


@dataclass(frozen=True, slots=True)
class Options:
    """*catalog* has what is known about images."""

    catalog: Catalog = field(default_factory=load)


@fixer(Options, after=("add-missing-services",), unsafe=True)
def add_healthchecks(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service that lacks a health check, or why it can get none.

    One that several services merge is written once where it fits them all; else those that merge it
    get their own, which hides it from them.
    """
    destinations = list(_homes(start_models(project)))
    destinations.sort(key=lambda home: -len(home.reached))  # stable: else in the order of the text
    answers = {
        reached.key: healthcheck_for(
            project,
            reached.model,
            usage(project, reached.model, reached.service),
            options.catalog,
        )
        for home in destinations
        for reached in home.reached
    }
    covered: set[tuple[int, str]] = set()
    found: list[Change | Refusal] = []
    waiting: list[_Home] = []
    for home in destinations:
        planned = _planned(home, answers, covered)
        if isinstance(planned, Refusal) and len(home.reached) > 1:
            waiting.insert(0, home)
        elif planned is not None:
            found.append(planned)
    for home in waiting:
        planned = _planned(home, answers, covered)
        if planned is not None:
            found.append(planned)
    yield from sorted(found, key=lambda each: (each.location.path, each.location.line))


class _Home(Struct, frozen=True):
    """A mapping in which a health check can stand, for the service *name* and all *reached*."""

    name: str
    file: ComposeFile
    mapping: MappingNode
    reached: tuple[ReachedService, ...]


def _homes(every: list[StartModel]) -> Iterator[_Home]:
    done: set[int] = set()
    for model in every:
        for name, service in model.services.items():
            definition = _home(service.definitions)
            mapping = next(iter(merged_mappings(definition.body)), None)
            if mapping is None or id(mapping) in done or definition.file.path.startswith("../"):
                continue
            done.add(id(mapping))
            yield _Home(name, definition.file, mapping, tuple(having(every, mapping)))


def _home(definitions: tuple[Definition, ...]) -> Definition:
    """Return the definition that a health check belongs to: the first that has the image."""
    own = [d for d in definitions if not d.inherited] or list(definitions)
    return next((d for d in own if _has_image(d)), own[0])


def _has_image(definition: Definition) -> bool:
    return any(
        mapping.entry(key) is not None
        for mapping in merged_mappings(definition.body)
        for key in ("image", "build")
    )


def _planned(
    home: _Home, answers: dict[tuple[int, str], Answer], covered: set[tuple[int, str]]
) -> Change | Refusal | None:
    """Return what is to be written at *home* for those that are not *covered*, and cover them."""
    name, file = home.name, home.file
    at = file.location_of("services", name)
    reached = [each for each in home.reached if each.key not in covered]
    proposed = next((a for r in reached if isinstance(a := answers[r.key], ProposedCheck)), None)
    if proposed is None:
        impossible = next(
            (a for r in reached if isinstance(a := answers[r.key], NoPossibleCheck)), None
        )
        if impossible is None:
            return None
        return Refusal(f"{name}: no health check: {impossible.reason}", at, impossible.remedy)
    conflict = _conflict(name, reached, answers)
    path = path_of(file.root, home.mapping)
    if conflict or path is None:
        reason = conflict or "it is written where nothing can be added"
        return Refusal(f"{name}: no health check: {reason}", at, "write it by hand")
    covered.update(each.key for each in reached)
    names = sorted({each.service.name for each in reached})
    effects = [Effect(("services", each, "healthcheck"), "adds") for each in names]
    if path[0] != "services":
        effects.append(Effect((str(path[0]), "healthcheck"), "adds"))
    check = healthcheck_value(proposed.test, proposed.times)
    return Change(
        title=_title(name, names),
        location=at,
        edits=[AddKey(file.path, path, "healthcheck", check, SERVICE_ORDER)],
        effects=effects,
        evidence=_evidence(proposed),
    )


def _conflict(
    name: str, reached: list[ReachedService], answers: dict[tuple[int, str], Answer]
) -> str | None:
    """Return why one check cannot stand for all that it would reach."""
    found = [answers[each.key] for each in reached]
    tests = {answer.test for answer in found if isinstance(answer, ProposedCheck)}
    for each, answer in zip(reached, found, strict=True):
        other, where = each.service.name, " + ".join(each.model.entry.files)
        declared = each.service.value("healthcheck")
        if declared is not None:
            return f"it would be merged into the one at {declared.location}"
        if not isinstance(answer, ProposedCheck):
            return f"it would reach {other} in {where} as well; there {answer.reason}"
        if len(tests) > 1:
            return f"what fits {name} does not fit all that it would reach, as {other} in {where}"
    return None


def _title(name: str, names: list[str]) -> str:
    others = [each for each in names if each != name]
    also = f"; it reaches {', '.join(others)} too" if others else ""
    return f"{name} has no health check{also}"


def _evidence(proposed: ProposedCheck) -> str:
    note = f"; {proposed.note}" if proposed.note else ""
    return f"{proposed.evidence} ({sureness(proposed.verified)}){note}"
