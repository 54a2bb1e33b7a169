"""Add health checks that can run in the image.

For known images the check comes from the image catalog, by version, flavour and settings of the
service. For images that the project builds it is derived from the Dockerfile (base image, installed
programs, `EXPOSE`, `CMD`), the ports and the source code: it requests a health route if the source
has one; otherwise it checks that the server answers. A check never uses a program that the image
does not contain: if no suitable program is there, the service is skipped with a remedy. If the
Dockerfile is not in the project, the check runs in any image with busybox or bash, and is a guess.
So is one of a cluster in Swarm whose containers find each other by the name of the service.
Services with a check of their own or in their image, and one-off services, are left alone.

Where most checks of a file have the same interval, timeout and retries, new ones get these, unless
they would fail sooner than the image needs. With `align`, checks that are there get them, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.definitions import Definition
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import HealthCheck
from composerefactor.compose.services import Service, StartModel, services_in, start_models
from composerefactor.compose.sizes import seconds
from composerefactor.confidence import least_certain
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.edit.operations import AddKey, Replace
from composerefactor.edit.rendering import Value
from composerefactor.errors import enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.images.entries import DEFAULT_TIMES, Times, most_usual
from composerefactor.images.health.built import Answer, NoPossibleCheck, ProposedCheck
from composerefactor.images.health.check import healthcheck_for
from composerefactor.images.health.usage import usage
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._attribute import MergedServices, ReachedService, healthcheck_value
from composerefactor.yaml.nodes import MappingNode, node_at, path_of
from composerefactor.yaml.values import merged_mappings

_TIMES_ORDER = ("test", "interval", "timeout", "retries", "start_period")
_PAGE = re.compile(r"https?://[^/\s]+(/[\w./-]*\w)")
_ASKS = re.compile(r"https?://|HTTP/|HTTPConnection|http\.")
_CONNECTS = re.compile(r"/dev/tcp/|\bnc -z|connect\(|create_connection|fsockopen|TCPSocket")


@dataclass(frozen=True, slots=True)
class Options:
    """The option of the transform."""

    align: bool = option(
        default=False,
        help="Give existing checks the interval, timeout and retries of most checks of their file, "
        "unless a comment is about them, or they would fail sooner.",
    )


@fixer(
    Options,
    after=("add-missing-services",),
    unsafe=True,
    purpose="availability",
    cause="Docker cannot tell whether the service can be used",
)
def add_healthchecks(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change, or a refusal, for each service without a health check.

    A mapping that several services merge gets one check if it fits all of them. Otherwise each of
    these services gets its own, which takes precedence over that of the mapping.
    """
    models = start_models(project)
    usual_times = cache(_usual_times)
    all_places = list(_places(models))
    all_places.sort(key=lambda place: -len(place.reached))  # stable: keeps the order of the text
    answers = {
        reached.key: _unless_it_finds_itself(
            project,
            reached.service,
            healthcheck_for(
                project,
                reached.model,
                usage(project, reached.model, reached.service),
                catalog_of(project),
            ),
        )
        for place in all_places
        for reached in place.reached
    }
    covered: set[tuple[int, str]] = set()
    outcomes: list[Change | Refusal] = []
    postponed: list[_Place] = []
    for place in all_places:
        outcome = _plan_place(place, answers, covered, usual_times(place.file))
        if isinstance(outcome, Refusal) and len(place.reached) > 1:
            postponed.insert(0, place)
        elif outcome is not None:
            outcomes.append(outcome)
    for place in postponed:
        outcome = _plan_place(place, answers, covered, usual_times(place.file))
        if outcome is not None:
            outcomes.append(outcome)
    for file in project.own_files.values() if options.align else ():
        usual = usual_times(file)
        outcomes += _alignments(file, usual) if usual is not None else ()
    yield from sorted(outcomes, key=lambda o: (o.location.path, o.location.line))


def _unless_it_finds_itself(project: Project, service: Service, answer: Answer) -> Answer:
    """Return *answer*, as a guess where the containers of *service* find each other by its name.

    Swarm resolves the name of a service to the containers that are healthy, so a cluster that is
    healthy once it is complete never gets there.
    """
    own = {definition.file.path for definition in service.own_definitions}
    protected = (project.protected_files.get(path) for path in own)
    if not isinstance(answer, ProposedCheck) or not any(
        each is not None and each.reader == STACK_DEPLOY for each in protected
    ):
        return answer
    itself = re.compile(rf"(?<![\w.-])(?:tasks\.)?{re.escape(service.name)}(?![\w-])")
    if not any(itself.search(setting.value or "") for setting in service.settings.values()):
        return answer
    note = f"in a swarm the name {service.name} leads to healthy containers only"
    return replace(answer, confidence="guess", note=note)


class _Place(Struct, frozen=True):
    """A mapping to which a health check can be added.

    Attributes:
        name: The service whose definition it is.
        file: The file that contains it.
        mapping: The mapping.
        reached: All services that would get the health check.
    """

    name: str
    file: ComposeFile
    mapping: MappingNode
    reached: tuple[ReachedService, ...]


def _places(models: list[StartModel]) -> Iterator[_Place]:
    """Yield the mapping of each service to which a health check belongs, each mapping once."""
    merged = MergedServices(models)
    done: set[int] = set()
    for model in models:
        for name, service in model.services.items():
            definition = _definition_with_image(service)
            mapping = next(iter(merged_mappings(definition.body)), None)
            if mapping is None or id(mapping) in done:
                continue
            done.add(id(mapping))
            yield _Place(name, definition.file, mapping, merged.of(mapping))


def _definition_with_image(service: Service) -> Definition:
    """Return the definition to which a health check belongs: the first with an image or a build."""
    own = service.own_definitions or service.definitions
    return next((d for d in own if _has_image(d)), own[0])


def _has_image(definition: Definition) -> bool:
    return any(
        mapping.entry(key) is not None
        for mapping in merged_mappings(definition.body)
        for key in ("image", "build")
    )


def _plan_place(
    place: _Place,
    answers: dict[tuple[int, str], Answer],
    covered: set[tuple[int, str]],
    usual: Times | None,
) -> Change | Refusal | None:
    """Return the change at *place* for the services not yet *covered*, and add them to *covered*.

    *usual* are the times of most checks of the file. A refusal if no check can run, or one check
    does not fit all; None if none is needed.
    """
    name, file = place.name, place.file
    location = file.location_of("services", name)
    reached = [each for each in place.reached if each.key not in covered]
    proposed = next((a for r in reached if isinstance(a := answers[r.key], ProposedCheck)), None)
    if proposed is None:
        impossible = next(
            (a for r in reached if isinstance(a := answers[r.key], NoPossibleCheck)), None
        )
        if impossible is None:
            return None
        return Refusal(
            f"{name}: no health check added: {impossible.reason}", location, impossible.remedy
        )
    conflict = _conflict(name, reached, answers)
    path = path_of(file.root, place.mapping)
    if conflict or path is None:
        reason = conflict or "nothing can be added where it is defined"
        return Refusal(f"{name}: no health check added: {reason}", location, "add it by hand")
    covered.update(each.key for each in reached)
    names = sorted({each.service.name for each in reached})
    effects = [Effect(("services", each, "healthcheck"), "adds") for each in names]
    if path[0] != "services":
        effects.append(Effect((str(path[0]), "healthcheck"), "adds"))
    times = proposed.times
    if usual is not None and not _is_sooner(usual, times):
        times = replace(usual, start_period=times.start_period)
    check = healthcheck_value(proposed.test, times)
    return Change(
        title=_title(name, names),
        location=location,
        edits=[AddKey(file.path, path, "healthcheck", check, SERVICE_ORDER, _reason(proposed))],
        effects=effects,
        evidence=f"{proposed.evidence}; {proposed.note}" if proposed.note else proposed.evidence,
        confidence=least_certain(
            *(a.confidence for r in reached if isinstance(a := answers[r.key], ProposedCheck))
        ),
    )


_LONGEST_SPAN = 300.0
"""Seconds in which a service may fail: times with more are for one that starts slowly."""


def _usual_times(file: ComposeFile) -> Times | None:
    """Return the times of most health checks of *file*, None if they have none in common."""
    checks = (service.healthcheck for service in services_in(file).values())
    present = [check.value for check in checks if check is not None and not check.value.is_off]
    times = most_usual([each for each in map(_times, present) if each is not None])
    if times is None or (seconds(times.interval) or 0) * times.retries > _LONGEST_SPAN:
        return None
    return times


def _times(check: HealthCheck) -> Times | None:
    """Return the times of *check*, with the defaults; None if a variable sets one."""
    interval, timeout, retries = (
        getattr(check, key) or text for key, text in DEFAULT_TIMES.items()
    )
    is_known = seconds(interval) is not None and seconds(timeout) is not None
    return Times(interval, timeout, int(retries), "") if is_known and retries.isdecimal() else None


def _is_sooner(times: Times, other: Times) -> bool:
    """Return whether a service is unhealthy sooner with *times* than with *other*."""
    span, timeout = (seconds(times.interval) or 0) * times.retries, seconds(times.timeout) or 0
    other_span = (seconds(other.interval) or 0) * other.retries
    return span < other_span or timeout < (seconds(other.timeout) or 0)


def _alignments(file: ComposeFile, usual: Times) -> Iterator[Change | Refusal]:
    """Yield the changes that give the checks of *file* the *usual* times, and what stays."""
    for name, service in services_in(file).items():
        check = service.healthcheck
        path = ("services", name, "healthcheck")
        node = node_at(file.root, path)
        if check is None or check.value.is_off or not isinstance(node, MappingNode):
            continue
        times = _times(check.value)
        new: dict[str, Value] = {key: getattr(usual, key) for key in DEFAULT_TIMES}
        if times is None or times == usual:
            continue
        why = _reason_against(file, node, times, usual)
        if why:
            yield Refusal(f"{name}: times of its health check not changed: {why}", check.location)
            continue
        edits = [
            AddKey(file.path, path, key, value, _TIMES_ORDER)
            if node.entry(key) is None
            else Replace(file.path, (*path, key), value)
            for key, value in new.items()
            if (getattr(check.value, key) or DEFAULT_TIMES[key]) != str(value)
        ]
        yield Change(
            f"Give the health check of {name} the times of the others: every {usual.interval}, "
            f"timeout {usual.timeout}, {usual.retries} retries",
            check.location,
            edits,
            [Effect(path, "changes")],
            evidence=f"most checks of {file.path} have them",
            confidence="likely",
        )


def _reason_against(file: ComposeFile, node: MappingNode, times: Times, usual: Times) -> str:
    """Return why the check *node* with *times* does not get the *usual* ones, or ``""``."""
    if node.anchor or any(entry.is_merge for entry in node.entries):
        return "other services share it"
    source = file.source
    key = source.line_start(source.line_start(node.outer_start) - 1)
    lines = source.text[key : node.end].splitlines()
    is_below_comment = source.line(key - 1).lstrip().startswith("#")
    if is_below_comment or any(re.search(r"(?:^|\s)#", line) for line in lines):
        return "a comment is about it"
    if _is_sooner(usual, times):
        return "it would fail sooner"
    return ""


def _reason(check: ProposedCheck) -> str:
    """Return when *check* passes, as a comment."""
    text = " ".join(check.test)
    page = _PAGE.search(text)
    if check.passes:
        return check.passes
    if page is not None:
        return f"It is healthy once {page[1]} answers with success."
    if _ASKS.search(text):
        return "It is healthy once it answers requests."
    if _CONNECTS.search(text):
        return "It is healthy once it accepts connections."
    return "It is healthy once its own client gets an answer."


def _conflict(
    name: str, reached: list[ReachedService], answers: dict[tuple[int, str], Answer]
) -> str | None:
    """Return why one check does not fit all *reached* services, or None."""
    checks = [answers[each.key] for each in reached]
    tests = {answer.test for answer in checks if isinstance(answer, ProposedCheck)}
    for each, answer in zip(reached, checks, strict=True):
        other, where = each.service.name, " + ".join(each.model.entry.files)
        declared = each.service.healthcheck
        if declared is not None:
            return f"it would be merged into the one at {declared.at.location}"
        if not isinstance(answer, ProposedCheck):
            who = "" if other == name else f"{other} would get it as well: "
            return f"{who}if started with {where}, {answer.reason}"
        if len(tests) > 1:
            return (
                f"the check for {name} does not fit {other} in {where}, which would get it as well"
            )
    return None


def _title(name: str, names: list[str]) -> str:
    return f"Add a health check to {enumerated([name, *(n for n in names if n != name)])}"
