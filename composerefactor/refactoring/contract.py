"""The contract between a transform and everything that runs it.

A transform is one file in ``transforms/``. Its name is the file's name in kebab-case; the first
line of its docstring is its summary, the rest its explanation. Its plan is a function of a
read-only project and its options, and returns values: it does not print, ask, open files or edit
text.

There are two kinds. A *restructuring* (:func:`transform`) divides files anew and leaves the model
as it is: it returns a :class:`Plan` of whole files. A *fixer* (:func:`mending`) adds or corrects
something in place: it yields a :class:`Change` for each thing that it would do, and a
:class:`Refusal` for each that it cannot do safely.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location

if TYPE_CHECKING:
    from composerefactor.edit.operations import Edit


O = TypeVar("O")  # noqa: E741 - options of a transform
"""The options dataclass of a transform."""

Part = tuple[str, str, str]
"""A part of a file that a plan moves: (path, section, name)."""

_ID_LENGTH = 8


class Unmoved(Struct, frozen=True):
    """A part that a plan leaves in place, and why.

    *predicted* is True where the engine has not been asked yet: the reason is what it would say.
    """

    part: Part
    reason: str
    location: Location
    predicted: bool = False


class Effect(Struct, frozen=True):
    """A place at which the resolved model may differ after a change; nothing else may.

    *path* begins at the top of the model, as ``("services", "db", "healthcheck")``. Where *verb* is
    ``adds`` the place is new, where it is ``removes`` it is gone; ``changes`` allows for anything
    at or below it. *resolved* is False for what only the uninterpolated model shows: a literal that
    becomes a variable with the same value.
    """

    path: tuple[str, ...]
    verb: Literal["adds", "changes", "removes"]
    resolved: bool = True

    @property
    def matters(self) -> bool:
        """True where what runs may differ; top-level ``x-*`` are nothing that runs."""
        return self.resolved and not self.path[0].startswith("x-")

    @property
    def service(self) -> str | None:
        """The service whose container is another one afterwards."""
        is_service = self.resolved and len(self.path) > 1 and self.path[0] == "services"
        return self.path[1] if is_service else None


class Variant(Struct, frozen=True):
    """A new way to start the project: *path* gives the model that *of* gives, but for *effects*."""

    path: str
    of: str
    effects: Sequence[Effect]


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a transform in which there is nothing to choose."""


class Change(Struct, frozen=True):
    """One thing that a mending would do, taken or left as a whole.

    *title* says it in words, *location* is the place that it is about, *evidence* why it is right
    (``verified: dockerfile``). *edits* carry it out, *effects* declare what differs in the resolved
    model. *repairs* is True for what makes the engine accept a project that it rejects. *variables*
    have values for variables that the result needs and that the same change puts in an env file.
    *details* say more of it, a line each. *variants* are new files to start the project with.
    """

    title: str
    location: Location
    edits: Sequence[Edit]
    effects: Sequence[Effect] = ()
    evidence: str = ""
    repairs: bool = False
    variables: Mapping[str, str] = {}
    details: Sequence[str] = ()
    variants: Sequence[Variant] = ()

    def __repr__(self) -> str:  # without the values of variables
        return f"Change({self.title!r}, {self.location!r})"

    @property
    def is_safe(self) -> bool:
        """True where the model stays equal, or the engine rejected the project before.

        What needs variables from a file that no repository has is not: a clone would not start.
        """
        changes = any(effect.matters for effect in self.effects)
        return self.repairs or not (changes or self.variables)

    def id(self, transform: str) -> str:
        """Return a short name of this change: it depends on what it does, on nothing else."""
        text = repr((transform, self.title, self.location.path, list(self.edits)))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_ID_LENGTH]


class Refusal(Struct, frozen=True):
    """Something that a mending would do and cannot do safely: *reason*, and what to do instead.

    *repairs* is True where the engine rejects the project because of it.
    """

    reason: str
    location: Location
    remedy: str = ""
    repairs: bool = False


class SavedLines(Struct, frozen=True):
    """What sharing saves: *definitions* of *services* become one each, *lines* stand once less."""

    services: int = 0
    definitions: int = 0
    lines: int = 0


class Plan(Struct, frozen=True):
    """What a transform would do.

    *planned_files* are the contents of new and changed files. *moved* gives the new path of each
    moved part, *services* what each new file says on which services. *unmoved* are the parts that
    could have moved. *notes* are sentences for the user, *saved_lines* what was repeated before.
    *since* is the oldest Docker Compose that reads what is planned, where that is not the one that
    ``include`` needs. *relocated* gives the new path of each file that goes elsewhere as a whole,
    *entries* how the project is started afterwards where that is another command, *mentions* the
    places that name a relocated file and are left as they are.
    """

    planned_files: tuple[PlannedFile, ...] = ()
    moved: Mapping[Part, str] = {}
    unmoved: tuple[Unmoved, ...] = ()
    notes: tuple[str, ...] = ()
    services: Mapping[str, tuple[str, ...]] = {}
    saved_lines: SavedLines = SavedLines()
    since: str = ""
    relocated: Mapping[str, str] = {}
    entries: Mapping[Invocation, Invocation] = {}
    mentions: tuple[Location, ...] = ()

    def contents(self) -> dict[str, bytes | None]:
        """Return the planned content of each file."""
        return {planned_file.path: planned_file.content() for planned_file in self.planned_files}


class Option(Struct, frozen=True):
    """One option of a transform: *kind* is ``str``, ``int``, ``bool`` or ``tuple`` of texts."""

    name: str
    kind: type
    default: Any
    help: str
    example: str = ""
    choices: tuple[str, ...] = ()


class Transform(Struct, Generic[O], frozen=True):
    """What all transforms have: *name*, *summary*, *explanation* and the type of their options."""

    name: str
    summary: str
    explanation: str
    options: type[O]

    @property
    def settings(self) -> tuple[Option, ...]:
        """The options that :func:`option` describes, in order."""
        return tuple(
            Option(f.name.replace("_", "-"), type(f.default), f.default, **f.metadata)
            for f in fields(self.options)  # type: ignore[arg-type]
            if "help" in f.metadata
        )


class Refactoring(Transform[O], frozen=True):
    """A transform that divides files anew."""

    plan: Callable[[Project, O], Plan]


class Fixer(Transform[O], frozen=True):
    """A transform that works in place.

    It runs after those that *after* names. *selected_only* is True for one that restructures, and
    so runs only where it is asked for by name. *first* is True for one that mends what others would
    not understand, and so runs before all that are not. *unsafe* is True for one of which every
    change changes what runs.
    """

    plan: Callable[[Project, O], Iterator[Change | Refusal]]
    after: tuple[str, ...] = ()
    selected_only: bool = False
    first: bool = False
    unsafe: bool = False


AnyTransform = Refactoring[Any] | Fixer[Any]


def option(
    default: Any,
    *,
    help: str,  # noqa: A002 - what it is called wherever options are described
    example: str = "",
    choices: Sequence[str] = (),
) -> Any:
    """Return a dataclass field for an option that users can set.

    *default* gives the type: text, whole number, boolean, or a tuple of texts. *help* is a
    sentence, *example* a value worth showing, *choices* all values that there are.
    """
    described = {"help": help, "example": example, "choices": tuple(choices)}
    return field(default=default, metadata=described)


def refactoring(options: type[O]) -> Callable[[Callable[[Project, O], Plan]], Refactoring[O]]:
    """Make the decorated plan function the restructuring transform of its module."""

    def make(plan: Callable[[Project, O], Plan]) -> Refactoring[O]:
        return Refactoring(*_described(plan), options, plan)

    return make


def fixer(
    options: type[O],
    *,
    after: Sequence[str] = (),
    selected_only: bool = False,
    first: bool = False,
    unsafe: bool = False,
) -> Callable[[Callable[[Project, O], Iterator[Change | Refusal]]], Fixer[O]]:
    """Make the decorated plan function the mending transform of its module.

    *after* names transforms whose result this one builds on, *selected_only* keeps it out of a
    plain ``fix``, *first* puts it before all others that are not. *unsafe* says that all it does
    changes what runs.
    """

    def make(plan: Callable[[Project, O], Iterator[Change | Refusal]]) -> Fixer[O]:
        return Fixer(*_described(plan), options, plan, tuple(after), selected_only, first, unsafe)

    return make


def _described(plan: Callable[..., Any]) -> tuple[str, str, str]:
    """Return name, summary and explanation from the module of *plan*."""
    documentation = sys.modules[plan.__module__].__doc__ or ""
    summary, _, explanation = documentation.strip().partition("\n")
    name = plan.__module__.rpartition(".")[2].replace("_", "-")
    return name, summary, explanation.strip()
