"""Shell syntax in values: what the engine rejects, and what it reads differently than a shell.

The engine knows ``$X``, ``${X}`` and six operators. Other forms in braces it rejects; command
substitution and a backslash it takes for plain text (Compose specification, interpolation;
observed: v2.24.1 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from composerefactor.compose.interpolate import Expression, expressions
from composerefactor.patterns import regex

_ASSIGNS = regex(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:?)=")
_NO_VARIABLE = regex(r"\$\{(?:[0-9]+|[@*#?!$-]|[A-Za-z_][\w-]*(?:\.[\w-]+)+(?::[^{}$]*)?)\}")
"""Not a name of a variable: ``${1}``, ``${@}``, ``${spring.name}``; so it is another program's."""
_HYPHENATED = regex(r"[A-Za-z_]\w*(?:-\w+)*(?=:[-?+])")
_COMMAND = regex(r"\$\((?!\()[^()]*\)|`[^`]*`")
_BACKSLASH = regex(r"\\(\$(?:[A-Za-z_]|\{))")
_BRACED = regex(r"\$\$|\$\{")
_BRACES = regex(r"\$\{|[{}]")


class ShellForm(Struct, frozen=True):
    """A shell form *text* at *start*, and what it should be; *mend* is None where nobody can tell.

    *rejected* is True where the engine resolves nothing because of it. *reason* says what the
    engine makes of it, *remedy* what a person can do.
    """

    start: int
    text: str
    mend: str | None
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
        mend = f"${{{assigns[1]}{assigns[2]}-{whole[assigns.end() :]}"
        return ShellForm(start, whole, mend, reason, rejected=True)
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
            mend = f"${whole[1:]}"
            yield ShellForm(match.start(), whole, mend, "a backslash does not escape a dollar")


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
    mend = f"${{{found.name}{found.operator}{default}}}"
    return ShellForm(found.start, whole, mend, reason)


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
            mend = "." if is_path and start == 0 else "${PWD}"
            yield ShellForm(start, whole, mend, reason, rejected=mend == ".")
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
