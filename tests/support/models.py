"""Stacks from texts."""

from __future__ import annotations

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.compose.services import StartModel, start_model
from support.memory import Memory


def stack_of(text: str, *more: str, files: dict[str, str] | None = None) -> StartModel:
    """Return the stack of ``compose.yaml`` with *text*; *more* are further ``-f`` files."""
    named = {"compose.yaml": text, **{f"{i}.yaml": body for i, body in enumerate(more)}}
    entry = Invocation(tuple(named))
    project = load_project([entry], Library(Memory({**named, **(files or {})})))
    assert not project.errors
    return start_model(project, entry)
