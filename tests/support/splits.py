"""A split of a generated project, and what the engine makes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, load_project
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.modules.naming import Strategy
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.composetext import COMPOSE, OVERRIDE, ComposeProject
from support.memory import Memory


def opened(files: Mapping[str, str | bytes]) -> Project:
    """Return the project of *files*, alone and with its override file, if it has one."""
    names = (COMPOSE, OVERRIDE) if OVERRIDE in files else (COMPOSE,)
    return load_project([Invocation((COMPOSE,)), Invocation(names)], Library(Memory(files)))


def divided(
    project: ComposeProject, strategy: Strategy = "include", *, verbatim: bool = False
) -> tuple[Plan, dict[str, bytes]]:
    """Return the plan of a split, and all files as it leaves them."""
    options = SplitOptions(force=True, strategy=strategy, verbatim=verbatim)
    plan = split.plan(opened(project.files), options)
    contents = {path: text.encode() for path, text in project.files.items()}
    for path, content in plan.contents().items():
        assert content is not None
        contents[path] = content
    return plan, contents


def model(text: bytes, path: str = COMPOSE) -> dict[str, Any]:
    """Return the YAML *text* as plain values."""
    tree = parse(Source.decode(path, text))
    assert tree.root is not None
    values: dict[str, Any] = to_python(tree.root, tree.source)
    return values


def resolved(engine: Path, root: Path) -> dict[str, Any]:
    """Return the model without top-level ``x-*``, which move with what uses their anchors.

    Overrides of included services are left to the proof: engines before 2.24.7 refuse them.
    """
    done = subprocess.run(
        [str(engine), "-f", COMPOSE, "--profile", "*", "config"],
        cwd=root,
        env={"TOKEN": "made-up", "HOME": str(root)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return {k: v for k, v in model(done.stdout).items() if not k.startswith("x-")}
