"""Reports of projects on disk, facts of projects as text, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from composerefactor.analysis.analysis import analyse_project, open_for_analysis
from composerefactor.analysis.facts.architecture import InvocationFacts, survey
from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.planning.opening import ProjectSelection
from composerefactor.report.html.page import analysis_html
from support.commandline import write
from support.largeproject import large_project
from support.memory import Memory

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TODAY = date(2026, 11, 30)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def report(root: Path) -> str:
    """Return the report on the project in *root*."""
    opened = open_for_analysis(ProjectSelection(root, (), (), (), {}))
    return analysis_html(analyse_project(opened), TODAY)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on a project of 60 services, as a file."""
    root = write(tmp_path_factory.mktemp("large"), {"shop/compose.yaml": large_project()})
    return write(root, {"report.html": report(root / "shop")}) / "report.html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one, or without playwright, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright is installed")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is here (Debian: chromium)")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=found, args=as_root)
        yield started
        started.close()


@pytest.fixture
def entry() -> Callable[[str], InvocationFacts]:
    def survey_of(text: str) -> InvocationFacts:
        project = load_project(
            [Invocation(("compose.yaml",))], Library(Memory({"compose.yaml": text}))
        )
        main = survey(project, "shop").main
        assert main is not None
        return main

    return survey_of
