"""The generated page is what the code says now."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

from composerefactor.planning.settings import load_settings

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "reference.py"


def test_the_page_on_transforms_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    page = (ROOT / "docs" / "transforms.md").read_text(encoding="utf-8")
    assert page == script["page"](), "`make docs` writes it anew"


def test_the_page_on_rules_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert page == script["rules_page"](), "`make docs` writes it anew"


def test_the_page_on_readers_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    page = (ROOT / "docs" / "readers.md").read_text(encoding="utf-8")
    assert page == script["readers_page"](), "`make docs` writes it anew"


def test_the_page_on_settings_is_up_to_date_and_its_example_is_valid() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == script["settings_page"](), "`make docs` writes it anew"
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert load_settings(example.encode()).analyze.fail_on == "high"


def test_the_page_on_commands_is_up_to_date() -> None:
    # In a process of its own: a command keeps the help option of the first context that asks.
    script = f"import runpy; print(runpy.run_path({str(SCRIPT)!r})['commands_page'](), end='')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    page = (ROOT / "docs" / "commands.md").read_bytes()
    assert page == done.stdout, "`make docs` writes it anew"
