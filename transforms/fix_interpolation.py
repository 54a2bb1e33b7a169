r"""Write shell forms in values as Compose reads them.

Compose expands `$X` and `${X}` with `:-`, `:?` and `:+`, and nothing else a shell knows. What it
rejects is mended where the meaning is plain: `${X:=d}` becomes `${X:-d}`, and what only a shell or
another program in the container can mean, as `${X^^}` in a command or `${1}`, gets its dollar
escaped. What it misreads is mended as well: it takes the command in `${X:-$(date)}` literally, ends
the name in `${MY-VAR:-d}` at the hyphen, lets `\$X` expand, and expands `$X` in a command before
the container that sets X sees it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from functools import cache, partial

from composerefactor.compose.commandplaces import CommandPlaces
from composerefactor.compose.envfile import assignments
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.reach import ModelPath, places
from composerefactor.compose.shellforms import ShellForm, shell_forms
from composerefactor.edits.operations import Substitute
from composerefactor.transform import Change, Effect, NoOptions, Refusal, mending
from composerefactor.yamltree.nodes import Scalar
from composerefactor.yamltree.path import Path, paths

_MOST = 60
"""Longer forms are shortened in titles."""
_PATHS = frozenset({"volumes", "build", "env_file", "label_file", "file"})
_PAIRS = frozenset({"environment", "args"})


@mending(NoOptions)
def fix_interpolation(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each shell form whose meaning is plain, and a refusal for the others."""
    outside = _outside(project)
    for path, file in project.files.items():
        if path.startswith("../"):
            continue
        reached = cache(partial(places, project, path))
        commands = CommandPlaces.of(file, partial(_text, project, posixpath.dirname(path)))
        for where, node in paths(file.root):
            if isinstance(node, Scalar) and ("$" in node.value or "`" in node.value):
                forms = shell_forms(
                    node.value,
                    in_shell=id(node) in commands.shell,
                    is_path=not _PATHS.isdisjoint(where),
                    name=_variable(where, node.value),
                    inside=commands.variables.get(id(node), frozenset()) - outside,
                )
                for form in forms:
                    at = reached().get(id(node), [tuple(map(str, where[:2]))])
                    yield _outcome(file, where, node, form, at)


def _outcome(
    file: ComposeFile, where: Path, node: Scalar, form: ShellForm, at: Sequence[ModelPath]
) -> Change | Refusal:
    location = file.source.location(node.start)
    shown = form.text if len(form.text) <= _MOST else f"{form.text[: _MOST - 3]}..."
    if form.mend is None:
        return Refusal(f"{shown}: {form.reason}", location, form.remedy, repairs=form.rejected)
    nth = node.value[: form.start].count(form.text)
    effects = tuple(Effect(place, "changes") for place in at)
    return Change(
        f"{shown} becomes {form.mend}: {form.reason}",
        location,
        [Substitute(file.path, where, form.text, form.mend, nth)],
        effects,
        repairs=form.rejected,
    )


def _variable(where: Path, text: str) -> str:
    """Return the variable that the value at *where* is given to, or ``""``."""
    if len(where) < 2 or where[-2] not in _PAIRS:  # noqa: PLR2004 - a key and what it is below
        return ""
    last = where[-1]
    name = last if isinstance(last, str) else text.partition("=")[0]
    return name if name.isidentifier() and name.isascii() else ""


def _outside(project: Project) -> frozenset[str]:
    """Return the variables that some env file of an entry point gives a value."""
    named = {path for entry in project.entries for path in entry.env_files}
    named |= {posixpath.join(project_directory(entry), ".env") for entry in project.entries}
    texts = [_text(project, "", posixpath.normpath(path)) or "" for path in named]
    return frozenset(each.name for text in texts for each in assignments(text))


def _text(project: Project, directory: str, name: str) -> str | None:
    """Return the text of the env file *name* of *directory*, or None where there is none."""
    path = posixpath.normpath(posixpath.join(directory, name))
    if project.read is None or not project.exists(path):
        return None
    return project.read(path).decode("utf-8", "replace")
