"""The analysis of a directory: opening, facts, settings, and what an engine says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from composerefactor.analysis.analysis import Analysis, analyse
from composerefactor.analysis.registry import checks
from composerefactor.architecture.architecture import survey
from composerefactor.errors import InputError
from composerefactor.findings.finding import Finding
from composerefactor.proposal.opening import Choice, Opened, open_project
from composerefactor.settings.settings import Settings

if TYPE_CHECKING:
    from composerefactor.verify.engine import Engine


def open_for_analysis(choice: Choice) -> Opened:
    """Open the project that *choice* names, also one that Docker Compose rejects.

    Raises InputError where there is no Compose file.
    """
    return open_project(choice, repairable=True, partial=True)


def analyse_project(
    opened: Opened, baseline: frozenset[str] = frozenset(), engine: Engine | None = None
) -> Analysis:
    """Return the analysis of what is *opened*, with what *engine* rejects where one is given.

    *baseline* has the fingerprints of findings that are known. Raises InputError for settings that
    name a rule that there is not.
    """
    settings = opened.settings
    _check_rules(settings, settings.analyze.skip)
    rejected: list[Finding] = []
    if engine is not None:
        from composerefactor.analysis.engine import rejections  # noqa: PLC0415 - see cli/__init__.py

        rejected = rejections(opened, engine)
    return analyse(
        survey(opened.project, opened.root.name, settings.catalog),
        settings.ignore,
        baseline,
        skip=frozenset(settings.analyze.skip),
        found_by_engine=rejected,
    )


def _check_rules(settings: Settings, names: Iterable[str]) -> None:
    for name in names:
        if name not in checks():
            raise InputError(
                f"no rule is called {name!r}",
                location=settings.location("analyze", "skip"),
                remedy="there are: " + ", ".join(checks()),
            )
