"""The masking of secrets, which every output of the tool uses.

A :class:`Masking` knows the secrets of a project, and masks them wherever they occur, as well as
what the recogniser of ``secret_spans.py`` finds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import Any

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import RESOURCE_SECTIONS
from composerefactor.compose.interpolation import expressions
from composerefactor.compose.project import Project
from composerefactor.compose.secret_spans import (
    TOKENS,
    Span,
    file_spans,
    login_spans,
    merged,
    password_spans,
    said_spans,
    secret_spans,
    url_spans,
    word_spans,
)
from composerefactor.compose.secrets import (
    NO_VALUE,
    ORDINARY_VALUE,
    is_common_word,
    is_credential,
    is_mixed,
    is_reference,
    is_secret,
)
from composerefactor.errors import ComposerefactorError
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from composerefactor.yaml.values import item_nodes, merged_get, names_in, scalar_text, text_below

MASK = "***"


def _replaced(text: str, spans: Iterable[Span]) -> str:
    """Return *text* with :data:`MASK` at *spans*; as many lines as before."""
    parts, at = [], 0
    for start, end in spans:
        lines = text[start:end].split("\n")
        masked = "\n".join(MASK if line.strip() else line for line in lines)
        parts += [text[at:start], masked]
        at = end
    return "".join([*parts, text[at:]])


class Masking:
    """Masks the secrets of a project in texts, and those that the recogniser finds in any text.

    A masking without values knows no project, and masks what the recogniser finds.
    """

    def __init__(self, values: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        """Mask *values*, which are secrets, wherever they occur, but not inside of *names*.

        *names* are those of services, images and other parts of the project.
        """
        self._values = frozenset(values)
        self._names = frozenset(names)
        self._shown: dict[str, str] = {}

    @classmethod
    def of(cls, project: Project, environ: Mapping[str, str] | None = None) -> Masking:
        """Return the masking for *project* and the shell variables *environ*."""
        values = {*known_values(project), *_of_pairs((environ or {}).items())}
        return cls(values, project_names(project))

    def __or__(self, other: Masking) -> Masking:
        """Return the masking of the secrets of both."""
        return Masking(self._values | other._values, self._names | other._names)

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        """The secrets to mask in all texts, the longest first."""
        lines = {line.strip("\"' \t") for value in self._values for line in value.splitlines()}
        whole = {value.strip("\"' \t\n") for value in self._values}
        found = {
            value
            for value in whole | {line for line in lines if _is_distinctive(line)}
            if len(value) >= _SHORTEST
            and not NO_VALUE.fullmatch(value)
            and not re.fullmatch(ORDINARY_VALUE, value)
            and not is_common_word(value)
            and not is_reference(value)
            and not any(value in name for name in self._names)
        }
        return tuple(sorted(found, key=lambda value: (-len(value), value)))

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return _pattern_of(self._secrets)

    @cached_property
    def _distinctive(self) -> re.Pattern[str] | None:
        return _pattern_of([value for value in self._secrets if _is_distinctive(value)])

    def message(self, text: str) -> str:
        """Return *text*, a sentence or the lines of a report, without the known secrets."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def markup(self, text: str) -> str:
        """Return *text*, a document with its own words, without the known secrets.

        A secret that is an ordinary word is not masked: it may be a word of the document.
        """
        return text if self._distinctive is None else self._distinctive.sub(MASK, text)

    def error(self, error: ComposerefactorError) -> ComposerefactorError:
        """Return *error*, now without secrets in its message, its remedy and its source line."""
        error.message, error.remedy = self.text(error.message), self.text(error.remedy)
        error.source_line = self.lines([self.message(error.source_line)])[0]
        return error

    def text(self, text: str) -> str:
        """Return *text*, a value, a command or a message, without secrets."""
        if text not in self._shown:  # services and start commands share many values
            known = self.message(text)
            spans = file_spans(known) if "\n" in known else secret_spans(known)
            self._shown[text] = _replaced(known, spans)
        return self._shown[text]

    def image(self, text: str) -> str:
        """Return *text*, the reference of an image, without credentials of a registry."""
        spans = [*(match.span() for match in TOKENS.finditer(text)), *url_spans(text)]
        return _replaced(text, merged(spans))

    def named(self, name: str, value: str) -> str:
        """Return *value* of the variable or attribute *name* without secrets."""
        if is_secret(name, value):
            return MASK
        return self.text(_replaced(value, login_spans(name, value, 0)))

    def value(self, value: Any, name: str = "") -> Any:
        """Return a value of a YAML document without secrets; *name* is its key."""
        if isinstance(value, dict):
            return {key: self.value(part, str(key)) for key, part in value.items()}
        if isinstance(value, list):
            return self._items(value, name)
        if value is None or isinstance(value, bool):
            return value
        if name == "image":
            return self.image(value) if isinstance(value, str) else value
        if not isinstance(value, str):
            return MASK if is_secret(name, str(value)) else value
        return self.named(name, value)

    def _items(self, items: list[Any], name: str) -> list[Any]:
        if not all(isinstance(item, str) for item in items):
            return [self.value(item, name) for item in items]
        spans: dict[int, list[Span]] = {}
        for n, start, end in word_spans(items):
            spans.setdefault(n, []).append((start, end))
        return [
            self.named(name, _replaced(item, merged(spans.get(n, ()))))
            for n, item in enumerate(items)
        ]

    def lines(self, lines: Iterable[str]) -> list[str]:
        """Return the *lines* of a file or a patch without secrets."""
        listed = list(lines)
        is_patch = any(line.startswith(("@@ ", "+", "-  ")) for line in listed)
        marks = [line[:1] if is_patch and line[:1] in {"+", "-"} else "" for line in listed]
        bodies = [
            f" {line[1:]}" if mark else line for line, mark in zip(listed, marks, strict=True)
        ]
        text = "\n".join(bodies)
        masked = self.message(_replaced(text, file_spans(text))).split("\n") if listed else []
        return [
            f"{mark}{line[1:]}" if mark else line for line, mark in zip(masked, marks, strict=True)
        ]

    def document(self, value: Any, own: Container[str] = ()) -> Any:
        """Return *value*, the plain values of a JSON document, without the known secrets.

        The values of the keys *own* are words of the document, such as the names of rules.
        """
        if isinstance(value, Mapping):
            return {
                key: part if key in own else self.document(part, own) for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.document(part, own) for part in value]
        return self.message(value) if isinstance(value, str) else value


GENERAL = Masking()
"""Masks what the recogniser finds, where no project is known."""

_PAIRS = frozenset({"environment", "args", "labels"})
"""Attributes that are lists of ``NAME=value``."""

_SHORTEST = 4
_DISTINCTIVE_LENGTH = 6


def _is_distinctive(value: str) -> bool:
    """Return whether a text is unlikely to contain the secret *value* by chance."""
    return len(value) >= _DISTINCTIVE_LENGTH and is_mixed(value)


_HTML_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HTML = _HTML_TEXT | str.maketrans({'"': "&quot;", "'": "&#x27;"})
"""How HTML has a text between tags, and in an attribute."""


def _pattern_of(secrets: Sequence[str]) -> re.Pattern[str] | None:
    """Return a pattern for *secrets*, also as written in JSON, HTML, Markdown and YAML."""
    alternatives: dict[str, None] = {}
    for secret in secrets:
        forms = (
            secret,
            json.dumps(secret, ensure_ascii=False)[1:-1],
            secret.translate(_HTML),
            secret.translate(_HTML_TEXT),
            secret.replace("$", "$$"),
            secret.replace("'", "''"),
            secret.replace("'", "\\'"),
            re.sub(r"[\\`*_\[\]<|~]", r"\\\g<0>", secret),
        )
        for form in forms:
            pattern = re.escape(form)
            alternatives[pattern if _is_distinctive(secret) else rf"(?<!\w){pattern}(?!\w)"] = None
    if not alternatives:
        return None
    return re.compile("|".join(sorted(alternatives, key=len, reverse=True)))


@contextmanager
def masked_errors(masking_of: Callable[[], Masking]) -> Iterator[None]:
    """Mask the secrets in an error that leaves the context.

    *masking_of* is called only then, since it may look for the secrets of a whole project.
    """
    try:
        yield
    except ComposerefactorError as error:
        masking_of().error(error)
        raise


def project_names(project: Project) -> frozenset[str]:
    """Return the names that a report on *project* contains everywhere: they are not masked."""
    names: set[str] = {*project.inputs, *project.files}
    for file in project.files.values():
        for section in ("services", *RESOURCE_SECTIONS):
            names.update(names_in(file.root.get(section)))
        for service in file.services.values():
            build = merged_get(service, "build")
            context = scalar_text(build) or text_below(build, "context") or ""
            image = GENERAL.image(text_below(service, "image") or "")
            parts = re.split(r"[/:@]", f"{image}/{'' if '://' in context else context}")
            names.update(part for part in parts if not re.search(r"[${}]", part))
            names.add(text_below(service, "container_name") or "")
    return frozenset(name for name in names if name)


def known_values(project: Project) -> Iterator[str]:
    """Yield the secrets in the Compose files and env files of *project*."""
    for file in project.files.values():
        yield from _of_node(file.root, "")
        text = file.source.text
        yield from (text[start:end] for start, end in said_spans(text))  # also in comments
    sources = frozenset(_secret_sources(project))
    unread = {error.location.path for error in project.errors.values() if error.location}
    for path in sorted((project.inputs | unread) - set(project.files)):
        text = project.text(path) or ""
        yield from values_in_env_file(text)
        yield from (p.value for p in assignments(text) if p.name in sources)


def _secret_sources(project: Project) -> Iterator[str]:
    """Yield the names of the variables that ``secrets`` with ``environment`` take."""
    for file in project.files.values():
        secrets = file.root.get("secrets")
        for name in names_in(secrets):
            value = merged_get(merged_get(secrets, name), "environment")
            yield from filter(None, [scalar_text(value)])


@lru_cache(maxsize=64)
def values_in_env_file(text: str) -> tuple[str, ...]:
    """Return the secrets in the *text* of an env file."""
    pairs = [(pair.name, pair.value) for pair in assignments(text)]
    secrets = {*_of_pairs(pairs)}
    # An ordinary word such as that of `PRIVATE_DISK=local` is part of other texts, too.
    words = {value for _, value in pairs if not _is_distinctive(value)} - secrets
    spans = (text[start:end] for start, end in file_spans(text))
    return (*secrets, *(value for value in spans if value not in words))


def values_in_config(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the secrets in a resolved configuration."""
    for service in (config.get("services") or {}).values():
        for pairs in (service.get("environment"), (service.get("build") or {}).get("args")):
            if isinstance(pairs, Mapping):
                yield from _of_pairs((name, str(value or "")) for name, value in pairs.items())


def _of_pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in pairs:
        yield from _of_text(value, name)


def _of_text(value: str, name: str) -> Iterator[str]:
    """Yield the secrets in *value* of *name*; not those that other texts may contain by chance."""
    if is_credential(name, value) or (is_secret(name, value) and _is_distinctive(value)):
        yield value
    yield from (value[start:end] for start, end in password_spans(value))
    yield from (value[start:end] for start, end in login_spans(name, value, 0))
    found = file_spans(value) if "\n" in value else secret_spans(value)
    for start, end in found:
        yield value[start:end]
        # In `${A_PASSWORD:-${B:-secret}}`, B has the secret as its default, too.
        yield from (each.argument or "" for each in expressions(value[start:end]))


def _of_node(node: Node, name: str) -> Iterator[str]:
    if isinstance(node, MappingNode):
        named = scalar_text(node.get("name")) or scalar_text(node.get("key")) or ""
        for entry in node.entries:
            is_value = named and entry.name == "value"
            yield from _of_node(entry.value, named if is_value else entry.name or "")
    elif isinstance(node, SequenceNode):
        items = [scalar_text(item) or "" for item in item_nodes(node)]
        yield from (items[n][start:end] for n, start, end in word_spans(items))
        for item in node.items:
            yield from _of_node(item, name)
    elif isinstance(node, ScalarNode) and name == "image":
        yield from (node.value[start:end] for start, end in password_spans(node.value))
    elif isinstance(node, ScalarNode):
        for separator in ("=", ": ") if name in _PAIRS else ():  # the second one is a mistake
            own, found, value = node.value.partition(separator)
            yield from _of_text(value, own) if found else ()
        yield from _of_text(node.value, name)
