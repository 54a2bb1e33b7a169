"""``composerefactor explain``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from composerefactor.analysis.analysis import open_for_analysis
from composerefactor.analysis.explanation import Explanation, explain, lines_of
from composerefactor.cli.completion import service_keys, service_names
from composerefactor.cli.options import (
    GroupedCommand,
    OutputOptions,
    ProjectOptions,
    examples,
    output_options,
    project_options,
)
from composerefactor.cli.terminal import columns, deliver
from composerefactor.compose.attributes import SERVICE, SERVICE_ORDER, find_attribute
from composerefactor.compose.masking import Masking
from composerefactor.compose.services import StartModel, start_models
from composerefactor.errors import Location, UsageError, did_you_mean
from composerefactor.images.credentials import literal_credentials
from composerefactor.planning.opening import OpenProject
from composerefactor.report.explanation import (
    explanation_document,
    explanation_text,
    services_document,
    services_text,
)
from composerefactor.report.text import json_text, masked_text, shown_line


@click.command(
    "explain",
    cls=GroupedCommand,
    epilog=examples(
        ("composerefactor explain", "List the services."),
        ("composerefactor explain api", "Show every line of the service with its file and line."),
        ("composerefactor explain api environment.DATABASE_URL", "Show where one key is set."),
        ("composerefactor explain api -f compose.yaml -f prod.yaml", "Show one start command."),
    ),
)
@click.argument("service", default="", shell_complete=service_names)
@click.argument("key", default="", shell_complete=service_keys)
@project_options
@output_options("text", "json")
def command(service: str, key: str, project: ProjectOptions, options: OutputOptions) -> int:
    """Show where each line of SERVICE is set, in the project in the current directory.

    SERVICE is shown as Docker Compose resolves it, over override files, include, extends, anchors,
    env files and defaults of variables. Each line has the file and line that decides it, and the
    values that it overrides. KEY limits this to a key, such as `environment.TZ`, or just `TZ`.
    Start commands in which the service differs follow, and then what uses it. Without SERVICE, all
    services are listed with their places. Nothing is run; secrets are masked.
    """
    opened = open_for_analysis(project.selection(Path()))
    masking = _masking(opened)
    if not service:
        places = _places(opened)
        if options.output_format == "json":
            text = json_text(masking.document(services_document(places)))
        else:
            text = masked_text(services_text(places), masking)
        deliver(text, options.output)
        return 0
    explanations = _explanations(opened, service, masking)
    if key and not any(lines_of(each, key) for each in explanations):
        _check_key(key, explanations)
        deliver(f"{shown_line(f'no file sets {key} of {service}')}\n", options.output)
        return 0
    explanations = [each for each in explanations if not key or lines_of(each, key)]
    if options.output_format == "json":
        text = json_text(masking.document(explanation_document(explanations, key)))
    else:
        width = columns(options.output)
        lines = explanation_text(explanations, key, options.style, width, verbose=options.verbose)
        text = masked_text(lines, masking)
    deliver(text, options.output)
    return 0


def _masking(opened: OpenProject) -> Masking:
    """Return the masking of the project, of the credentials in its files too."""
    credentials = literal_credentials(start_models(opened.project))
    return opened.masking | Masking(each.value for each in credentials)


def _models(opened: OpenProject) -> list[StartModel]:
    """Return the services of each start command that can be read, the default one first.

    Raises the error of the project if there is none.
    """
    models = start_models(opened.project)
    if not models:
        raise opened.masking.error(next(iter(opened.project.errors.values())))
    return sorted(models, key=lambda model: not model.entry.implicit)


def _places(opened: OpenProject) -> dict[str, list[Location]]:
    """Return the places that define each service, in all start commands."""
    places: dict[str, dict[Location, None]] = {}
    for model in _models(opened):
        for name, service in model.services.items():
            found = (each.file.location_of("services", name) for each in service.own_definitions)
            places.setdefault(name, {}).update(dict.fromkeys(found))
    return {name: list(found) for name, found in places.items()}


def _explanations(opened: OpenProject, service: str, masking: Masking) -> list[Explanation]:
    """Return the service in each start command that has it, the default start command first.

    Raises UsageError if none has the service.
    """
    project = opened.project
    models = _models(opened)
    having = [model for model in models if service in model.services]
    if not having:
        names = dict.fromkeys(name for model in models for name in model.services)
        raise UsageError(
            f"unknown service {service!r}",
            remedy=did_you_mean(service, names, "choose from", most=30),
        )
    return [explain(project, model, service, os.environ, masking) for model in having]


def _check_key(key: str, explanations: Iterable[Explanation]) -> None:
    """Raise UsageError if *key* is no attribute of Compose either."""
    if find_attribute(SERVICE, tuple(key.split("."))) is not None:
        return
    known = dict.fromkeys(
        name
        for each in explanations
        for line in each.lines
        for name in (line.key, str(line.path[-1]))
    )
    names = [*known, *SERVICE_ORDER]
    raise UsageError(f"unknown key {key!r}", remedy=did_you_mean(key, names, most=0))
