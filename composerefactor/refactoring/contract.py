"""The contract between a transform and everything that runs it.

A transform is one file in ``transforms/``. Its name is the file's name in kebab-case; the first
line of its docstring is its summary, the rest its explanation. Its plan is a function of a
read-only project and its options, and returns values: it does not print, prompt, open files or
edit text.

There are two kinds. A *refactoring* (:func:`refactoring`) moves text between files and does not
change the resolved configuration: it returns a :class:`Plan` of whole files. A *fixer*
(:func:`fixer`) adds or corrects settings in place: it yields a :class:`Change` for each thing that
it would do, and a :class:`Refusal` for each that it cannot do safely.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.confidence import Confidence
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome

if TYPE_CHECKING:
    from composerefactor.edit.operations import Edit


O = TypeVar("O")  # noqa: E741 - options of a transform
"""The class of the options of a transform."""

FileElement = tuple[str, str, str]
"""An element of a Compose file, and the file: (path, section, name).

An element is what a plan moves as a whole: one entry of a section, as ``("compose.yml",
"services", "db")``, or a whole section, as ``("compose.yml", "x-logging", "")``. Without the path
it is an :data:`~composerefactor.refactoring.modules.anchors.Element`.
"""

_ID_LENGTH = 8


class Unmoved(Struct, frozen=True):
    """An element that a plan leaves where it is.

    Attributes:
        element: the element and its file.
        reason: why it does not move, for the user.
        location: where it is.
        predicted: True where Docker Compose has not been run yet: *reason* is what it is expected
            to report.
    """

    element: FileElement
    reason: str
    location: Location
    predicted: bool = False

    @property
    def name(self) -> str:
        """What it is called in a list of services: ``web``, ``volume db``, ``x-app``."""
        _, section, name = self.element
        if not name:
            return section
        return name if section == "services" else f"{section.removesuffix('s')} {name}"


class Effect(Struct, frozen=True):
    """A place at which the resolved configuration may differ after a change; nothing else may.

    Attributes:
        path: keys from the top of the resolved configuration, as ``("services", "db",
            "healthcheck")``.
        verb: ``adds`` where the place is new, ``removes`` where it no longer exists; ``changes``
            allows any difference at or below it.
        resolved: False for what is visible only without interpolation: a literal that becomes a
            variable with the same value.
    """

    path: tuple[str, ...]
    verb: Literal["adds", "changes", "removes"]
    resolved: bool = True

    @property
    def matters(self) -> bool:
        """True where running containers may differ; top-level ``x-*`` never affect them."""
        return self.resolved and not self.path[0].startswith("x-")

    @property
    def service(self) -> str | None:
        """The service whose container is recreated, None where it is no service."""
        is_service = self.resolved and len(self.path) > 1 and self.path[0] == "services"
        return self.path[1] if is_service else None


class Variant(Struct, frozen=True):
    """A new root file that a change creates.

    Attributes:
        path: the new file.
        of: the existing file that resolves to the same configuration, except for *effects*.
        effects: where the two may differ.
        at: the file in whose place it is read, *of* itself if ``""``.
        start: a start command of *of*, and the one that reads the new file as well, where it is
            read after other files; None where it is read in place of one.
    """

    path: str
    of: str
    effects: Sequence[Effect]
    at: str = ""
    start: tuple[Invocation, Invocation] | None = None


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a transform that has none."""


@dataclass(frozen=True, slots=True)
class OptionsAsSet:
    """Options that know which of them the user sets, also to the value that they have anyway.

    Attributes:
        chosen: the names of those that the user sets.
    """

    chosen: frozenset[str] = field(default=frozenset(), kw_only=True)


class Change(Struct, frozen=True):
    """One thing that a fixer would do. It is applied completely or not at all.

    Attributes:
        title: what it does, as an imperative: "Add a health check to db".
        location: the place that it is about.
        edits: the edits that carry it out.
        effects: where the resolved configuration differs afterwards.
        evidence: why it is right, in words.
        confidence: how sure that is; what only restates the text of the project is verified.
        repairs: True where Docker Compose rejects the project without this change.
        leaves_data: True where a container afterwards does not find the data stored so far.
        variables: values of variables that the result needs and that the same change writes to an
            env file.
        details: more about it, one line each.
        variants: new root files that it creates.
        entries: the start command afterwards for each one that reads more files.
    """

    title: str
    location: Location
    edits: Sequence[Edit]
    effects: Sequence[Effect] = ()
    evidence: str = ""
    confidence: Confidence = "verified"
    repairs: bool = False
    leaves_data: bool = False
    variables: Mapping[str, str] = {}
    details: Sequence[str] = ()
    variants: Sequence[Variant] = ()
    entries: Mapping[Invocation, Invocation] = {}

    def __repr__(self) -> str:  # without the values of variables, which may be secret
        return f"Change({self.title!r}, {self.location!r})"

    @property
    def is_safe(self) -> bool:
        """True where running containers do not change, or nothing could run before.

        A change that needs variables from a file outside the repository is not safe: a clone of the
        repository would not start.
        """
        changes = any(effect.matters for effect in self.effects)
        return self.repairs or not (changes or self.variables)

    @property
    def justification(self) -> str:
        """The confidence and the evidence; ``""`` for a verified change that needs no evidence."""
        if self.evidence:
            return f"{self.confidence}: {self.evidence}"
        return "" if self.confidence == "verified" else self.confidence

    def id(self, transform: str) -> str:
        """Return a short id of this change, which depends only on what *transform* does by it."""
        text = repr((transform, self.title, self.location.path, list(self.edits)))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_ID_LENGTH]


class Refusal(Struct, frozen=True):
    """Something that a fixer would do and cannot do safely.

    Attributes:
        reason: why it is not safe.
        location: the place that it is about.
        remedy: what to do instead.
        repairs: True where Docker Compose rejects the project because of it.
    """

    reason: str
    location: Location
    remedy: str = ""
    repairs: bool = False


class Unneeded(Refusal, frozen=True):
    """Why a fixer has nothing to do. Users see it if they select the fixer and it changes nothing.

    Without one, they see what the fixer looks for.
    """


class SavedLines(Struct, frozen=True):
    """What deduplication saves.

    Attributes:
        services: how many services are deduplicated.
        definitions: how many definitions they had before; each service has one afterwards.
        lines: how many repeated lines are removed.
    """

    services: int = 0
    definitions: int = 0
    lines: int = 0


class Plan(Struct, frozen=True):
    """What a refactoring would do.

    Attributes:
        planned_files: the contents of new, changed and deleted files.
        moved: the new path of each element that moves.
        unmoved: the elements that could have moved and do not, with reasons.
        notes: sentences for the user.
        services: the services that each new file configures, by path.
        reasons: what the services of a module have in common, by its path.
        saved_lines: what deduplication saves.
        since: the oldest Docker Compose that reads the result; ``""`` where that is the oldest one
            with ``include``.
        relocated: the new path of each file that moves as a whole.
        entries: the start command after the plan for each one that changes.
        mentions: the places that name a relocated file by its old path and are not changed.
        readers: what becomes of other programs that read the files.
        reader_files: the new contents of files of these programs, which follow the plan.
    """

    planned_files: tuple[PlannedFile, ...] = ()
    moved: Mapping[FileElement, str] = {}
    unmoved: tuple[Unmoved, ...] = ()
    notes: tuple[str, ...] = ()
    services: Mapping[str, tuple[str, ...]] = {}
    reasons: Mapping[str, str] = {}
    saved_lines: SavedLines = SavedLines()
    since: str = ""
    relocated: Mapping[str, str] = {}
    entries: Mapping[Invocation, Invocation] = {}
    mentions: tuple[Location, ...] = ()
    readers: tuple[Outcome, ...] = ()
    reader_files: tuple[PlannedFile, ...] = ()

    def contents(self) -> dict[str, bytes | None]:
        """Return the planned content of each file, None for one that is deleted."""
        return {each.path: each.content() for each in (*self.planned_files, *self.reader_files)}

    @property
    def copied_lines(self) -> int:
        """How many lines are written more often than before."""
        return sum(each.copied_lines for each in self.planned_files)


class Option(Struct, frozen=True):
    """One option of a transform that users can set.

    Attributes:
        name: its name in kebab-case.
        kind: ``str``, ``int``, ``bool``, or ``tuple`` for several texts.
        default: its value where the user sets none.
        help: a sentence that describes it.
        example: a value that is worth showing.
        choices: all values that are allowed; empty where any value is.
    """

    name: str
    kind: type
    default: Any
    help: str
    example: str = ""
    choices: tuple[str, ...] = ()


class Transform(Struct, Generic[O], frozen=True):
    """What both kinds of transforms have.

    Attributes:
        name: the name of the module in kebab-case.
        summary: the first line of the module's docstring.
        explanation: the rest of that docstring.
        options: the class of its options; a dataclass if users can set them by :func:`option`.
    """

    name: str
    summary: str
    explanation: str
    options: type[O]

    @property
    def settings(self) -> tuple[Option, ...]:
        """The options that are declared with :func:`option`, in order."""
        return tuple(
            Option(f.name.replace("_", "-"), type(f.default), f.default, **f.metadata)
            for f in (fields(self.options) if is_dataclass(self.options) else ())
            if "help" in f.metadata
        )

    def options_of(self, values: Mapping[str, Any]) -> O:
        """Return the options of which the user sets *values*, by the names of the fields."""
        if issubclass(self.options, OptionsAsSet):
            return self.options(**values, chosen=frozenset(values))
        return self.options(**values)


class Refactoring(Transform[O], frozen=True):
    """A transform that moves text between files. Its plan does not change what runs."""

    plan: Callable[[Project, O], Plan]


Purpose: TypeAlias = Literal["correctness", "availability", "security", "operations", "maintenance"]
"""What the changes of a fixer improve; plans list them in this order."""


class Fixer(Transform[O], frozen=True):
    """A transform that edits files in place.

    Attributes:
        plan: yields the changes that it would make, and the refusals.
        after: names of transforms that run before this one.
        selected_only: True for one that runs only where the user selects it by name, since it
            restructures files.
        first: True for one that runs before all that are not *first*: it fixes what the others
            could not read.
        unsafe: True where every change of it changes what runs.
        lasting: True where its changes are for services that run permanently: files for
            development and tests do not get them.
        purpose: What its changes improve.
        cause: What is wrong without them: a clause for the text of a pull request.
    """

    plan: Callable[[Project, O], Iterator[Change | Refusal]]
    after: tuple[str, ...] = ()
    selected_only: bool = False
    first: bool = False
    unsafe: bool = False
    lasting: bool = False
    purpose: Purpose = "maintenance"
    cause: str = ""


AnyTransform = Refactoring[Any] | Fixer[Any]


def option(
    default: Any,
    *,
    help: str,  # noqa: A002 - the usual name for this, as in click
    example: str = "",
    choices: Sequence[str] = (),
) -> Any:
    """Return a dataclass field for an option that users can set.

    *default* determines the type: text, whole number, boolean, or a tuple of texts. The other
    arguments are those of :class:`Option`.
    """
    metadata = {"help": help, "example": example, "choices": tuple(choices)}
    return field(default=default, metadata=metadata)


def refactoring(options: type[O]) -> Callable[[Callable[[Project, O], Plan]], Refactoring[O]]:
    """Make the decorated plan function the refactoring of its module; *options* is their type."""

    def make(plan: Callable[[Project, O], Plan]) -> Refactoring[O]:
        return Refactoring(*_name_and_documentation(plan), options, plan)

    return make


def fixer(
    options: type[O],
    *,
    after: Sequence[str] = (),
    selected_only: bool = False,
    first: bool = False,
    unsafe: bool = False,
    lasting: bool = False,
    purpose: Purpose = "maintenance",
    cause: str = "",
) -> Callable[[Callable[[Project, O], Iterator[Change | Refusal]]], Fixer[O]]:
    """Make the decorated plan function the fixer of its module.

    *options* is the type of its options; the other arguments are those of :class:`Fixer`.
    """

    def make(plan: Callable[[Project, O], Iterator[Change | Refusal]]) -> Fixer[O]:
        return Fixer(
            *_name_and_documentation(plan),
            options,
            plan,
            tuple(after),
            selected_only,
            first,
            unsafe,
            lasting,
            purpose,
            cause,
        )

    return make


def _name_and_documentation(plan: Callable[..., Any]) -> tuple[str, str, str]:
    """Return the name, the summary and the explanation, taken from the module of *plan*."""
    documentation = sys.modules[plan.__module__].__doc__ or ""
    summary, _, explanation = documentation.strip().partition("\n")
    name = plan.__module__.rpartition(".")[2].replace("_", "-")
    return name, summary, explanation.strip()
