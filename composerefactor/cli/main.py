"""The command group; each command is a module that is imported when it is called."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import click
from click.shell_completion import CompletionItem

from composerefactor import __version__
from composerefactor.errors import (
    ComposerefactorError,
    InputError,
    Location,
    UsageError,
    did_you_mean,
)
from composerefactor.workspace.interrupts import message

BROKEN_PIPE = 141
"""The exit code that a shell reports for a program ended by SIGPIPE."""

COMMANDS = {
    "split": "Split a large Compose file into modules, verified by Docker Compose.",
    "fix": "Add missing settings and fix problems in place.",
    "wizard": "Split and fix step by step; see every change first.",
    "analyze": "Report on the architecture, with findings by priority.",
    "explain": "Show where each line of a service is set, and what uses the service.",
    "join": "Merge a split project back into one file per start command, verified.",
    "verify": "Verify that two states of a project resolve to the same configuration.",
    "diff": "Show how a change affects running containers.",
    "undo": "Undo the last run.",
    "transforms": "List the transforms, or explain one.",
    "completion": "Print the shell completion script.",
    "plugin": "Make `docker refactor` run composerefactor.",
}


class LazyGroup(click.Group):
    """A group that knows the names of its commands, and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command *cmd_name*; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"composerefactor.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with.

        Raises UsageError with a suggestion if there is no such command.
        """
        if args and args[0] not in COMMANDS and args[0][:1].isalnum():
            hint = did_you_mean(args[0], COMMANDS, "choose from")
            raise click.UsageError(f"No such command {args[0]!r}: {hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with *incomplete*; imports no command."""
        names = [
            CompletionItem(name, help=summary)
            for name, summary in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands; imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


_EPILOG = """\
\b
Start here:
  composerefactor analyze
      Show findings by priority; changes nothing.
  composerefactor split
      Show the plan of a split, and ask before anything is written.
  composerefactor fix --unsafe --dry-run
      Show everything that could be added, as a patch.

Exit codes: 0 done, or nothing to do; 1 there would be changes (--check), or the states differ
(verify, diff); 2 wrong usage; 3 refused, bad input, or Docker Compose not found; 4 verification
failed; 130 interrupted. With 1 to 4, this run wrote nothing. With 130, the message says what an
earlier step of the wizard has written; `undo` reverts it.
"""


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG
)
@click.version_option(__version__, prog_name="composerefactor")
def cli() -> None:
    """Refactor Docker Compose files; Docker Compose itself verifies every change.

    The tool writes nothing before Docker Compose has resolved the result and found it equal, apart
    from the changes that you have chosen, and never writes without confirmation. COMMAND --help
    explains a command.
    """


def _interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - signal() passes it
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None, program: str = "composerefactor") -> None:
    """Run the command line *arguments*, by default those of the process, and exit.

    *program* is its name in messages.
    """
    for stream in ("stdin", "stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the caller
            setattr(sys, stream, Path(os.devnull).open("r+"))  # noqa: SIM115 - until the end
    atexit.register(gc.freeze)  # avoids one more garbage collection at exit
    for name in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(name, _interrupt)  # so that the temporary copy of the project is deleted
    try:
        code = cli.main(arguments, prog_name=program, standalone_mode=False)
    except ComposerefactorError as error:
        _fail(error)
    except click.exceptions.NoArgsIsHelpError as error:
        _report(error.show)
        sys.exit(2)
    except click.ClickException as error:
        _fail(_usage_error(error))
    except (click.Abort, KeyboardInterrupt):
        _report(lambda: click.echo(f"\n{message()}", err=True))
        sys.exit(130)
    except BrokenPipeError:
        _forget(sys.stdout)
        sys.exit(BROKEN_PIPE)
    except OSError as error:
        _forget(sys.stdout)
        name = error.filename2 or error.filename  # a copy fails at its target
        place = Location(str(name)) if name else None
        _fail(InputError(f"system error: {error.strerror or error}", location=place))
    sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: click.ClickException) -> UsageError:
    """Return *error*, which click found on the command line, as one of this program."""
    message = " ".join(error.format_message().split())  # click lists choices in several lines
    context = error.ctx if isinstance(error, click.UsageError) else None
    help_command = f"see {context.command_path} --help" if context else ""
    return UsageError(message.rstrip("."), remedy=help_command)


def _report(write: Callable[[], object]) -> None:
    """Call *write*, which writes to stderr: that may be what cannot be written."""
    try:
        write()
        sys.stderr.flush()
    except OSError:
        _forget(sys.stderr)


def _forget(stream: TextIO) -> None:
    """Drop what *stream* has not taken: else Python fails on it again at exit, with code 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(error: ComposerefactorError) -> NoReturn:
    # Masking knows the forms of secrets, which takes longer to import than help takes to show.
    from composerefactor.cli.terminal import show  # noqa: PLC0415

    _report(lambda: show(error))
    sys.exit(error.exit_code)
