"""A transform explained: what it does, its options, and an example as a patch."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources

from composerefactor.refactoring.contract import AnyTransform, Fixer, Option
from composerefactor.report.text import Style

GOLDEN = "composerefactor.golden"
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def example(name: str) -> str:
    """Return the patch of the golden case that explains the transform *name*, or ``""``."""
    folder = resources.files(GOLDEN) / name
    for case in sorted(folder.iterdir(), key=lambda each: each.name) if folder.is_dir() else ():
        values = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))
        if values.get("docs"):
            return (case / "expected.diff").read_text(encoding="utf-8")
    return ""


def nature(transform: AnyTransform) -> str:
    """Return in a few words when the transform runs."""
    if not isinstance(transform, Fixer):
        return f"run by `composerefactor {transform.name}`"
    return "run by `fix --select` only" if transform.selected_only else "run by `fix`"


def as_text(transform: AnyTransform, style: Style) -> Iterator[str]:
    """Yield the lines of the explanation for a terminal."""
    yield f"{style(transform.name, 'bold')}: {transform.summary} ({nature(transform)})"
    yield ""
    yield transform.explanation
    if transform.settings:
        yield ""
        yield style("Options", "cyan")
        for option in transform.settings:
            yield f"  --set {transform.name}.{option.name}={_value(option)}"
            yield f"      {_help(option)}"
    patch = example(transform.name)
    if patch:
        yield ""
        yield style("Example", "cyan")
        for line in patch.splitlines():
            yield f"  {style(line, _COLOURS.get(line[:1], 'dim')) if line.strip() else ''}".rstrip()


def as_markdown(transform: AnyTransform) -> Iterator[str]:
    """Yield the lines of the explanation for a page of the documentation."""
    yield f"## {transform.name}"
    yield ""
    yield f"{transform.summary} {nature(transform).capitalize()}."
    yield ""
    yield transform.explanation
    if transform.settings:
        yield ""
        yield "| option | default | meaning |"
        yield "| --- | --- | --- |"
        for option in transform.settings:
            yield f"| `{option.name}` | `{_value(option)}` | {_help(option)} |"
    patch = example(transform.name)
    if patch:
        yield ""
        yield "```diff"
        yield from patch.splitlines()
        yield "```"
    yield ""


def _value(option: Option) -> str:
    if option.kind is bool:
        return str(option.default).lower()
    return ",".join(option.default) if option.kind is tuple else str(option.default)


def _help(option: Option) -> str:
    words = option.help
    if option.choices:
        words += f" One of {', '.join(option.choices)}."
    return words + (f" As {option.example}." if option.example else "")
