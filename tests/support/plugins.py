"""Distributions that bring a plug-in."""

from __future__ import annotations

from pathlib import Path

from composerefactor.analysis.analysis import all_rules
from composerefactor.planning.readers import readers
from composerefactor.planning.registry import fixers, rule_names, transforms
from composerefactor.plugins import installed_lists


def distribution(directory: Path, group: str, name: str, value: str) -> None:
    """Write what an installed distribution has that names *value* as *name* in *group*."""
    info = directory / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")


def forget_plugins() -> None:
    """Have what is installed looked for once more."""
    for found in (installed_lists, transforms, fixers, readers, rule_names, all_rules):
        found.cache_clear()
