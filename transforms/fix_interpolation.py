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
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial

from msgspec import Struct

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import Expression, expressions
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.project import Project, project_directory
from composerefactor.edit.operations import Substitute
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import ModelPath, places
from composerefactor.yaml.nodes import MappingNode, Node, Path, ScalarNode, paths, resolve

_SHELL = re.compile(r"(?:^|[\s/])(?:ba|da|a|z|k)?sh\s+(?:-\w+\s+)*-\w*c\b")
_PAIR = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


class CommandPlaces(Struct, frozen=True):
    """*shell* has the ids of scalars that a shell runs, *variables* what it knows, by id.

    A variable counts where the file, or an env file, gives it a value that is text alone, for every
    service that has the scalar.
    """

    shell: set[int] = set()
    variables: dict[int, frozenset[str]] = {}

    @classmethod
    def of(cls, file: ComposeFile, read: Callable[[str], str | None]) -> CommandPlaces:
        """Return the places in *file*; *read* gives the text of an env file that it names."""
        found = cls()
        for body in file.services.values():
            known = frozenset(_variables(body, read))
            for node in _shell_texts(body):
                found.shell.add(id(node))
                found.variables[id(node)] = found.variables.get(id(node), known) & known
        return found


def _shell_texts(body: Node) -> Iterator[Node]:
    entrypoint = _words(merged_get(body, "entrypoint"))
    for key in ("entrypoint", "command"):
        items = item_nodes(merged_get(body, key))
        before = f"{entrypoint} " if key == "command" else ""
        if _SHELL.search(before + _words(merged_get(body, key))):
            yield from items
    check = merged_get(body, "healthcheck")
    test = merged_get(check, "test") if check is not None else None
    words = _words(test)
    if test is not None and not isinstance(test, MappingNode):
        is_string = scalar_text(test) is not None
        if is_string or words.startswith("CMD-SHELL") or _SHELL.search(words):
            yield from item_nodes(test)
    for hook in ("post_start", "pre_stop", "pre_start"):
        for each in item_nodes(merged_get(body, hook)):
            command = merged_get(each, "command")
            if _SHELL.search(_words(command)):
                yield from item_nodes(command)


def _words(node: Node | None) -> str:
    return " ".join(scalar_text(item) or "" for item in item_nodes(node))


def _variables(body: Node, read: Callable[[str], str | None]) -> Iterator[str]:
    for item in item_nodes(merged_get(body, "env_file")):
        path = scalar_text(merged_get(item, "path") if isinstance(item, MappingNode) else item)
        text = read(path) if path and "$" not in path else None
        yield from (each.name for each in assignments(text or "") if "$" not in each.value)
    node = merged_get(body, "environment")
    if node is None:
        return
    if isinstance(resolve(node), MappingNode):
        for name, entry in merged_entries(node).items():
            value = scalar_text(entry.value)
            if value is not None and "$" not in value:
                yield name
        return
    for item in item_nodes(node):
        match = _PAIR.fullmatch(scalar_text(item) or "")
        if match is not None and "$" not in match[2]:
            yield match[1]


_ASSIGNS = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:?)=")
_NO_VARIABLE = re.compile(r"\$\{(?:[0-9]+|[@*#?!$-]|[A-Za-z_][\w-]*(?:\.[\w-]+)+(?::[^{}$]*)?)\}")
"""Not a name of a variable: ``${1}``, ``${@}``, ``${spring.name}``; so it is another program's."""
_HYPHENATED = re.compile(r"[A-Za-z_]\w*(?:-\w+)*(?=:[-?+])")
_COMMAND = re.compile(r"\$\((?!\()[^()]*\)|`[^`]*`")
_BACKSLASH = re.compile(r"\\(\$(?:[A-Za-z_]|\{))")
_BRACED = re.compile(r"\$\$|\$\{")
_BRACES = re.compile(r"\$\{|[{}]")


class ShellForm(Struct, frozen=True):
    """A shell form *text* at *start*, and what it should be; *fix* is None where nobody can tell.

    *rejected* is True where the engine resolves nothing because of it. *reason* says what the
    engine makes of it, *remedy* what a person can do.
    """

    start: int
    text: str
    fix: str | None
    reason: str
    rejected: bool = False
    remedy: str = ""


def shell_forms(
    text: str,
    *,
    in_shell: bool = False,
    is_path: bool = False,
    name: str = "",
    inside: Collection[str] = (),
) -> list[ShellForm]:
    """Return the shell forms of a value that do not mean what they seem to mean, none in another.

    *in_shell* tells that a shell in the container runs the text, *is_path* that it begins with a
    path of the project. *name* is the variable that the value is given to, if it is. *inside* are
    variables that only the container has.
    """
    found = expressions(text)
    forms = [*_rejected(text, found, in_shell=in_shell), *_escaped(text, found)]
    forms += _misread(text, found, in_shell=in_shell, is_path=is_path, inside=inside)
    if not in_shell:
        forms += _literal(text, found, name, is_path=is_path)
    kept: list[ShellForm] = []
    for form in sorted(forms, key=lambda each: each.start):
        if not kept or form.start >= kept[-1].start + len(kept[-1].text):
            kept.append(form)
    return kept


def _rejected(text: str, found: Sequence[Expression], *, in_shell: bool) -> Iterator[ShellForm]:
    known = {each.start for each in found}
    for match in _BRACED.finditer(text):
        start = match.start()
        if match[0] == "$$" or start in known:
            continue
        end = _closing(text, start)
        if end is None:
            yield ShellForm(
                start,
                text[start:],
                None,
                "a brace is not closed",
                rejected=True,
                remedy="close it, or write $$ for a dollar that is not Compose's",
            )
            return
        yield _one_rejected(text, start, end, in_shell=in_shell)


def _one_rejected(text: str, start: int, end: int, *, in_shell: bool) -> ShellForm:
    whole = text[start:end]
    reason = "the engine rejects this form"
    assigns = _ASSIGNS.match(whole)
    if text[start - 1 : start] == "\\" and start:
        return ShellForm(start - 1, f"\\{whole}", f"${whole}", reason, rejected=True)
    if assigns and not in_shell:
        fix = f"${{{assigns[1]}{assigns[2]}-{whole[assigns.end() :]}"
        return ShellForm(start, whole, fix, reason, rejected=True)
    if in_shell or _NO_VARIABLE.fullmatch(whole):
        return ShellForm(start, whole, f"${whole}", reason, rejected=True)
    remedy = "give the wanted value to a variable in .env, or write $$ for a dollar not Compose's"
    return ShellForm(start, whole, None, reason, rejected=True, remedy=remedy)


def _escaped(text: str, found: Sequence[Expression]) -> Iterator[ShellForm]:
    ends = {each.start: each.end for each in found}
    for match in _BACKSLASH.finditer(text):
        end = ends.get(match.start(1))
        if end is not None:
            whole = text[match.start() : end]
            fix = f"${whole[1:]}"
            yield ShellForm(match.start(), whole, fix, "a backslash does not escape a dollar")


def _misread(
    text: str,
    found: Sequence[Expression],
    *,
    in_shell: bool,
    is_path: bool,
    inside: Collection[str],
) -> Iterator[ShellForm]:
    for each in found:
        whole = text[each.start : each.end]
        argument = each.argument or ""
        hyphenated = _HYPHENATED.match(argument) if each.operator == "-" else None
        if in_shell and each.name in inside and not each.operator:
            reason = f"{each.name} is set in the container alone, and expanded before"
            yield ShellForm(each.start, whole, f"${whole}", reason)
        elif each.argument is not None and _closing(text, each.start) not in {None, each.end}:
            reason = "braces in the default confuse the engine, which ends it elsewhere"
            remedy = "give the value to the variable in .env instead"
            yield ShellForm(each.start, whole, None, reason, remedy=remedy)
        elif hyphenated:
            name = f"{each.name}_{hyphenated[0].replace('-', '_')}"
            reason = f"the hyphen ends the name: this is {each.name} with a default"
            yield ShellForm(each.start, whole, f"${{{name}{argument[hyphenated.end() :]}}}", reason)
        elif not in_shell and each.operator in {":-", "-"} and _COMMAND.search(argument):
            yield _command_as_default(each, whole, "." if is_path and not each.start else "${PWD}")


def _command_as_default(found: Expression, whole: str, directory: str) -> ShellForm:
    reason, argument = "the command is not run, its text is the default", found.argument or ""
    if _COMMAND.fullmatch(argument) is None:
        remedy = _export(found.name, argument)
        return ShellForm(found.start, whole, None, reason, remedy=remedy)
    default = directory if _is_directory(argument) else ""
    fix = f"${{{found.name}{found.operator}{default}}}"
    return ShellForm(found.start, whole, fix, reason)


def _literal(
    text: str, found: Sequence[Expression], name: str, *, is_path: bool
) -> Iterator[ShellForm]:
    """Yield commands outside of expressions, which stay text."""
    reason = "the command is not run, its text is the value"
    for match in _COMMAND.finditer(text):
        start, whole = match.start(), match[0]
        if any(e.start < match.end() and start < e.end for e in found) or text[:start][-1:] == "$":
            continue
        if _is_directory(whole):
            fix = "." if is_path and start == 0 else "${PWD}"
            yield ShellForm(start, whole, fix, reason, rejected=fix == ".")
        elif whole == text and name:
            yield ShellForm(start, whole, f"${{{name}:-}}", reason)
        elif whole == text:
            yield ShellForm(start, whole, None, reason, remedy=_export("NAME", whole))
        elif name and text == f"{name}={whole}":
            yield ShellForm(start, whole, f"${{{name}:-}}", reason)


def _closing(text: str, start: int) -> int | None:
    """Return where the expression at *start* ends for a shell, or None."""
    depth = 0
    for match in _BRACES.finditer(text, start):
        depth += -1 if match[0] == "}" else 1
        if depth == 0:
            return match.end()
    return None


def _is_directory(command: str) -> bool:
    return command.strip("$()` ") == "pwd"


def _export(name: str, command: str) -> str:
    return f'write ${{{name}}}, and start with {name}="{command}" docker compose ...'


_MOST = 60
"""Longer forms are shortened in titles."""
_PATHS = frozenset({"volumes", "build", "env_file", "label_file", "file"})
_PAIRS = frozenset({"environment", "args"})


@fixer(NoOptions)
def fix_interpolation(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each shell form whose meaning is plain, and a refusal for the others."""
    outside = _outside(project)
    for path, file in project.files.items():
        if path.startswith("../"):
            continue
        reached = cache(partial(places, project, path))
        commands = CommandPlaces.of(file, partial(_text, project, posixpath.dirname(path)))
        for where, node in paths(file.root):
            if isinstance(node, ScalarNode) and ("$" in node.value or "`" in node.value):
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
    file: ComposeFile, where: Path, node: ScalarNode, form: ShellForm, at: Sequence[ModelPath]
) -> Change | Refusal:
    location = file.source.location(node.start)
    shown = form.text if len(form.text) <= _MOST else f"{form.text[: _MOST - 3]}..."
    if form.fix is None:
        return Refusal(f"{shown}: {form.reason}", location, form.remedy, repairs=form.rejected)
    nth = node.value[: form.start].count(form.text)
    effects = tuple(Effect(place, "changes") for place in at)
    return Change(
        f"{shown} becomes {form.fix}: {form.reason}",
        location,
        [Substitute(file.path, where, form.text, form.fix, nth)],
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
