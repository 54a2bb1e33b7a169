"""Options that several commands share.

The field of a struct declares an option: its name, its type, its help, and in ``extra`` what else
click needs to know. A command gets the values of all fields as one struct.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, wraps
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import click
from msgspec import Meta, Struct

from composerefactor.cli.terminal import deliver, progress, style_for
from composerefactor.compose.paths import is_outside
from composerefactor.errors import Location, RefusedError
from composerefactor.planning.opening import ProjectSelection
from composerefactor.report.text import Style

if TYPE_CHECKING:
    from composerefactor.proof.staging import Progress

F = TypeVar("F", bound=Callable[..., Any])

path_argument = click.argument(
    "path", type=click.Path(path_type=Path, exists=True, file_okay=True), default="."
)


def examples(*pairs: tuple[str, str]) -> str:
    """Return the end of a help text: pairs of a command and what it does."""
    lines = [line for command, meaning in pairs for line in (f"  {command}", f"      {meaning}")]
    return "\n".join(["\b", "Examples:", *lines])


def described(text: str, *flags: str, **settings: Any) -> Meta:
    """Return what the field of an option says: its help, its *flags* if not ``--name``.

    *settings* are those of :func:`click.option` that do not follow from the type of the field.
    """
    return Meta(description=text, extra={**({"flags": flags} if flags else {}), **settings})


class ProjectOptions(Struct, frozen=True):
    """The options that name start commands."""

    file: Annotated[
        tuple[str, ...],
        described("Same as `docker compose -f` (repeatable).", "-f", "--file", metavar="FILE"),
    ] = ()
    entry: Annotated[
        tuple[str, ...],
        described("Only this start command, by its files (repeatable).", metavar="A.yml,B.yml"),
    ] = ()
    env_file: Annotated[
        tuple[str, ...],
        described("Same as `docker compose --env-file` (repeatable).", metavar="FILE"),
    ] = ()

    def selection(self, path: Path) -> ProjectSelection:
        """Return the project in *path* that the options name, with the environment of the shell.

        Absolute paths below *path* become relative to it. Raises RefusedError for a file outside.
        """
        root = path.resolve()
        entries = [
            ",".join(_local(root, each) for each in names.split(",")) for names in self.entry
        ]
        files = tuple(_local(root, name) for name in self.file)
        return ProjectSelection(path, files, tuple(entries), self.env_file, dict(os.environ))


def _local(root: Path, name: str) -> str:
    path = Path(name.strip())
    if path.is_absolute() and path.resolve().is_relative_to(root):
        return path.resolve().relative_to(root).as_posix()
    if path.is_absolute() or is_outside(path.as_posix()):
        raise RefusedError(
            "outside of the project directory",
            location=Location(name),
            remedy=f"pass a directory that contains it as PATH, for example {path.parent}",
        )
    return name


Quiet: TypeAlias = Annotated[bool, described("Print errors and results only.", "-q", "--quiet")]
NoColor: TypeAlias = Annotated[bool, described("Print no colours, same as NO_COLOR=1.")]


class OutputOptions(Struct, frozen=True):
    """The options for how a command shows its result, and where."""

    output_format: Annotated[
        str, described("Format of the result.", "--format", "output_format")
    ] = "text"
    output: Annotated[
        Path | None,
        described("Write the result to this file instead of stdout.", "-o", "--output"),
    ] = None
    quiet: Quiet = False
    verbose: Annotated[bool, described("Print everything; shorten no list.", "-v", "--verbose")] = (
        False
    )
    no_color: NoColor = False

    @property
    def style(self) -> Style:
        """The colours and links of the result."""
        return style_for(sys.stdout, no_color=self.no_color or self.output is not None)

    def progress(self) -> AbstractContextManager[Progress | None]:
        """Show on a terminal what is done; see :func:`~composerefactor.cli.terminal.progress`."""
        return progress(quiet=self.quiet, no_color=self.no_color)

    def deliver(self, result: str) -> None:
        """Write *result* to its file or to stdout; on stdout no text if only errors are printed."""
        if self.output is not None or self.output_format != "text" or not self.quiet:
            deliver(result, self.output)


class ProofOptions(OutputOptions, frozen=True):
    """The options for how Docker Compose compares two states."""

    engine: Annotated[
        str, described("The Docker Compose that resolves both states.", metavar="auto|PATH")
    ] = "auto"
    thorough: Annotated[bool, described("Verify each scenario in a run of its own (slower).")] = (
        False
    )
    no_cache: Annotated[bool, described("Use no results of earlier commands, and keep none.")] = (
        False
    )


class RunOptions(ProofOptions, frozen=True):
    """The options of every command that changes files."""

    dry_run: Annotated[bool, described("Print the patch and write nothing.")] = False
    check: Annotated[bool, described("Write nothing; exit with 1 if there are changes.")] = False
    yes: Annotated[bool, described("Write without confirmation.", "-y", "--yes")] = False
    allow_dirty: Annotated[bool, described("Modify files with uncommitted changes.")] = False
    take: Annotated[
        tuple[str, ...], described("Make only the change with this ID (repeatable).", metavar="ID")
    ] = ()
    leave: Annotated[
        tuple[str, ...], described("Exclude the change with this ID (repeatable).", metavar="ID")
    ] = ()
    unproven: Annotated[bool, described("With --engine none: write without verification.")] = False

    @property
    def writes(self) -> bool:
        """Whether files are written, after confirmation."""
        return not (self.dry_run or self.check)


_HEADINGS = {
    "Project": ProjectOptions.__struct_fields__,
    "Writing": RunOptions.__struct_fields__[len(ProofOptions.__struct_fields__) :],
    "Docker Compose": ProofOptions.__struct_fields__[len(OutputOptions.__struct_fields__) :],
    "Output": (*OutputOptions.__struct_fields__, "reports", "help"),
}
"""The options that several commands have, by the heading under which help lists them."""

_COLUMN = 23
"""So many columns help has for options; the text of a longer one begins below it."""


@cache
def _hints(kind: type[Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def option(kind: type[Struct], name: str, *flags: str, **settings: Any) -> Callable[[F], F]:
    """Return the click option for the field *name* of *kind*.

    *flags* and *settings* of click take precedence over what the field says.
    """
    value, meta = get_args(_hints(kind)[name])
    settings = {"help": meta.description, **(meta.extra or {}), **settings}
    if get_origin(value) is Literal:
        settings.setdefault("type", click.Choice(get_args(value)))
    elif get_origin(value) is tuple:
        settings.setdefault("multiple", True)
    elif value is bool:
        settings["is_flag"] = True
    elif Path in get_args(value):
        settings["type"] = click.Path(path_type=Path, dir_okay=False)
    declared = settings.pop("flags", (f"--{name.replace('_', '-')}",))
    return click.option(*(flags or declared), **settings)


def takes(parameter: str, kind: type[Struct], **settings: dict[str, Any]) -> Callable[[F], F]:
    """Return a decorator that adds the options of *kind*, and passes their values as *parameter*.

    *settings* are those of click, by field, that differ from what the field says.
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def command(**given: Any) -> Any:
            values = {name: given.pop(name) for name in kind.__struct_fields__}
            known = {name: value for name, value in values.items() if value is not None}
            return function(**given, **{parameter: kind(**known)})

        decorated: Any = command
        for name in reversed(kind.__struct_fields__):
            decorated = option(kind, name, **settings.get(name, {}))(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


project_options = takes("project", ProjectOptions)


def output_options(*formats: str) -> Callable[[F], F]:
    """Return a decorator that adds :class:`OutputOptions`, with one of *formats*."""
    return takes("options", OutputOptions, output_format=_choice(*formats))


def _choice(*formats: str) -> dict[str, Any]:
    return {"type": click.Choice(formats), "default": formats[0]}


proof_options = takes("options", ProofOptions, output_format=_choice("text", "json"))

PLANNING_ENGINE = {
    "metavar": "auto|PATH|none",
    "help": "The Docker Compose to verify with; none: only plan.",
}
"""The option that chooses Docker Compose, for commands that plan changes."""

run_options = takes(
    "options",
    RunOptions,
    output_format=_choice("text", "json", "markdown"),
    engine=PLANNING_ENGINE,
)


class GroupedCommand(click.Command):
    """A command whose help lists its own options first, then those of others under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those of each group in a section of its own, all in one column."""
        headings = {name: heading for heading, names in _HEADINGS.items() for name in names}
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        sections |= {heading: [] for heading in _HEADINGS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                name = "help" if "--help" in parameter.opts else parameter.name or ""
                sections[headings.get(name, "Options")].append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    rows = [(option.ljust(_COLUMN), text) for option, text in records]
                    formatter.write_dl(rows, col_max=_COLUMN)
