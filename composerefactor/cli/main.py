"""The command group; each command is a module that is imported when it is used."""

from __future__ import annotations

import atexit
import difflib
import gc
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from composerefactor import __version__
from composerefactor.errors import ComposerefactorError, InputError, Location

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

BROKEN_PIPE = 141
"""What a shell reports for a program that SIGPIPE ended."""

_ALLOCATIONS = 500_000
"""New objects before the collector of cycles looks: trees live to the end, and hold no garbage."""

COMMANDS = {
    "split": "Divide a monolithic Compose file into modules, with proof.",
    "fix": "Add what is missing and mend what is wrong, in place.",
    "wizard": "Split and mend step by step, each change shown first.",
    "analyze": "Report on the architecture, and on what is wrong or risky.",
    "join": "Put a divided project back together, with proof.",
    "verify": "Prove that two states of a project resolve to the same model.",
    "diff": "Say what a change to Compose files means for what runs.",
    "undo": "Take the last applied run back.",
    "transforms": "List the transforms, or explain one.",
    "completion": "Print what makes a shell complete commands and options.",
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command *cmd_name*, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"composerefactor.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with; raises UsageError with what may be meant."""
        if args and args[0] not in COMMANDS and args[0][:1].isalnum():
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COMMANDS)}."
            raise click.UsageError(f"No such command {args[0]!r}: {meant}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin so, without importing them, and options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - see cli/__init__.py

        names = [
            CompletionItem(name, help=words)
            for name, words in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="composerefactor")
def cli() -> None:
    """Refactor Docker Compose files, with proof by Docker Compose itself.

    Nothing is written before the engine has resolved the result and found it equal, and nothing
    without your yes. `composerefactor split --dry-run` shows the patch.

    Exit codes: 0 done or nothing to do; 1 --check: there would be changes, or verify: they differ;
    2 usage; 3 refused, bad input or no engine; 4 the proof failed; 130 interrupted. With 1 to 130
    nothing was written.
    """


def _interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - what signal() asks for
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(_ALLOCATIONS, 10, 10)
    atexit.register(gc.freeze)  # or the end of the process is one more search for cycles
    for name in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(name, _interrupt)  # the private copy of the project has to go
    try:
        code = cli.main(standalone_mode=False)
    except ComposerefactorError as error:
        _fail(error)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted, nothing was written", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except OSError as error:
        where = Location(str(error.filename)) if error.filename else None
        _fail(InputError(f"the system says: {error.strerror or error}", location=where))
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: ComposerefactorError) -> NoReturn:
    from composerefactor.cli.terminal import show  # noqa: PLC0415 - see cli/__init__.py

    show(error)
    sys.exit(error.exit_code)
