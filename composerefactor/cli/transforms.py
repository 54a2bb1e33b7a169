"""``composerefactor transforms``: lists the transforms, or explains one.

An explanation says what the transform does, with its options and an example as a patch. It is text
for a terminal here, and Markdown for the documentation (scripts/reference.py).
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib import resources

import click

from composerefactor.cli.completion import transform_names
from composerefactor.cli.options import examples
from composerefactor.cli.terminal import style_for
from composerefactor.errors import UsageError, did_you_mean
from composerefactor.planning.registry import transforms
from composerefactor.refactoring.contract import AnyTransform, Fixer, Option
from composerefactor.report.text import Style

GOLDEN = "composerefactor.golden"
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(
    "transforms",
    epilog=examples(
        ("composerefactor transforms", "List the transforms."),
        ("composerefactor transforms add-networks", "Explain one, with its options."),
        ("composerefactor fix --select add-networks --unsafe --dry-run", "Try it."),
    ),
)
@click.argument("name", required=False, shell_complete=transform_names)
@click.option("--no-color", is_flag=True, help="Print no colours, same as NO_COLOR=1.")
def command(name: str | None, *, no_color: bool) -> int:
    """List the transforms, or explain the transform NAME with its options and an example."""
    by_name = transforms()
    if name is None:
        width = max(map(len, by_name))
        for transform in by_name.values():
            click.echo(f"{transform.name:<{width}}  {transform.summary}")
        return 0
    if name not in by_name:
        raise UsageError(
            f"unknown transform {name!r}", remedy=did_you_mean(name, by_name, "choose from")
        )
    for line in explanation_text(by_name[name], style_for(sys.stdout, no_color=no_color)):
        click.echo(line)
    return 0


def explanation_text(transform: AnyTransform, style: Style) -> Iterator[str]:
    """Yield the lines of the explanation for a terminal."""
    yield f"{style(transform.name, 'bold')}: {transform.summary} ({_usage(transform)})"
    yield ""
    yield transform.explanation
    if transform.settings:
        yield ""
        yield style("Options", "cyan")
        for option in transform.settings:
            yield f"  --set {transform.name}.{option.name}={_default(option)}"
            yield f"      {_help(option)}"
    patch = _example(transform.name)
    if patch:
        yield ""
        yield style("Example", "cyan")
        for line in patch.splitlines():
            yield f"  {style(line, _COLOURS.get(line[:1], 'dim')) if line.strip() else ''}".rstrip()


def explanation_markdown(transform: AnyTransform) -> Iterator[str]:
    """Yield the lines of the explanation for a page of the documentation."""
    yield f"## {transform.name}"
    yield ""
    yield f"{transform.summary} {_usage(transform).capitalize()}."
    yield ""
    yield transform.explanation
    if transform.settings:
        yield ""
        yield "| option | default | meaning |"
        yield "| --- | --- | --- |"
        for option in transform.settings:
            yield f"| `{option.name}` | `{_default(option)}` | {_help(option)} |"
    patch = _example(transform.name)
    if patch:
        yield ""
        yield "```diff"
        yield from patch.splitlines()
        yield "```"
    yield ""


def _example(name: str) -> str:
    """Return the patch of the golden case that documents the transform *name*, or ``""``."""
    folder = resources.files(GOLDEN) / name
    for case in sorted(folder.iterdir(), key=lambda case: case.name) if folder.is_dir() else ():
        values = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))
        if values.get("docs"):
            return (case / "expected.diff").read_text(encoding="utf-8")
    return ""


def _usage(transform: AnyTransform) -> str:
    """Return which command runs the transform."""
    if not isinstance(transform, Fixer):
        return f"run by `composerefactor {transform.name}`"
    return "run by `fix --select` only" if transform.selected_only else "run by `fix`"


def _default(option: Option) -> str:
    if option.kind is bool:
        return str(option.default).lower()
    return ",".join(option.default) if option.kind is tuple else str(option.default)


def _help(option: Option) -> str:
    text = option.help
    if option.choices:
        text += f" One of {', '.join(option.choices)}."
    return text + (f" Example: {option.example}." if option.example else "")
