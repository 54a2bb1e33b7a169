"""The files of a session: answers that it reads, and settings that it writes.

Answers are a list with one answer per question::

    - goal: split
    - layout: accept
    - finish: write

``- back`` takes back the answer before it. What a session decided is a command line, and sections
of the settings file.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from composerefactor.cli.wizard.session import Answer, Failure, Fill, Question, Session
from composerefactor.cli.wizard.work import Request
from composerefactor.edit.planned_files import FileChange
from composerefactor.errors import InputError, Location, UsageError
from composerefactor.planning.fix_request import FixRequest, option_values
from composerefactor.planning.fixes import PlannedFix
from composerefactor.planning.opening import OpenProject, ProjectSelection
from composerefactor.planning.registry import fixers
from composerefactor.planning.settings import FILE_NAME, load_settings
from composerefactor.planning.split_request import SplitRequest
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.nodes import MappingNode, resolve
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

BACK = "back"


class ScriptedAnswer(Struct, frozen=True):
    """An answer in a file.

    Attributes:
        question: The id of the question, or ``back`` for a step back.
        answer: What is answered, ``""`` for a step back.
        location: Where it is written.
    """

    question: str
    answer: Answer
    location: Location


def read_answers(path: str, data: bytes) -> list[ScriptedAnswer]:
    """Return the answers in *data*, the YAML or JSON content of the file *path*.

    Raises InputError, with the line, for anything but a list of single questions and answers.
    """
    source = Source.decode(path, data)
    tree = parse(source)
    root = None if tree.root is None else yaml.resolve(tree.root)
    if not isinstance(root, yaml.SequenceNode):
        raise InputError(
            "a list of answers is needed",
            location=Location(path),
            remedy="write one answer per line, for example `- goal: split`",
        )
    return [_read(item, source) for item in root.items]


def _read(item: yaml.Node, source: Source) -> ScriptedAnswer:
    location = source.location(item.outer_start)
    value = to_python(yaml.resolve(item), source)
    if value == BACK:
        return ScriptedAnswer(BACK, "", location)
    if isinstance(value, dict) and len(value) == 1:
        ((question, answer),) = value.items()
        if isinstance(answer, list):
            return ScriptedAnswer(str(question), tuple(map(_as_text, answer)), location)
        if not isinstance(answer, dict):
            return ScriptedAnswer(str(question), _as_text(answer), location)
    raise InputError(
        "one question with its answer is needed",
        location=location,
        remedy="for example `- goal: split`",
    )


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def replay(session: Session, answers: Sequence[ScriptedAnswer]) -> int:
    """Answer the questions of *session* in order, and return its exit code.

    Raises InputError for an answer that does not fit its question, UsageError if an answer is
    missing, and any error that the work between the questions raises.
    """
    for scripted in answers:
        question = session.question
        if isinstance(question, Failure) and question.error and scripted.question != BACK:
            raise question.error
        if scripted.question == BACK and session.can_go_back:
            session.back()
            continue
        open_id = question.id if question is not None else "nothing"
        if question is None or scripted.question != open_id:
            raise InputError(
                f"this answers {scripted.question!r}, but the wizard asks {open_id!r}",
                location=scripted.location,
                remedy=_remedy(question),
            )
        try:
            session.answer(scripted.answer)
        except ValueError as error:
            raise InputError(f"{open_id}: {error}", location=scripted.location) from None
    question = session.question
    if isinstance(question, Failure) and question.error:
        raise question.error
    if question is not None:
        raise UsageError(
            f"there is no answer to {question.id!r}: {question.text}", remedy=_remedy(question)
        )
    return session.result


def _remedy(question: Question | None) -> str:
    if question is None:
        return "remove this answer"
    if isinstance(question, Fill):
        return f"add `- {question.id}: {question.default}`"
    values = ", ".join(option.value for option in question.options)
    return f"add `- {question.id}:` with {values}"


EXCLUDED = "skipped in the wizard"

_PLAIN = re.compile(r"[A-Za-z_./][\w./-]*")
_NOT_PLAIN = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def split_section(request: SplitRequest, unmoved: Iterable[str]) -> dict[str, Any]:
    """Return the section ``split`` that repeats *request*; the services *unmoved* do not move."""
    stay = sorted(unmoved)
    return {**request.given} | ({"stay": stay} if stay else {})


def fix_sections(
    requests: Iterable[FixRequest], excluded: Iterable[PlannedFix]
) -> tuple[dict[str, dict[str, Any]], list[PlannedFix]]:
    """Return the sections that repeat *requests* without the fixes *excluded*.

    Also returns the fixes that settings cannot exclude, since they belong to no service.
    """
    requests = list(requests)
    values: dict[str, dict[str, Any]] = {}
    for request in requests:
        for name, value in request.values:
            transform, _, key = name.partition(".")
            values.setdefault(transform, {})[key] = _typed(transform, key, value)
    ignore: dict[str, dict[str, str]] = {}
    others = []
    for fix in excluded:
        services = {e.service for e in fix.change.effects if e.service}
        if services:
            ignore.setdefault(fix.transform, {}).update(dict.fromkeys(sorted(services), EXCLUDED))
        else:
            others.append(fix)
    select = [name for request in requests for name in request.select or ()]
    section: dict[str, Any] = {"select": list(dict.fromkeys(select))} if select else {}
    if any(request.unsafe for request in requests):
        section["unsafe"] = True
    sections: dict[str, dict[str, Any]] = {"fix": section, "transforms": values, "ignore": ignore}
    return {name: section for name, section in sections.items() if section}, others


def _typed(transform: str, key: str, text: str) -> Any:
    """Return *text* as a value of the type of the option *key* of *transform*."""
    options = option_values([f"{transform}.{key}={text}"], fixers())
    value = options[transform][key.replace("-", "_")]
    return list(value) if isinstance(value, tuple) else value


def with_sections(
    opened: OpenProject, sections: Iterable[tuple[str, str]]
) -> tuple[FileChange | None, str]:
    """Return the change that adds *sections*, pairs of name and text, to the settings file.

    An existing file keeps its text. The text of sections that it already has is returned as well:
    the user has to add it by hand. The change is None if nothing can be added.
    """
    exists = opened.files.exists(FILE_NAME)
    before = opened.files.read_bytes(FILE_NAME) if exists else None
    present = _keys(before)
    text = "".join(text for name, text in sections if name not in present)
    rest = "".join(text for name, text in sections if name in present)
    if not text:
        return None, rest
    end = b"\n" if before and not before.endswith(b"\n") else b""
    after = (before or b"") + end + text.encode()
    load_settings(after)  # raises if the result is not valid
    return FileChange(FILE_NAME, before, after), rest


def _keys(content: bytes | None) -> set[str]:
    tree = None if content is None else parse(Source.decode(FILE_NAME, content))
    root = resolve(tree.root) if tree is not None and tree.root is not None else None
    return {e.name for e in root.entries if e.name} if isinstance(root, MappingNode) else set()


def section_text(name: str, section: Mapping[str, Any]) -> str:
    """Return *section* as YAML."""
    return "\n".join(_yaml_lines({name: section}, "")) + "\n"


def _yaml_lines(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield f"{indent}{_scalar(key)}:"
            yield from _yaml_lines(value, f"{indent}  ")
        elif isinstance(value, list | tuple):
            yield f"{indent}{_scalar(key)}:"
            yield from (f"{indent}  - {_scalar(item)}" for item in value)
        else:
            yield f"{indent}{_scalar(key)}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _NOT_PLAIN):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value)


_WIDEST = 74
"""A command is wrapped after this many characters; with its indentation it fits 80 columns."""


def command_line(
    where: ProjectSelection,
    request: Request,
    leave: Collection[str],
    *,
    allow_dirty: bool,
    engine: str,
) -> list[str]:
    """Return the words of the command that carries out *request* without the changes *leave*."""
    words = ["composerefactor", "split" if isinstance(request, SplitRequest) else "fix"]
    path = Path(os.path.relpath(where.path)) if where.path.is_absolute() else where.path
    words += [] if path == Path() else [str(path)]
    words += [word for name in where.file for word in ("-f", name)]
    words += [word for name in where.entry for word in ("--entry", name)]
    words += [word for name in where.env_file for word in ("--env-file", name)]
    words += request.arguments()
    words += [word for id_ in sorted(leave) for word in ("--leave", id_)]
    words += ["--allow-dirty"] if allow_dirty else []
    words += [] if engine == "auto" else ["--engine", engine]
    return [*words, "--yes"]


def shell_text(words: Sequence[str]) -> str:
    """Return *words* quoted for a shell, wrapped with backslashes to the width of a terminal."""
    lines = [""]
    for word in _with_values(words):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDEST:
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}".strip() if len(lines) == 1 else f"{lines[-1]} {word}"
    return " \\\n".join(lines)


def _with_values(words: Sequence[str]) -> Iterator[str]:
    """Yield *words* quoted, each option together with its value."""
    at = 0
    while at < len(words):
        has_value = words[at].startswith("-") and at + 1 < len(words) and words[at + 1][:1] != "-"
        yield shlex.join(words[at : at + 2] if has_value else words[at : at + 1])
        at += 2 if has_value else 1
