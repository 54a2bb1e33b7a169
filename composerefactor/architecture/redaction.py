"""Keeps the secrets of a project out of what is shown of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from composerefactor.compose.expand import expand
from composerefactor.compose.interpolate import expressions
from composerefactor.compose.merged import item_nodes, scalar_text
from composerefactor.credentials.literals import literals
from composerefactor.credentials.names import is_common_word, is_credential, passwords
from composerefactor.topology.stack import Service, Stack
from composerefactor.verify.masking import MASK, is_secret_name, mask_text
from composerefactor.yamltree.nodes import Scalar, walk

_SHORTEST = 4
_SHORT_NUMBER = re.compile(r"[0-9]{1,5}")
_PASSWORD_OPTION = re.compile(
    r"(?P<option>(?<!\S)(?:-a|--pass|--password|--requirepass|--masterauth|-P)[\s=]+|(?<!\S)-p(?=\S))"
    r"(?P<value>(?![0-9]+(?:\s|$)|\d+:)(?:\"[^\"]*\"|'[^']*'|\S+))"
)
_COMMAND_SECRET = re.compile(
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

    def __init__(self, stacks: Iterable[Stack]) -> None:
        self._stacks = tuple(stacks)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        found = {value.strip("\"' ") for value in _secrets(self._stacks)}
        masked = sorted(
            (
                value
                for value in found
                if len(value) >= _SHORTEST
                and not _SHORT_NUMBER.fullmatch(value)
                and not is_common_word(value)
            ),
            key=len,
            reverse=True,
        )
        if not masked:
            return None
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, masked))})(?!\w)")

    def text(self, text: str) -> str:
        """Return *text*, words or a command, without secrets."""
        text = _PASSWORD_OPTION.sub(_without_value, text)
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return mask_text(text)

    def named(self, name: str, value: str) -> str:
        """Return the *value* of a variable called *name*, or a mask."""
        if value and (is_secret_name(name) or is_credential(name, value)):
            return MASK
        return self.text(value)


def _without_value(match: re.Match[str]) -> str:
    is_variable = match["value"].lstrip("\"'").startswith("$")
    return match[0] if is_variable else match["option"] + MASK


def _secrets(stacks: tuple[Stack, ...]) -> Iterator[str]:
    for literal in literals(stacks):
        yield literal.value
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
    for name, setting in service.settings().items():
        yield from _of_pair(name, setting.value or "")
        yield from _of_pair(name, expand(setting.value or "", stack.variables))
    for attribute in ("command", "entrypoint"):
        for found in service.values(attribute):
            words = " ".join(scalar_text(item) or "" for item in item_nodes(found.node))
            yield from (match["value"] for match in _COMMAND_SECRET.finditer(words))


def _of_pair(name: str, value: str) -> Iterator[str]:
    if value and (is_secret_name(name) or is_credential(name, value)):
        yield value
    yield from (value[start:end] for start, end in passwords(value))


def _defaults(text: str) -> Iterator[str]:
    for each in expressions(text):
        if each.argument and each.operator.endswith("-") and is_secret_name(each.name):
            yield each.argument
