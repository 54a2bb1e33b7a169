"""Keeps the secrets of a project out of what is shown of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from composerefactor.compose.expand import expand
from composerefactor.compose.file import RESOURCE_SECTIONS
from composerefactor.compose.interpolate import expressions
from composerefactor.compose.merged import item_nodes, scalar_text
from composerefactor.credentials.literals import Literal
from composerefactor.credentials.names import is_common_word, is_credential, passwords
from composerefactor.patterns import regex
from composerefactor.topology.stack import Service, Stack
from composerefactor.verify.masking import MASK, is_secret_name, mask_text
from composerefactor.yamltree.nodes import Scalar, walk

_SHORTEST = 4
_HARMLESS = regex(
    r"true|false|yes|no|on|off|none|null|[0-9]{1,5}|[0-9]+(?:ms|[smhd])"
    r"|[a-z][a-z0-9+.-]*://[\w.-]+(?::[0-9]+)?/?",
    re.IGNORECASE,
)
"""Values that say nothing, whatever they are called: switches, ports, times, addresses."""
_PASSWORD_OPTION = regex(
    r"(?P<option>(?<!\S)(?:-a|-p|--pass|--password|--requirepass|--masterauth|-P)[\s=]+|(?<!\S)-p(?=\S))"
    r"(?P<value>(?![0-9]+(?:\s|$)|\d+:)(?:\"[^\"]*\"|'[^']*'|\S+))"
)
_SHELL_DEFAULT = regex(r"\$\{(?P<name>[A-Za-z_]\w*):?[=?+](?P<value>[^{}]+)\}")
"""What the engine takes for no default, and people do."""

_COMMAND_SECRET = regex(
    r"(?:--?(?:requirepass|masterauth|pass(?:word)?|auth|token|secret|api-?key)(?:[=\s]+))"
    r"[\"']?(?P<value>[^\s\"'$]+)",
    re.IGNORECASE,
)


class Redaction:
    """Masks every secret that the text of a project gives away.

    Known are the values of variables with secret names, in Compose files, env files and defaults,
    passwords in connection URLs, and arguments of options for passwords. Words that are as common
    as ``postgres`` are masked only where their name or place says that they are secret.
    """

    def __init__(self, stacks: Iterable[Stack], known: Iterable[Literal]) -> None:
        """Prepare for the reports on *stacks*, in the files of which *known* are credentials."""
        self._stacks = tuple(stacks)
        self._known = tuple(known)
        self._shown: dict[str, str] = {}

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        secrets = (*(each.value for each in self._known), *_secrets(self._stacks))
        found = {value.strip("\"' ") for value in secrets}
        names = _names(self._stacks)
        masked = sorted(
            (
                value
                for value in found
                if len(value) >= _SHORTEST
                and not _HARMLESS.fullmatch(value)
                and not is_common_word(value)
                and not any(value in name for name in names)
            ),
            key=len,
            reverse=True,
        )
        if not masked:
            return None
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, masked))})(?!\w)")

    def text(self, text: str) -> str:
        """Return *text*, a value or a command of a file, without secrets."""
        if text not in self._shown:  # services and entry points have many values in common
            without = _PASSWORD_OPTION.sub(_without_value, text) if "-" in text else text
            self._shown[text] = mask_text(self.words(without))
        return self._shown[text]

    def words(self, text: str) -> str:
        """Return *text*, a sentence about the project, without the secrets that are known."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def named(self, name: str, value: str) -> str:
        """Return the *value* of a variable called *name*, or a mask."""
        return MASK if _is_secret(name, value) else self.text(value)


def _without_value(match: re.Match[str]) -> str:
    is_variable = match["value"].lstrip("\"'").startswith("$")
    return match[0] if is_variable else match["option"] + MASK


def _secrets(stacks: tuple[Stack, ...]) -> Iterator[str]:
    files = {id(file): file for stack in stacks for file in stack.files}
    for file in files.values():
        for node in walk(file.root):
            if isinstance(node, Scalar):
                yield from _defaults(node.value)
                yield from (node.value[start:end] for start, end in passwords(node.value))
    for stack in stacks:
        for name, value in stack.variables.items():
            yield from _of_pair(name, value)
        for service in stack.services.values():
            yield from _of_service(stack, service)


def _of_service(stack: Stack, service: Service) -> Iterator[str]:
    for name, setting in service.settings.items():
        value = setting.value or ""
        for text in {value, expand(value, stack.variables)}:
            yield from _of_pair(name, text)
    for attribute in ("command", "entrypoint"):
        for found in service.values(attribute):
            words = " ".join(scalar_text(item) or "" for item in item_nodes(found.node))
            yield from (match["value"] for match in _COMMAND_SECRET.finditer(words))


def _is_secret(name: str, value: str) -> bool:
    """Return whether *value*, given to the variable *name*, is a secret, or may well be one."""
    if is_credential(name, value):
        return True
    return bool(value) and is_secret_name(name) and not _HARMLESS.fullmatch(value)


def _names(stacks: tuple[Stack, ...]) -> set[str]:
    """Return the names that a report on *stacks* is full of."""
    found: set[str] = set()
    for stack in stacks:
        found.update(stack.services, *(stack.declared(section) for section in RESOURCE_SECTIONS))
        for service in stack.services.values():
            found.update(re.split(r"[/:@]", service.text("image") or ""))
            found.add(service.text("container_name") or "")
    return found


def _of_pair(name: str, value: str) -> Iterator[str]:
    if _is_secret(name, value):
        yield value
    yield from (value[start:end] for start, end in passwords(value))


def _defaults(text: str) -> Iterator[str]:
    if "$" not in text:
        return
    for each in expressions(text):
        if each.argument and each.operator.endswith("-") and _is_secret(each.name, each.argument):
            yield each.argument
    for match in _SHELL_DEFAULT.finditer(text):
        if _is_secret(match["name"], match["value"]):
            yield match["value"]
