r"""Replace shell syntax in values that Docker Compose rejects or misreads.

Compose expands `$X` and `${X}` with `:-`, `:?` and `:+`, and no other shell syntax. What it rejects
is replaced if the meaning is clear: `${X:=d}` becomes `${X:-d}`, and a form that only a shell or
another program in the container can mean, such as `${X^^}` in a command or `${1}`, gets an escaped
dollar. What it misreads is replaced too: it takes the command in `${X:-$(date)}` literally, ends
the name in `${MY-VAR:-d}` at the hyphen, expands `\$X` and the parts of a password hash (`$apr1$`,
`$2y$`), and expands `$X` in a command before the container that sets X can see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache, partial

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE, TOP
from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.interpolation import Expression, expressions, password_hashes
from composerefactor.compose.merge import values_below
from composerefactor.compose.project import Project, env_files_of
from composerefactor.compose.services import Service, services_in
from composerefactor.edit.operations import Substitute
from composerefactor.errors import shortened
from composerefactor.refactoring.contract import Change, Effect, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import ModelPath, model_places
from composerefactor.yaml.nodes import Path, ScalarNode

_SHELL = re.compile(r"(?:^|[\s/])(?:ba|da|a|z|k)?sh\s+(?:-\w+\s+)*-\w*c\b")
_PAIR = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_ASSIGNS = r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:?)="
_NO_VARIABLE = r"\$\{(?:[0-9]+|[@*#?!$-]|[A-Za-z_][\w-]*(?:\.[\w-]+)+(?::[^{}$]*)?)\}"
"""Not the name of a variable: ``${1}``, ``${@}``, ``${spring.name}``; it is for another program."""
_HYPHENATED = r"[A-Za-z_]\w*(?:-\w+)*(?=:[-?+])"
_COMMAND = re.compile(r"\$\((?!\()[^()]*\)|`[^`]*`")
_BACKSLASH = re.compile(r"\\(\$(?:[A-Za-z_]|\{))")
_WINDOWS_PATH = re.compile(r"[\w.]\\[\w.]")
_BRACED = re.compile(r"\$\$|\$\{")
_BRACES = re.compile(r"\$\{|[{}]")
_MAX_LENGTH = 60
"""The length from which forms are shortened in titles."""
_VARIABLES = frozenset(row.path[-1] for row in SERVICE.values() if "variables" in row.options)
"""The attributes whose keys are variables: ``environment`` and ``args``."""
_PATHS = frozenset(
    row.path[-1] if row.path[0] in RESOURCE_SECTIONS else row.path[0]
    for row in (*SERVICE.values(), *TOP.values())
    if row.options.get("path") == "project"
)
"""The attributes of a service that contain paths of the project, and those of a resource."""


@fixer(
    NoOptions,
    purpose="correctness",
    cause="Docker Compose reads the text differently from its author",
)
def fix_interpolation(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each shell form with a clear meaning, and a refusal for each other one."""
    command_variables = _env_file_variables(project)
    for path, file in project.own_files.items():
        reached = cache(partial(model_places, project, path))
        commands = CommandPlaces.of(file, project.text)
        for where, node in file.paths:
            if isinstance(node, ScalarNode) and ("$" in node.value or "`" in node.value):
                forms = shell_forms(
                    node.value,
                    in_shell=id(node) in commands.shell,
                    is_path=not _PATHS.isdisjoint(where),
                    name=_assigned_variable(where, node.value),
                    inside=commands.variables.get(id(node), frozenset()) - command_variables,
                )
                for form in forms:
                    affected = reached().get(id(node), [tuple(map(str, where[:2]))])
                    yield _outcome(file, where, node, form, affected)


def _outcome(
    file: ComposeFile, where: Path, node: ScalarNode, form: ShellForm, affected: Sequence[ModelPath]
) -> Change | Refusal:
    """Return the change of *form* in *node*, which affects the places *affected*, or a refusal."""
    location = file.source.location(node.start)
    shown = shortened(form.text, _MAX_LENGTH)
    if form.fix is None:
        return Refusal(f"{shown}: {form.reason}", location, form.remedy, repairs=form.rejected)
    nth = node.value[: form.start].count(form.text)
    effects = tuple(Effect(place, "changes") for place in affected)
    return Change(
        form.title or f"Replace {shown} with {form.fix}",
        location,
        [Substitute(file.path, where, form.text, form.fix, nth)],
        effects,
        evidence=form.reason,
        repairs=form.rejected,
    )


def _assigned_variable(where: Path, text: str) -> str:
    """Return the variable to which the value *text* at *where* is assigned, or ``""``."""
    if len(where) < 2 or where[-2] not in _VARIABLES:  # noqa: PLR2004 - a key and its parent
        return ""
    last = where[-1]
    name = last if isinstance(last, str) else text.partition("=")[0]
    return name if name.isidentifier() and name.isascii() else ""


def _env_file_variables(project: Project) -> frozenset[str]:
    """Return the variables that an env file of a start command sets."""
    env_paths = {path for entry in project.entries for path in env_files_of(entry)}
    texts = [project.text(path) or "" for path in env_paths]
    return frozenset(each.name for text in texts for each in assignments(text))


class CommandPlaces(Struct, frozen=True):
    """The scalars of a file that a shell in the container runs.

    Attributes:
        shell: The ids of these scalars.
        variables: For each id the variables that the container sets. Only those count that the
            file, or an env file, sets to a literal value for every service with the scalar.
    """

    shell: set[int] = set()
    variables: dict[int, frozenset[str]] = {}

    @classmethod
    def of(cls, file: ComposeFile, read: Callable[[str], str | None]) -> CommandPlaces:
        """Return the places in *file*; *read* returns the text of an env file."""
        places = cls()
        for service in services_in(file).values():
            variables = frozenset(_container_variables(service, read))
            for node in (located.node for located in _shell_texts(service)):
                places.shell.add(id(node))
                earlier = places.variables.get(id(node), variables)
                places.variables[id(node)] = earlier & variables
        return places


def _shell_texts(service: Service) -> Iterator[LocatedNode]:
    """Yield the scalars of *service* that a shell in the container runs."""
    entrypoint, command = (_words(service.value(key)) for key in ("entrypoint", "command"))
    if _SHELL.search(_joined(entrypoint)):
        yield from entrypoint
    if _SHELL.search(f"{_joined(entrypoint)} {_joined(command)}"):
        yield from command
    for test in values_below(service.values("healthcheck"), "test"):
        words = _joined(test.items)
        if test.written is not None or words.startswith("CMD-SHELL") or _SHELL.search(words):
            yield from test.items
    for hook in ("post_start", "pre_stop", "pre_start"):
        for each in _words(service.value(hook)):
            command = _words(each.below("command"))
            if _SHELL.search(_joined(command)):
                yield from command


def _words(value: LocatedNode | None) -> list[LocatedNode]:
    return [] if value is None else value.items


def _joined(words: Iterable[LocatedNode]) -> str:
    return " ".join(word.written or "" for word in words)


def _container_variables(service: Service, read: Callable[[str], str | None]) -> Iterator[str]:
    """Yield the variables that *service* sets to a literal value in its container."""
    for each in service.env_file:
        lines = assignments(read(each.value.path) or "")
        yield from (line.name for line in lines if "$" not in line.value)
    for setting in service.pairs("environment").values():
        if setting.value is not None and "$" not in setting.value:
            yield setting.name


class ShellForm(Struct, frozen=True):
    """A shell form in a value that Docker Compose rejects or misreads.

    Attributes:
        start: The offset in the value.
        text: The form as it is written.
        fix: The replacement; None if its meaning is not clear.
        reason: What Docker Compose makes of it.
        rejected: True if Docker Compose rejects the project because of it.
        remedy: What a person can do.
        title: What replaces it, for a form that is not to be shown.
    """

    start: int
    text: str
    fix: str | None
    reason: str
    rejected: bool = False
    remedy: str = ""
    title: str = ""


def shell_forms(
    text: str,
    *,
    in_shell: bool = False,
    is_path: bool = False,
    name: str = "",
    inside: Collection[str] = (),
) -> list[ShellForm]:
    """Return the shell forms of a value that Docker Compose rejects or misreads, none overlapping.

    Args:
        text: The value.
        in_shell: True if a shell in the container runs the value.
        is_path: True if the value begins with a path of the project.
        name: The variable to which the value is assigned, if any.
        inside: Variables that only the container has.
    """
    known = expressions(text)
    forms = [*_rejected(text, known, in_shell=in_shell), *_escaped(text, known), *_hashes(text)]
    forms += _misread(text, known, in_shell=in_shell, is_path=is_path, inside=inside)
    if not in_shell:
        forms += _literal_commands(text, known, name, is_path=is_path)
    kept: list[ShellForm] = []
    for form in sorted(forms, key=lambda form: form.start):
        if not kept or form.start >= kept[-1].start + len(kept[-1].text):
            kept.append(form)
    return kept


def _rejected(text: str, known: Sequence[Expression], *, in_shell: bool) -> Iterator[ShellForm]:
    """Yield the expressions of *text* that are not among the *known* ones of Docker Compose."""
    starts = {expression.start for expression in known}
    for match in _BRACED.finditer(text):
        start = match.start()
        if match[0] == "$$" or start in starts:
            continue
        end = _closing(text, start)
        if end is None:
            yield ShellForm(
                start,
                text[start:],
                None,
                "a brace is not closed",
                rejected=True,
                remedy="close it, or write $$ for a literal dollar",
            )
            return
        yield _one_rejected(text, start, end, in_shell=in_shell)


def _one_rejected(text: str, start: int, end: int, *, in_shell: bool) -> ShellForm:
    """Return the rejected form at *start* of *text*, with its fix if the meaning is clear."""
    whole = text[start:end]
    reason = "Docker Compose rejects this form"
    assigns = re.match(_ASSIGNS, whole)
    if text[start - 1 : start] == "\\" and start:
        return ShellForm(start - 1, f"\\{whole}", f"${whole}", reason, rejected=True)
    if assigns and not in_shell:
        fix = f"${{{assigns[1]}{assigns[2]}-{whole[assigns.end() :]}"
        return ShellForm(start, whole, fix, reason, rejected=True)
    if in_shell or re.fullmatch(_NO_VARIABLE, whole):
        return ShellForm(start, whole, f"${whole}", reason, rejected=True)
    remedy = "set a variable in .env to the resulting value, or write $$ for a literal dollar"
    return ShellForm(start, whole, None, reason, rejected=True, remedy=remedy)


def _escaped(text: str, known: Sequence[Expression]) -> Iterator[ShellForm]:
    """Yield the expressions with a backslash before the dollar."""
    ends = {expression.start: expression.end for expression in known}
    for match in _BACKSLASH.finditer(text):
        end = ends.get(match.start(1))
        if end is not None and not _WINDOWS_PATH.search(text, 0, match.start()):
            whole = text[match.start() : end]
            fix = f"${whole[1:]}"
            yield ShellForm(match.start(), whole, fix, "a backslash does not escape the dollar")


def _hashes(text: str) -> Iterator[ShellForm]:
    """Yield the password hashes whose dollars are not doubled."""
    for start, end in password_hashes(text):
        whole = text[start:end]
        reason = "parts of the password hash are taken for variables"
        title = "Double the dollars of a password hash"
        yield ShellForm(start, whole, whole.replace("$", "$$"), reason, title=title)


def _misread(
    text: str,
    known: Sequence[Expression],
    *,
    in_shell: bool,
    is_path: bool,
    inside: Collection[str],
) -> Iterator[ShellForm]:
    """Yield the expressions that Docker Compose expands in another way than a shell."""
    for each in known:
        whole = text[each.start : each.end]
        argument = each.argument or ""
        hyphenated = re.match(_HYPHENATED, argument) if each.operator == "-" else None
        if in_shell and each.name in inside and not each.operator:
            reason = f"{each.name} is set only in the container, but expanded before it starts"
            yield ShellForm(each.start, whole, f"${whole}", reason)
        elif each.argument is not None and _closing(text, each.start) not in {None, each.end}:
            reason = "Docker Compose ends the default at the wrong brace"
            remedy = "set the variable in .env instead"
            yield ShellForm(each.start, whole, None, reason, remedy=remedy)
        elif hyphenated:
            name = f"{each.name}_{hyphenated[0].replace('-', '_')}"
            reason = f"the hyphen ends the name: this is {each.name} with a default"
            yield ShellForm(each.start, whole, f"${{{name}{argument[hyphenated.end() :]}}}", reason)
        elif not in_shell and each.operator in {":-", "-"} and _COMMAND.search(argument):
            yield _command_as_default(each, whole, "." if is_path and not each.start else "${PWD}")


def _command_as_default(expression: Expression, whole: str, directory: str) -> ShellForm:
    """Return the form of *expression*, whose default contains a command.

    *directory* replaces a command that prints the working directory.
    """
    reason = "the command is not run; its text is the default"
    argument = expression.argument or ""
    if _COMMAND.fullmatch(argument) is None:
        remedy = _export(expression.name, argument)
        return ShellForm(expression.start, whole, None, reason, remedy=remedy)
    default = directory if _is_directory(argument) else ""
    fix = f"${{{expression.name}{expression.operator}{default}}}"
    return ShellForm(expression.start, whole, fix, reason)


def _literal_commands(
    text: str, known: Sequence[Expression], name: str, *, is_path: bool
) -> Iterator[ShellForm]:
    """Yield the commands outside of expressions, which Docker Compose does not run."""
    reason = "the command is not run; its text is the value"
    for match in _COMMAND.finditer(text):
        start, whole = match.start(), match[0]
        if any(e.start < match.end() and start < e.end for e in known) or text[:start][-1:] == "$":
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
    """Return the offset at which the expression at *start* ends for a shell, or None."""
    depth = 0
    for match in _BRACES.finditer(text, start):
        depth += -1 if match[0] == "}" else 1
        if depth == 0:
            return match.end()
    return None


def _is_directory(command: str) -> bool:
    """Return whether *command* prints the working directory."""
    return command.strip("$()` ") == "pwd"


def _export(name: str, command: str) -> str:
    """Return the remedy that sets the variable *name* by *command* at the start."""
    return f'write ${{{name}}}, and run {name}="{command}" docker compose ...'
