"""The section about logs, metrics, traces, alerts and dashboards."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.observability import observations, observers, scrapes
from composerefactor.errors import enumerated, first_of
from composerefactor.images.environments import PURPOSES
from composerefactor.report.analysis.model import Row, Section, Table, TextBlock, merged

_NONE = "-"
_MOST_NAMED = 8


def observability(architecture: Architecture) -> Section:
    """Return the section about who observes the services, and what is missing."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in observations(architecture.project, entry):
            yield (
                each.kind.capitalize(),
                ", ".join(each.by) or "nobody",
                first_of(each.covered, _MOST_NAMED) or _NONE,
                first_of(each.uncovered, _MOST_NAMED) or _NONE,
                each.retention or _NONE,
                each.next_step or _NONE,
            )

    columns, all_rows = merged(
        architecture, ("What", "By", "Services", "Not", "Retention", "Next step"), rows
    )
    metric_columns, metric_rows = merged(
        architecture,
        ("Service", "Metrics", "Collected by"),
        functools.partial(_metrics, architecture),
    )
    parts = (
        Table(columns, tuple(all_rows)),
        TextBlock(tuple(_elsewhere(architecture))),
        Table(metric_columns, tuple(metric_rows), "Metrics of applications and data stores"),
    )
    return Section("observability", "Observability", parts, empty="There are no services.")


def _elsewhere(architecture: Architecture) -> Iterator[str]:
    """Yield which start commands observe their services, if others do not."""
    with_observers: dict[str, list[str]] = {}
    without: list[str] = []
    for entry in architecture.entries:
        found = observers(architecture.project, entry)
        names = [each.service.name for each in found if each.observes]
        if names:
            with_observers[_titled(architecture, entry)] = names
        elif any(each.counts_as == "applications" for each in entry.services):
            without.append(_titled(architecture, entry))
    if with_observers and without:
        have = "; ".join(
            f"{title} has {enumerated(names, _MOST_NAMED)}"
            for title, names in with_observers.items()
        )
        yield f"{have}. Without any: {', '.join(without)}."


def _titled(architecture: Architecture, entry: InvocationFacts) -> str:
    """Return the files of *entry*, with what they are for."""
    last = entry.invocation.files[-1] if entry.invocation.files else ""
    environment = architecture.file_environments.get(last)
    purpose = f" ({PURPOSES[environment.kind]})" if environment is not None else ""
    return f"`{entry.title}`{purpose}"


def _metrics(architecture: Architecture, entry: InvocationFacts) -> Iterator[Row]:
    """Yield what is collected of each service; nothing if no configuration can be read."""
    found = {
        (each.service, f"{f':{each.port}' if each.port else ''}{each.path}"): observer.service.name
        for observer in observers(architecture.project, entry)
        for each in scrapes(entry, observer)
        if each.service
    }
    for service in entry.services if found else ():
        own = [
            (path, collector) for (name, path), collector in found.items() if name == service.name
        ]
        if own or service.counts_as != "infrastructure":
            for path, collector in own or [("nothing is collected", _NONE)]:
                yield service.name, path, collector
