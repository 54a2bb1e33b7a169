"""Random damage to the files of a project: on bytes, on lines, and on YAML values."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

SEED = int(os.environ.get("COMPOSEREFACTOR_MUTATED_SEED", "0"))
CORPUS = os.environ.get("COMPOSEREFACTOR_CORPUS")
GOLDEN = Path(__file__).parents[2] / "golden"
LARGEST = 6_000
"""Bytes of a project: larger ones show nothing new, and take long."""


VALUES = (
    *(
        "",
        "null",
        "~",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[null]",
        "{a: }",
        "{? a}",
        "{[a]: b}",
        "{{}: 1}",
    ),
    *("true", "no", "0", "-1", "1e9", "0o17", "0x1F", ".nan", "-.inf", "12:30:45", "2024-01-02"),
    *("2024-01-02 10:00:00 +1", "1" * 400, "'" + "9" * 5000 + "'", "'" + "a" * 9000 + "'"),
    *("[1, 2, 3]", "{a: 1, b: [c, {d: e}]}", "[a, [b, [c, [d]]]]", "[a: b, c: d]", "{a, b}"),
    *("!reset null", "!reset", "!override []", "!override {}", "!!binary aGk=", "!!set {a}"),
    *("!!str", "!!int x", "!!python/object:os.system x", "!!omap [a: 1]", "!x y", "&a *a", "*gone"),
    *("&new {x: 1}", "|\n  text", ">-\n\n  folded\n   more\n", '"\\x00"', '"\\uD800"', "'$'", "$"),
    *("${", "${}", "${A", "${A:-${B:-${C:-d}}}", "${A:?x}", "${A:+${B}}", "$$A", "${A:-[]}"),
    *("${A}${B}", "🐳", "\u202eevil", "a\u2028b", "\x1b[31m", "a\u0085b", "\x07", "'a\n\n\n b'"),
    *(
        "..",
        "/",
        "~",
        "./",
        "../../..",
        "a/../../b",
        "C:\\x",
        "http://x",
        "git@x:y",
        "-",
        "--",
        "?",
    ),
    *("service_healthy", "web", "service:web", "container:web", "host", "none", "default"),
    *("80:80", "1-65535:1-65535", "80/udp", "[::1]:80:80", "::", ":::", "80-70:1-2", "x:y:z"),
    *("a:b:c:d", ":/x", "/x:", "/:/:ro,z", "a:/b:ro", "1.5g", "-1m", "1s2", "0.5.5", "50%"),
)
KEYS = (
    *(
        "<<",
        "? a",
        "?",
        "null",
        "~",
        "true",
        "1",
        "2024-01-02",
        '""',
        "[a, b]",
        "{a: b}",
        "!reset a",
    ),
    *(
        "extends",
        "include",
        "services",
        "image",
        "build",
        "depends_on",
        "x-a",
        "networks",
        "volumes",
    ),
    *(
        "environment",
        "env_file",
        "ports",
        "healthcheck",
        "command",
        "deploy",
        "profiles",
        "secrets",
    ),
    *(
        "configs",
        "labels",
        "logging",
        "provider",
        "models",
        "develop",
        "post_start",
        "volumes_from",
    ),
    *("network_mode", "links", "tmpfs", "ulimits", "extra_hosts", "name", "version", "a" * 2000),
)
BLOCKS = (
    "extends: {file: compose.yaml}",
    "extends: {service: web, file: [a]}",
    "extends: [web]",
    "extends: web",
    "extends: {file: ../x.yml, service: null}",
    "include: a.yml",
    "include: {path: a.yml}",
    "include: [[a.yml]]",
    "include: [{path: []}]",
    "include: [null]",
    "include:\n- path: [compose.yaml, .env]\n  env_file: [x]\n  project_directory: {}",
    "<<: [*a, {b: c}]",
    "<<: text",
    "<<: [[{a: b}]]",
    "<<: null",
    "build: {context: [], dockerfile: {}, args: [[]], additional_contexts: 1}",
    "build: {additional_contexts: {a: service:web}, dockerfile_inline: 1, target: []}",
    "depends_on: {web: null, b: [], c: {condition: 1, required: x}}",
    "depends_on: [null, 1, {a: b}]",
    "environment: [A, B=, =C, {D: E}, null, 1]",
    "environment: {A: {b: c}, B: [d], 1: 2, null: x}",
    "env_file: [{path: []}, {path: null, required: x}, 1]",
    "env_file: {path: .env}",
    "ports: [80, 1.5, {target: x, published: []}, null, [80]]",
    "ports: {a: b}",
    "expose: [{}, 80-90, null]",
    "volumes: [null, {type: bind}, {source: [], target: 1}, 5, [a, b]]",
    "volumes: {a: [], b: 1, c: {name: {}, external: {name: []}}}",
    "networks: [null, {a: b}]",
    "networks: {default: [], a: {aliases: x, external: yes}, b: 3}",
    "healthcheck: {test: {}, interval: [], retries: x, disable: maybe}",
    "healthcheck: {test: [CMD, [a], {b: c}, null, 1]}",
    "healthcheck: [a]",
    "command: [[a], {b: c}, null, 1, 2.5, true]",
    "command: {a: b}",
    'command: "a \'b"',
    "deploy: [a]",
    "deploy: {resources: [], replicas: x, mode: {}}",
    "deploy: {resources: {limits: [], reservations: {devices: [1, null]}}}",
    "secrets: [null, {source: []}, 1]",
    "secrets: {a: [], b: {file: {}}, c: {environment: 1, external: 2}}",
    "configs: {a: {content: [1]}, b: null, c: {file: 1}}",
    "labels: [a=b, {c: d}, null]",
    "logging: [a]",
    "logging: {driver: [], options: [a]}",
    "profiles: a",
    "profiles: {a: b}",
    "profiles: [[a], null, 1]",
    "restart: [a]",
    "image: {a: b}",
    "image: [a]",
    "image: 12:30",
    "ulimits: {nofile: [], nproc: {soft: x}}",
    "provider: x",
    "provider: {type: [], options: [a]}",
    "develop: {watch: [null, {path: [], action: 1}, a]}",
    "post_start: [{command: {}}, null]",
    "models: [a, {b: c}, null]",
    "gpus: [all, {count: x}]",
    "sysctls: [a, {b: c}]",
    "extra_hosts: [a, null, {b: c}]",
    "volumes_from: [null, {a: b}, container:x:y:z]",
    "network_mode: {a: b}",
    "links: {a: b}",
    "name: [a]",
    "name: {b: c}",
    "version: [3]",
    "services: [a, b]",
    "services: {a: null, b: [], c: 1, d: text}",
    "services: null",
    "--- # another document\nservices: {z: {image: z}}",
    "---\n- a\n",
    "---\n...\n---",
    "%YAML 1.1\n---",
)  # fmt: skip

Mutate = Callable[[str, random.Random], str]


def _bytes(text: str, rng: random.Random) -> str:
    """Delete, double or replace a few characters."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((0, 1, 1, 2, 8, 40)))
        put = rng.choice(("", text[at:end] * 2, *":-#'\"[]{}&*!|>%@`,? \t\n\r\0\ufeff\u00a0\u2028"))
        text = text[:at] + put + text[end:]
    return text


def _lines(text: str, rng: random.Random) -> str:
    """Delete, double, swap, move or indent lines."""
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    end = min(len(lines), at + rng.choice((1, 1, 1, 2, 3, 10)))
    part = lines[at:end]
    kind = rng.randrange(6)
    if kind == 0:
        lines[at:end] = []
    elif kind == 1:
        lines[at:end] = part * rng.choice((2, 2, 3))
    elif kind == 2:
        lines[at:end] = reversed(part)
    elif kind == 3:
        del lines[at:end]
        to = rng.randrange(len(lines) + 1)
        lines[to:to] = part
    elif kind == 4:
        by = rng.choice((" ", "  ", "    ", "\t"))
        lines[at:end] = [by + line for line in part]
    else:
        lines[at:end] = [line.removeprefix("  ") for line in part]
    return "".join(lines)


def _value(text: str, rng: random.Random) -> str:
    """Give a key or an item another value, or a key another name."""
    lines = text.splitlines(keepends=True)
    found = [n for n, line in enumerate(lines) if re.match(r"\s*(- |[\w.-]+:)", line)]
    if not found:
        return text
    n = rng.choice(found)
    line, indent = lines[n], len(lines[n]) - len(lines[n].lstrip())
    if rng.random() < 0.2:
        lines[n] = re.sub(r"[\w.-]+:", lambda _: f"{rng.choice(KEYS)}:", line, count=1)
        return "".join(lines)
    end = n + 1
    while end < len(lines) and (
        not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
    ):
        end += 1
    head = re.match(r"\s*(?:- (?:[\w.-]+: ?)?|[\w.-]+:)", line)
    assert head is not None
    value = rng.choice(VALUES).replace("\n", "\n" + " " * (indent + 1))
    lines[n : rng.choice((n + 1, end))] = [f"{head[0].rstrip()} {value}\n"]
    return "".join(lines)


def _block(text: str, rng: random.Random) -> str:
    """Add an attribute, odd as a whole, at the indentation of a random line."""
    lines = text.splitlines(keepends=True)
    n = rng.randrange(len(lines))
    indent = " " * (len(lines[n]) - len(lines[n].lstrip()))
    block = rng.choice(BLOCKS)
    lines.insert(n, "".join(f"{indent}{line}\n" for line in block.split("\n")))
    return "".join(lines)


def _whole(text: str, rng: random.Random) -> str:
    """Change the file as a whole: line ends, byte order mark, documents, length."""
    start = rng.choice(("---\n", "\n\n", "# note\n", "%YAML 1.2\n---\n", "x-a: &a {b: c}\n"))
    end = rng.choice(("\n---\n", "\n...\n", "\n---\n" + text, "\n# end", "\n\t\n"))
    return rng.choice(
        (
            text.replace("\n", "\r\n"),
            text.replace("\n", "\r", rng.randrange(1, 5)),
            "\ufeff" + text,
            text.rstrip("\n"),
            text[: rng.randrange(len(text))],
            start + text,
            text + end,
            text.replace("  ", "\t", rng.randrange(1, 4)),
        )
    )


KINDS: tuple[Mutate, ...] = (_bytes, _lines, _lines, _value, _value, _value, _block, _block, _whole)


def projects() -> list[Path]:
    """Return the directories with the projects that are damaged."""
    found = Path(CORPUS).glob("*/files") if CORPUS else GOLDEN.glob("*/*/before")
    return sorted(
        each
        for each in found
        if sum(path.stat().st_size for path in each.rglob("*") if path.is_file()) <= LARGEST
    )


def mutated(files: Mapping[str, bytes], rng: random.Random) -> dict[str, bytes]:
    """Return *files* with one to four changes that *rng* chooses, mostly in Compose files."""
    found = dict(files)
    compose = [name for name in sorted(found) if name.endswith((".yml", ".yaml"))]
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        name = rng.choice(compose if compose and rng.random() < 0.9 else sorted(found))
        text = found[name].decode("utf-8", "surrogateescape")
        if text:
            changed = rng.choice(KINDS)(text, rng)
            found[name] = changed.encode("utf-8", "surrogateescape")
    return found
