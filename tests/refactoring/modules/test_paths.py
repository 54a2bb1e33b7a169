"""Which attributes of a service can move to another directory, and what changes in them."""

from __future__ import annotations

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.edit.planned_files import PlannedFile, Slice
from composerefactor.refactoring.modules.paths import replacements
from composerefactor.refactoring.split.extends import fixed_attributes
from composerefactor.yaml.source import Source

# The attributes of a service, and the same as they are in a directory two levels further down.
MOVING = [
    ("build: .", "build: ../.."),
    ("build: app", "build: ../../app"),
    ("build: {dockerfile: ../D}", "build: {dockerfile: ../D}"),
    ("build: {context: ./, target: a}", "build: {context: ../../, target: a}"),
    ("build: https://example.com/a.git#main:sub", "build: https://example.com/a.git#main:sub"),
    (
        "build: {context: ., additional_contexts: [a=./a, 'b=docker-image://b']}",
        "build: {context: ../.., additional_contexts: [a=../../a, 'b=docker-image://b']}",
    ),
    ("build: {context: ., ssh: [default]}", "build: {context: ../.., ssh: [default]}"),
    (
        "env_file: [.env, ../a.env, {path: ./b}]",
        "env_file: [../../.env, ../../../a.env, {path: ../../b}]",
    ),
    ("label_file: ['a', \"./b\"]", "label_file: ['../../a', \"../../b\"]"),
    (
        "volumes: [.:/a, ..:/b, ./c$D:/c, dd:/d, 'C:\\g:/g', .h:/h]",
        "volumes: [../..:/a, ../../..:/b, ../../c$D:/c, dd:/d, 'C:\\g:/g', ../../.h:/h]",
    ),
    ("volumes: [~/a:/a, /b:/b, c:/c]", "volumes: [~/a:/a, /b:/b, c:/c]"),
    (
        "volumes: [{type: bind, source: ./a, target: /a}, {source: b, target: /b}]",
        "volumes: [{type: bind, source: ../../a, target: /a}, {source: b, target: /b}]",
    ),
    (
        "develop: {watch: [{path: ./a, target: /a, ignore: [./b]}]}",
        "develop: {watch: [{path: ../../a, target: /a, ignore: [./b]}]}",
    ),
    ("extends: {file: ./a.yml, service: a}", "extends: {file: ../../a.yml, service: a}"),
    ("security_opt: ['seccomp:./a.json']", "security_opt: ['seccomp:./a.json']"),
    ("devices: [./a:/a]", "devices: [./a:/a]"),
    ("environment: {A: ./a, B: '${B:-./b}'}", "environment: {A: ./a, B: '${B:-./b}'}"),
    ("image: !!str a", "image: !!str a"),
]

# The attributes of a service, and those of them that have to stay.
STAYING = [
    ("volumes: ['${D:-./d}:/d', ./a:/a]", {"volumes"}),
    ("volumes: [$D/a:/a]\n    image: a", {"volumes"}),
    ("env_file: ${F}", {"env_file"}),
    ("build: {context: '${C:-.}'}", {"build"}),
    ("build: {context: ., additional_contexts: {a: '${A}'}}", {"build"}),
    ("build: {context: ., ssh: [k=./key]}", {"build"}),
    ("develop: {watch: [{path: '${P}'}]}", {"develop"}),
    ("extends: {file: '${F}', service: a}", {"extends"}),
    ('volumes: ["\\x2e/a:/a"]', {"volumes"}),
    ("build: |-\n      ./app", {"build"}),
    ("ports: !reset []", {"ports"}),
    ("environment: {A: !reset null}", {"environment"}),
    ("<<: *volumes\n    image: a", {"<<"}),
    ("<<: *both\n    image: a\n    tty: true", {"<<", "image"}),
    ("<<: [*plain, *volumes]\n    hostname: a", {"<<", "hostname"}),
    ("<<: *volumes\n    volumes: [./a:/a]", set[str]()),
    ("volumes: *list", {"volumes"}),
    ("environment: *tagged", {"environment"}),
]

ANCHORS = """
x-a: &volumes {volumes: ['${V}:/v']}
x-b: &both {volumes: ['${V}:/v'], image: b}
x-c: &plain {hostname: c}
x-d: &list ['${V}:/v']
x-e: &tagged {A: !reset null}
"""


def service(attributes: str) -> ComposeFile:
    text = f"{ANCHORS}services:\n  a:\n    {attributes}\n"
    return ComposeFile.parse(Source("compose.yaml", text))


@pytest.mark.parametrize(("before", "after"), MOVING)
def test_paths_are_written_anew(before: str, after: str) -> None:
    file = service(before)
    body = file.services["a"]
    assert fixed_attributes(body, file.source) == {}
    whole = PlannedFile("b", (Slice(file.source, 0, len(file.source.text)),))
    moved = whole.rewritten(file.source, replacements(body, file.source, "../.."))
    assert moved.text() == service(after).source.text
    assert list(replacements(body, file.source, ".")) == []


@pytest.mark.parametrize(("text", "names"), STAYING)
def test_what_has_to_stay(text: str, names: set[str]) -> None:
    file = service(text)
    assert fixed_attributes(file.services["a"], file.source).keys() == names
