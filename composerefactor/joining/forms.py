"""Lists and mappings that say the same, one written as the other."""

from __future__ import annotations

from msgspec.structs import replace

from composerefactor.edits.drafts import Written
from composerefactor.edits.render import scalar
from composerefactor.factoring.kinds import KEY_VALUE, NAMED
from composerefactor.joining.fragments import Fragment
from composerefactor.yamltree.style import Style


def in_one_form(base: Fragment, over: Fragment) -> tuple[Fragment, Fragment]:
    """Return both as lists, or both as mappings: *base* in the form that *over* has.

    Names with options cannot stand in a list, so there *over* gives way. Raises CannotJoinError
    where that is not possible.
    """
    if base.form == over.form:
        return base, over
    if base.path in KEY_VALUE:
        return _pairs_as(base, over.form, over), over
    if base.path in NAMED:
        if base.form == "list":
            return _names_as_mapping(base, over), over
        return base, _names_as_mapping(over, base)
    raise over.text.cannot(
        f"{'.'.join(over.path)} is a list in one file and a mapping in another",
        over.region.entry.start,
    )


def _pairs_as(whole: Fragment, form: str, like: Fragment) -> Fragment:
    column = whole.column + like.step
    children = []
    for child in whole.children or ():
        value = whole.value.get(child.key) if isinstance(whole.value, dict) else None
        if child.key == "<<" or not isinstance(value, str | None):
            raise child.text.cannot(
                f"{'.'.join(whole.path)} is a list in one file and a mapping in another",
                child.region.entry.start,
            )
        if form == "list":
            words = f"- {_scalar(whole, child.key if value is None else f'{child.key}={value}')}"
        else:
            words = f"{_scalar(whole, child.key)}:"
            words += "" if value is None else f" {_scalar(whole, value)}"
        children.append(_written(child, column, [words]))
    return replace(whole, children=tuple(children), form=form, step=like.step)


def _names_as_mapping(whole: Fragment, like: Fragment) -> Fragment:
    """Return a list of names as a mapping, with what the short form stands for."""
    step = like.step or 2
    column = whole.column + step
    children = []
    for child in whole.children or ():
        lines = [f"{_scalar(whole, child.key)}:"]
        if whole.path == ("depends_on",):
            lines.append("  condition: service_started")
        children.append(_written(child, column, lines))
    return replace(whole, children=tuple(children), form="mapping", step=step)


def _written(child: Fragment, column: int, lines: list[str]) -> Fragment:
    """Return *child* as *lines* in *column*, with its comments above it."""
    newline, text = child.text.source.newline, ""
    for line in lines:
        text += f"{' ' * column}{line}{newline}"
    behind = child.comments_in(child.region.key, child.region.end)
    notes = tuple(dict.fromkeys((*child.notes, *behind)))
    return replace(child, column=column, line=(Written(text),), children=(), notes=notes)


def _scalar(whole: Fragment, text: str) -> str:
    """Return *text* as a scalar in the style of the file of *whole*."""
    return scalar(text, Style.of(whole.text.file.tree))
