"""The form of files, what they define, how often, and how that refers to each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, fixer_occurrences, rule
from composerefactor.compose.dependencies import service_references
from composerefactor.compose.files import RESOURCE_SECTIONS, SECTION_NOUNS, ComposeFile
from composerefactor.compose.resources import is_only_part_of_another
from composerefactor.compose.services import StartModel
from composerefactor.errors import Location, first_of
from composerefactor.images.starters import missing_resources, missing_services
from composerefactor.transforms.drop_version import drop_version
from composerefactor.transforms.fix_schema import fix_schema
from composerefactor.transforms.modernize import modernize
from composerefactor.yaml.nodes import MappingNode, SequenceNode, own_entries


@rule(Severity.HIGH, "validity")
def no_image_or_build(architecture: Architecture) -> Iterator[Occurrence]:
    """A service has neither an image nor a build.

    Docker Compose rejects it.
    """
    for entry in architecture.certain:
        if missing_services(entry.model):
            continue
        for service in entry.services:
            if not service.image and service.build is None and not service.is_provider:
                yield Occurrence(
                    f"{service.name} has neither image nor build",
                    service.location,
                    service.name,
                    remedy="add an image or a build",
                )


@rule(Severity.HIGH, "validity", transform="add-missing-services")
def undefined_service(architecture: Architecture) -> Iterator[Occurrence]:
    """A service refers to an undefined service.

    Docker Compose rejects the whole project. Where the image catalog knows the service,
    `composerefactor fix` adds it with its image, data volume and health check.
    """
    for entry in architecture.certain:
        for missing in missing_services(entry.model):
            first = missing.references[0]
            callers = dict.fromkeys(reference.caller for reference in missing.references)
            verb = "refers" if len(callers) == 1 else "refer"
            yield Occurrence(
                f'{", ".join(callers)} {verb} to undefined service "{missing.name}"',
                first.hint.location,
                first.caller,
                missing.name,
            )


@rule(Severity.HIGH, "validity", transform="declare-networks")
def undefined_resource(architecture: Architecture) -> Iterator[Occurrence]:
    """A service refers to an undefined network, volume, secret or config.

    Docker Compose rejects the whole project ("refers to undefined network"). `composerefactor fix`
    declares networks and volumes.
    """
    models = [entry.model for entry in architecture.all_entries]
    for model in (entry.model for entry in architecture.certain):
        for section in RESOURCE_SECTIONS:
            noun = SECTION_NOUNS[section]
            for missing in missing_resources(model, section):
                if is_only_part_of_another(model, models, section, missing.name):
                    continue
                service, definition = missing.users[0]
                yield Occurrence(
                    f'{service} refers to undefined {noun} "{missing.name}"',
                    _location(model, service, section, missing.name)
                    or definition.file.location_of("services", service),
                    service,
                    f"{section}.{missing.name}",
                    "" if noun in {"network", "volume"} else f"declare it below '{section}:'",
                    is_fixable=noun in {"network", "volume"},
                )


def _location(model: StartModel, service: str, section: str, name: str) -> Location | None:
    """Return where *service* refers to the resource *name*, or None."""
    for value in model.services[service].values(section):
        entries = [*value.entries.items(), *((item.written or "", item) for item in value.items)]
        for text, item in entries:
            if text.partition(":")[0] == name:
                return item.location
    return None


@rule(Severity.LOW, "maintainability")
def unused_resource(architecture: Architecture) -> Iterator[Occurrence]:
    """A declared volume or network is not used.

    It misleads readers; Docker Compose does not create it.
    """
    declared: dict[tuple[str, str], Location] = {}
    used: set[tuple[str, str]] = set()
    for key, location, is_used in _declared(architecture):
        declared.setdefault(key, location)
        if is_used:
            used.add(key)
    unused = declared.keys() - used
    elsewhere = architecture.project.all_undefined() if unused else frozenset()
    for (noun, name), location in declared.items():
        if (noun, name) not in unused or name in elsewhere:
            continue
        if not _is_in_comment(architecture, location, name):
            yield Occurrence(
                f"the {noun} {name} is declared but not used",
                location,
                None,
                f"{noun} {name}",
                "remove it",
            )


def _declared(architecture: Architecture) -> Iterator[tuple[tuple[str, str], Location, bool]]:
    """Yield the declared volumes and networks of each start command, and whether it uses them."""
    for entry in architecture.all_entries:
        for volume in entry.volumes:
            if volume.kind == "volume" and volume.declared:
                yield ("volume", volume.name), volume.location, bool(volume.mounts)
        for network in entry.networks:
            if network.declared and network.name != "default":
                yield ("network", network.name), network.location, bool(network.members)


def _is_in_comment(architecture: Architecture, location: Location, name: str) -> bool:
    """Return whether a commented-out line of the file at *location* uses *name*."""
    file = architecture.project.files.get(location.path)
    use = re.compile(rf"\s*#+\s*-\s+[\"']?{re.escape(name)}(?:[:\"']|\s*$)")
    return file is not None and any(use.match(line) for line in file.source.text.splitlines())


@rule(Severity.LOW, "configuration")
def empty_profile(architecture: Architecture) -> Iterator[Occurrence]:
    """A service has an empty profile.

    It starts if no profile is chosen, and not with `--profile` of another one (observed: v5.6.1),
    which is neither what a service without profiles does nor one with a profile. A variable that
    may be empty is a switch for the service.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for profile in service.profiles:
                if not profile.value and "$" not in (profile.at.written or ""):
                    yield Occurrence(
                        f"{service.name} has an empty profile: it does not start with another one",
                        profile.location,
                        service.name,
                        remedy="remove it, or give the profile a name",
                    )


_SERVICES = 8
_LINES = 200
_VERY_LONG = 500
"""From so many lines on, nobody overlooks the file any more."""


@rule(Severity.LOW, "maintainability", transform="split")
def monolithic_file(architecture: Architecture) -> Iterator[Occurrence]:
    """One file defines many services.

    One module per service is easier to review and to own. `composerefactor split` moves the text
    without changing a character of it, and verifies that the resolved configuration stays equal.
    """
    for path, file in architecture.project.files.items():
        services, lines = len(file.services), len(file.source.line_starts)
        if (
            services >= _SERVICES
            and lines >= _LINES
            and path not in architecture.project.protected_files
            and not architecture.project.foreign_reason(path)
        ):
            yield Occurrence(
                f"{path} defines {services} services in {lines} lines",
                Location(path, 1),
                remedy="split it: composerefactor split",
                severity=Severity.MEDIUM if lines >= _VERY_LONG else None,
            )


_LEAST_LINES = 20
"""Fewer repeated lines are not reported."""
_MANY_LINES = 100


@rule(Severity.LOW, "maintainability", transform="split")
def repeated_services(architecture: Architecture) -> Iterator[Occurrence]:
    """Several files define the same services in full.

    A change in one file is easily forgotten in the others. `composerefactor split` defines the
    shared parts once, and keeps what each environment changes beside them.
    """
    for repetition in architecture.repetitions:
        if repetition.repeated < _LEAST_LINES:
            continue
        number, differences = len(repetition.services), repetition.differences
        yield Occurrence(
            f"{number} service{' is' if number == 1 else 's are'} defined "
            f"{repetition.definitions} times in "
            f"{len(repetition.files)} files: {repetition.repeated} of {repetition.lines} lines "
            f"are repeated",
            Location(repetition.files[0]),
            subject=" ".join(sorted(repetition.files)),
            remedy=f"compare {', '.join(repetition.files)}; they differ in "
            f"{differences} setting{'' if differences == 1 else 's'}",
            severity=Severity.MEDIUM if repetition.repeated >= _MANY_LINES else None,
        )


_LEAST_BLOCK = 3
"""Shorter blocks are not worth an anchor."""
_LEAST_COPIED_LINES = 15
"""Fewer repeated lines are not reported."""
_LARGE_SHARE = 0.15
_MAX_NAMED = 4
_NO_COPIES = frozenset({"extends", "depends_on"})
"""Keys that are about the service itself, even if the lines are the same."""


@rule(Severity.LOW, "maintainability", transform="share-anchors")
def copied_blocks(architecture: Architecture) -> Iterator[Occurrence]:
    """A file repeats the same blocks in several services.

    Who changes one copy easily forgets the others. An anchor, or a base service that the others
    extend, defines the block once.
    """
    for path, file in architecture.project.files.items():
        copies = list(_copies(file))
        lines = sum(count for _, count in copies)
        if lines < _LEAST_COPIED_LINES or path in architecture.project.protected_files:
            continue
        keys = first_of(list(dict.fromkeys(key for key, _ in copies)), _MAX_NAMED)
        is_large = lines >= len(file.source.line_starts) * _LARGE_SHARE
        yield Occurrence(
            f"{path} contains {lines} lines that copy blocks of other services ({keys})",
            Location(path, 1),
            severity=Severity.MEDIUM if is_large else None,
        )


def _copies(file: ComposeFile) -> Iterator[tuple[str, int]]:
    """Yield (key, number of lines) of the blocks that another service of *file* has before."""
    seen: set[tuple[str, ...]] = set()
    for body in file.services.values():
        for entry in own_entries(body):
            if entry.name in _NO_COPIES or not isinstance(entry.value, MappingNode | SequenceNode):
                continue
            written = file.source.text[entry.start : entry.value.end].splitlines()
            lines = tuple(line.strip() for line in written if line.strip())
            if len(lines) >= _LEAST_BLOCK and lines in seen:
                yield entry.name or "", len(lines)
            seen.add(lines)


@rule(Severity.HIGH, "validity")
def dependency_cycle(architecture: Architecture) -> Iterator[Occurrence]:
    """Services depend on each other in a cycle.

    Docker Compose rejects a cycle of depends_on, links, volumes_from and shared namespaces.
    """
    for entry in architecture.certain:
        for cycle in entry.dependencies.cycles:
            first = next(
                reference.hint
                for reference in service_references(entry.model)
                if (reference.caller, reference.name) == (cycle[0], cycle[1])
            )
            yield Occurrence(
                f"dependency cycle: {' -> '.join(cycle)}",
                first.location,
                cycle[0],
                " ".join(sorted(set(cycle))),
                "remove one of these dependencies",
            )


@rule(Severity.HIGH, "validity")
def unreadable_file(architecture: Architecture) -> Iterator[Occurrence]:
    """A Compose file cannot be read.

    It is missing, is not valid YAML, contains several YAML documents, or refers to a file that does
    not exist. Docker Compose accepts several documents, but composerefactor reads files with one.
    The other start commands are analyzed.
    """
    for entry, error in architecture.unread.items():
        location = error.location or Location(entry.root_file)
        # With a value for its variables, the path may lead to a file.
        severity = Severity.MEDIUM if "$" in error.message else None
        yield Occurrence(
            f"{entry.title} cannot be read: {architecture.masking.text(error.message)}",
            location,
            subject=error.message,
            remedy=error.remedy,
            severity=severity,
        )


@rule(Severity.HIGH, "validity", transform="fix-schema")
def invalid_key(architecture: Architecture) -> Iterator[Occurrence]:
    """Docker Compose rejects a key or value.

    Misspelt keys, keys that are written twice, numbers where text is required. `composerefactor
    fix` corrects those with one obvious meaning.
    """
    yield from fixer_occurrences(architecture, fix_schema, prefix="rejected by Docker Compose: ")


@rule(Severity.INFO, "maintainability", transform="modernize")
def legacy_form(architecture: Architecture) -> Iterator[Occurrence]:
    """A file uses an old form of the Compose format.

    `links`, `volumes_from`, `external: {name}` and the first format are supported for old files
    only. The current forms can express more, and all tools read them.
    """
    yield from fixer_occurrences(architecture, modernize)


@rule(Severity.INFO, "maintainability", transform="drop-version")
def obsolete_version(architecture: Architecture) -> Iterator[Occurrence]:
    """The top-level `version` is obsolete.

    Docker Compose ignores it and prints a warning with every command. Other programs, such as
    `docker stack deploy`, may need it: their files are left out.
    """
    protected = architecture.project.protected_files
    found = fixer_occurrences(architecture, drop_version)
    yield from (each for each in found if each.location.path not in protected)
