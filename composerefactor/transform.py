"""The contract between a transform and everything that runs it.

A transform is one file in ``transforms/``. Its name is the file's name in kebab-case; the first
line of its docstring is its summary, the rest its explanation. Its plan is a function of a
read-only project and its options, and returns values: it does not print, ask, open files or edit
text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from composerefactor.compose.project import Project
from composerefactor.edits.drafts import Draft
from composerefactor.errors import Location

O = TypeVar("O")  # noqa: E741 - options of a transform
"""The options dataclass of a transform."""

Part = tuple[str, str, str]
"""A part of a file that a plan moves: (path, section, name)."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A part that a plan leaves in place, and why.

    *forecast* is True where the engine has not been asked yet: the reason is what it would say.
    """

    part: Part
    reason: str
    location: Location
    forecast: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a transform would do.

    *drafts* are the planned contents of files, new and changed. *moved* gives the new path of each
    moved part, *services* what each new file says on which services. *stays* are the parts that
    could have moved. *notes* are sentences for the user.
    """

    drafts: tuple[Draft, ...] = ()
    moved: Mapping[Part, str] = field(default_factory=dict)
    stays: tuple[Stay, ...] = ()
    notes: tuple[str, ...] = ()
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def contents(self) -> dict[str, bytes | None]:
        """Return the planned content of each file."""
        return {draft.path: draft.content() for draft in self.drafts}


@dataclass(frozen=True, slots=True)
class Transform(Generic[O]):
    """One transformation: *name*, *summary*, *explanation*, options type and plan."""

    name: str
    summary: str
    explanation: str
    options: type[O]
    plan: Callable[[Project, O], Plan]


def transform(options: type[O]) -> Callable[[Callable[[Project, O], Plan]], Transform[O]]:
    """Make the decorated plan function the transform of its module."""

    def make(plan: Callable[[Project, O], Plan]) -> Transform[O]:
        module = sys.modules[plan.__module__]
        summary, _, explanation = (module.__doc__ or "").strip().partition("\n")
        name = plan.__module__.rpartition(".")[2].replace("_", "-")
        return Transform(name, summary, explanation.strip(), options, plan)

    return make


AnyTransform = Transform[Any]
