"""How the files are written: what Docker Compose or YAML reads in another way than it looks."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, fixer_occurrences, rule
from composerefactor.errors import Location
from composerefactor.images.lookup import removed_options
from composerefactor.transforms.drop_version import drop_version
from composerefactor.transforms.fix_interpolation import fix_interpolation
from composerefactor.transforms.fix_schema import fix_schema
from composerefactor.transforms.modernize import modernize
from composerefactor.transforms.quote_ports import quote_ports


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


@rule(Severity.HIGH, "reliability")
def removed_option(architecture: Architecture) -> Iterator[Occurrence]:
    """A server gets an option that its version no longer supports.

    It exits at once, with an error such as ``unknown variable``. A tag such as ``latest`` gets
    there by itself: MySQL knows ``--default-authentication-plugin`` up to 8.3 only.
    """
    for entry in architecture.entries:
        for service in entry.services:
            definition = entry.model.services[service.name]
            command = definition.command or definition.entrypoint
            for option, removed in removed_options(definition, entry.catalog):
                yield Occurrence(
                    f"{service.name} does not start: {service.image} does not know {option}",
                    command.location if command else service.location,
                    service.name,
                    option,
                    removed.remedy,
                )


@rule(Severity.LOW, "configuration", transform="quote-ports")
def ambiguous_port(architecture: Architecture) -> Iterator[Occurrence]:
    """A port without quotes is a number to some YAML readers.

    A reader of YAML 1.1 takes an unquoted `22:22` for a number in base 60: 1342. Docker Compose
    reads it as text; editors, linters and scripts may not.
    """
    yield from fixer_occurrences(architecture, quote_ports)


@rule(Severity.MEDIUM, "validity", transform="fix-interpolation")
def shell_interpolation(architecture: Architecture) -> Iterator[Occurrence]:
    """A value uses shell syntax that Docker Compose does not support.

    Compose expands `$X` and `${X}` with `:-`, `:?` and `:+`. It rejects `${X:=d}` and takes the
    command in `${X:-$(date)}` literally, so that the value is not what it seems to be.
    """
    yield from fixer_occurrences(architecture, fix_interpolation, with_title=True)
