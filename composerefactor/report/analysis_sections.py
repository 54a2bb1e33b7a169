"""The sections of an analysis: what stands in them, and in which order."""

from __future__ import annotations

from composerefactor.analysis.analysis import Analysis
from composerefactor.report import (
    sections_operation,
    sections_services,
    sections_summary,
    sections_variables,
)
from composerefactor.report.sections import Section


def sections(analysis: Analysis, *, with_details: bool = True) -> tuple[Section, ...]:
    """Return the sections of *analysis*, without secrets.

    *with_details* False leaves out those that list everything.
    """
    facts = analysis.architecture
    return (
        sections_summary.overview(analysis),
        sections_summary.rating(analysis),
        sections_summary.priorities(analysis),
        sections_services.inventory(facts),
        sections_services.topology(facts),
        sections_services.dependencies(facts),
        sections_services.health(facts),
        sections_services.volumes(facts),
        sections_services.ports(facts),
        sections_variables.variables(facts),
        *((sections_variables.containers(facts),) if with_details else ()),
        sections_services.resources(facts),
        sections_services.builds(facts),
        sections_variables.environments(facts),
        sections_operation.checklist(analysis),
        sections_operation.commands(analysis),
        *((sections_summary.findings(analysis),) if with_details else ()),
        sections_summary.unresolved(analysis),
    )
