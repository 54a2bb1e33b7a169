"""``composerefactor plugin``: makes ``docker refactor`` another name for ``composerefactor``.

The Docker CLI runs a plugin with one of these, as its source says (cli-plugins/manager, v28):

* ``docker-cli-plugin-metadata``: it prints what it is, as JSON.
* all arguments of ``docker``, global options included: ``docker --context x refactor split`` runs
  it with ``--context x refactor split``, and ``docker help refactor`` with ``help refactor``.
* ``__complete`` before the arguments: it prints completions, as cobra does.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import ShellComplete

from composerefactor import __version__
from composerefactor.cli.main import cli, main
from composerefactor.cli.options import examples
from composerefactor.errors import Location, RefusedError, UsageError

NAME = "refactor"
_MARK = "# Written by composerefactor plugin install"
_DEFAULT_COMPLETION = ":0"
"""The last line of completions: the shell adds file names where there are none."""


@click.command(
    "plugin",
    epilog=examples(
        ("composerefactor plugin install", "Make `docker refactor` run composerefactor."),
        ("docker refactor analyze", "The same as composerefactor analyze."),
        ("composerefactor plugin remove", "Undo it."),
    ),
)
@click.argument("action", type=click.Choice(["install", "remove"]))
def command(action: str) -> int:
    """Make `docker refactor` another name for composerefactor, or undo that.

    It writes or removes one file, docker-refactor, in the plugins of the Docker CLI:
    $DOCKER_CONFIG/cli-plugins, or else ~/.docker/cli-plugins.
    """
    if os.name == "nt":
        raise UsageError("on Windows, the Docker CLI only runs plugins that are .exe files")
    path = plugin_path()
    known = path.is_symlink() or path.exists()
    if known and not _is_ours(path):
        raise RefusedError(
            "written by another program; it is left alone", location=Location(str(path))
        )
    if action == "remove":
        path.unlink(missing_ok=True)
        click.echo(f"removed {path}" if known else f"there is no {path}", err=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(script(), encoding="utf-8")
    new.chmod(0o755)
    new.replace(path)
    click.echo(f"wrote {path}; try: docker {NAME} --help", err=True)
    return 0


def plugin_path() -> Path:
    """Return the path of the plugin."""
    configuration = os.environ.get("DOCKER_CONFIG")
    home = Path(configuration) if configuration else Path.home() / ".docker"
    return home / "cli-plugins" / f"docker-{NAME}"


def script() -> str:
    """Return the text of the plugin.

    ``-P`` keeps the current directory, which may be a project of somebody else, from being
    searched for modules.
    """
    code = "from composerefactor.cli.plugin import run; run()"
    return f'#!/bin/sh\n{_MARK}\nexec {shlex.quote(sys.executable)} -P -c "{code}" "$@"\n'


def run() -> None:
    """Run as a plugin of the Docker CLI, with the arguments that it passes."""
    arguments = sys.argv[1:]
    if arguments == ["docker-cli-plugin-metadata"]:
        click.echo(json.dumps(metadata()))
        return
    place = arguments.index(NAME) if NAME in arguments else -1
    before, own = arguments[: max(place, 0)], arguments[place + 1 :]
    if before[:1] == ["__complete"]:
        click.echo("\n".join(completions(own)))
        return
    main(["--help"] if before[:1] == ["help"] else own, f"docker {NAME}")


def metadata() -> dict[str, str]:
    """Return what the Docker CLI asks a plugin; ``docker info`` shows it."""
    return {
        "SchemaVersion": "0.1.0",
        "Vendor": "composerefactor contributors",
        "Version": __version__,
        "ShortDescription": "Split and fix Compose files",
        "URL": "https://github.com/composerefactor/composerefactor",
    }


def completions(arguments: Sequence[str]) -> list[str]:
    """Return the lines for a shell that completes the last of *arguments*, as cobra prints them."""
    *before, incomplete = arguments or [""]
    found = ShellComplete(cli, {}, f"docker {NAME}", "").get_completions(list(before), incomplete)
    return [
        *(f"{each.value}\t{each.help or ''}" for each in found if each.type == "plain"),
        _DEFAULT_COMPLETION,
    ]


def _is_ours(path: Path) -> bool:
    try:
        return _MARK in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
