"""Reports of projects on disk, and a browser to open them with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from composerefactor.analysis.analysis import analyse_project, open_for_analysis
from composerefactor.planning.opening import Choice
from composerefactor.report.html.page import analysis_html
from support.commandline import write
from support.largeproject import large_project

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def report(root: Path) -> str:
    """Return the report on the project in *root*."""
    opened = open_for_analysis(Choice(root, (), (), (), {}))
    return analysis_html(analyse_project(opened, frozenset(), None))


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
