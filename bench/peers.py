"""Counts what other linters find before and after ``composerefactor fix --unsafe``, as a table.

    python bench/peers.py --dclint PATH --compose-lint PATH --compose-harden PATH PROJECT...

Each PROJECT is a directory whose default Compose file is looked at; it is copied, and the copy is
mended. Counted are the findings of the categories that composerefactor mends, by rule.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

CATEGORIES = {
    "obsolete version": {"no-version-field"},
    "ports open to the world": {"no-unbound-port-interfaces", "CL-0005"},
    "no-new-privileges": {"CL-0003", "no_new_privileges"},
    "capabilities": {"CL-0006", "cap_drop"},
    "read-only file system": {"CL-0007", "read_only"},
    "credentials in the file": {"CL-0020", "CL-0021"},
    "resource limits": {"CL-0026"},
}
"""What composerefactor mends, with the rules of the other tools on it."""

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dclint", required=True)
    parser.add_argument("--compose-lint", required=True)
    parser.add_argument("--compose-harden", required=True)
    parser.add_argument("project", nargs="+", type=Path)
    chosen = parser.parse_args()
    tools = {
        "dclint": [chosen.dclint, "-f", "json"],
        "compose-lint": [chosen.compose_lint, "check", "--format", "json"],
        "compose-harden": [chosen.compose_harden, "scan", "--json"],
    }
    before: Counter[tuple[str, str]] = Counter()
    after: Counter[tuple[str, str]] = Counter()
    fix_plan = 0
    for project in chosen.project:
        with tempfile.TemporaryDirectory() as directory:
            copy = Path(directory, "project")
            shutil.copytree(project, copy, symlinks=True)
            file = next(copy / name for name in NAMES if (copy / name).is_file())
            first = counts(tools, file)
            done = subprocess.run(
                [sys.executable, "-m", "composerefactor", "fix", "--unsafe", "--yes", "-q", copy],
                check=False,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                print(f"{project.name}: {done.stderr.strip()}", file=sys.stderr)
                continue
            fix_plan += 1
            before += first
            after += counts(tools, file)
    print(f"{fix_plan} projects\n")
    print(f"| category | {' | '.join(tools)} |")
    print(f"| --- |{' ---: |' * len(tools)}")
    for category in CATEGORIES:
        cells = (f"{before[t, category]} -> {after[t, category]}" for t in tools)
        has = (t in {tool for tool, of in before if of == category} for t in tools)
        row = (cell if there else "" for cell, there in zip(cells, has, strict=True))
        print(f"| {category} | {' | '.join(row)} |")


def counts(tools: dict[str, list[str]], file: Path) -> Counter[tuple[str, str]]:
    """Return how many findings each tool has in *file*, by (tool, category)."""
    found: Counter[tuple[str, str]] = Counter()
    for tool, command in tools.items():
        for rule in rules_in(tool, output(command, file)):
            for category, rules in CATEGORIES.items():
                found[tool, category] += rule in rules
    return found


def output(command: Sequence[str], file: Path) -> Any:
    """Return what a linter prints on *file*; its exit code says only whether it found something."""
    with tempfile.TemporaryFile("w+") as out:  # dclint cuts off what it writes into a pipe
        subprocess.run([*command, file], check=False, stdout=out, stderr=subprocess.DEVNULL)
        out.seek(0)
        return json.load(out)


def rules_in(tool: str, found: Any) -> Iterator[str]:
    """Yield the rule of each finding in the output of *tool*."""
    if tool == "dclint":
        yield from (m["rule"] for file in found for m in file["messages"])
    elif tool == "compose-lint":
        yield from (f["rule_id"] for f in found["findings"] if not f["suppressed"])
    else:
        for checks in found["services"].values():
            yield from (check["check"] for check in checks if not check["passed"])


if __name__ == "__main__":
    main()
