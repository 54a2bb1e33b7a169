from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.compose.paths import (
    PathAttribute,
    file_path_attributes,
    is_absolute,
    is_outside,
    is_remote,
    path_attributes,
)
from composerefactor.yaml.nodes import MappingNode, ScalarNode
from support.engine import model
from support.nodes import mapping

# A service and its paths: kind, text, whether Docker Compose resolves it.
SERVICES: list[tuple[str, list[tuple[str, str, bool]]]] = [
    ("build: ./app", [("build.context", "./app", True)]),
    ("build: {context: .}", [("build.context", ".", True)]),
    ("build: {target: a}", [("build.context", "", True)]),
    ("build: {context: }", [("build.context", "", True)]),
    (
        "build: {context: a, dockerfile: ../D}",
        [("build.context", "a", True), ("build.dockerfile", "../D", False)],
    ),
    (
        "build: {context: a, additional_contexts: {b: ./b, c: 'docker-image://c'}}",
        [
            ("build.context", "a", True),
            ("build.additional_contexts", "./b", True),
            ("build.additional_contexts", "docker-image://c", True),
        ],
    ),
    (
        "build: {context: a, additional_contexts: [b=./b, c=d=e, f]}",
        [
            ("build.context", "a", True),
            ("build.additional_contexts", "./b", True),
            ("build.additional_contexts", "d=e", True),
        ],
    ),
    (
        "build: {context: a, ssh: [default, k=./key]}",
        [("build.context", "a", True), ("build.ssh", "./key", True)],
    ),
    (
        "build: {context: a, ssh: {default: , k: ./key}}",
        [("build.context", "a", True), ("build.ssh", "./key", True)],
    ),
    ("env_file: a.env", [("env_file", "a.env", True)]),
    (
        "env_file: [a.env, {path: b.env, required: false}]",
        [("env_file", "a.env", True), ("env_file", "b.env", True)],
    ),
    ("label_file: a", [("label_file", "a", True)]),
    ("label_file: [a, ./b]", [("label_file", "a", True), ("label_file", "./b", True)]),
    (
        "volumes: ['./a:/a:ro', 'data:/b', /c, '${D:-./d}:/d', 'C:\\e:/e']",
        [("volumes", "./a", True), ("volumes", "${D:-./d}", True), ("volumes", "C:\\e", True)],
    ),
    (
        "volumes: [{type: bind, source: ./a, target: /a}, {type: volume, source: b, target: /b}]",
        [("volumes", "./a", True)],
    ),
    (
        "volumes: ['${ALL:-./a:/a}', './b${REST}', '/c${REST}', '${A}${B}:/d']",
        [
            ("volumes", "${ALL:-./a:/a}", True),
            ("volumes", "./b${REST}", True),
            ("volumes", "/c${REST}", True),
            ("volumes", "${A}${B}", True),
        ],
    ),
    (
        "volumes: [{type: '${T:-bind}', source: ./a, target: /a}]",
        [("volumes", "./a", True)],
    ),
    (
        "build: {context: a, additional_contexts: ['${B:-b=./b}', 'c=${C:-./c}'], ssh: [$SSH]}",
        [
            ("build.context", "a", True),
            ("build.additional_contexts", "${B:-b=./b}", True),
            ("build.additional_contexts", "${C:-./c}", True),
            ("build.ssh", "$SSH", True),
        ],
    ),
    (
        "develop: {watch: [{path: ./w, action: sync, target: /t, ignore: [n/]}]}",
        [("develop.watch.path", "./w", True)],
    ),
    ("extends: base", []),
    ("extends: {service: base}", []),
    ("extends: {service: base, file: ../a.yml}", [("extends.file", "../a.yml", True)]),
    ("credential_spec: {file: ./c}", [("credential_spec.file", "./c", False)]),
    (
        "security_opt: ['seccomp:./f', 'seccomp=./g', 'seccomp:unconfined', 'label:x', 'seccomp:']",
        [("security_opt", "./f", False), ("security_opt", "./g", False)],
    ),
    (
        "devices: ['./d:/d', {source: ./e, target: /e}]",
        [("devices", "./d", False), ("devices", "./e", False)],
    ),
    (
        "blkio_config: {weight: 1, device_read_bps: [{path: ./sda, rate: 1}]}",
        [("blkio_config.device_read_bps.path", "./sda", False)],
    ),
    ("image: ./a\nworking_dir: ./b\ncommand: ./c\ntmpfs: ./d", []),
]


def as_tuples(attributes: list[PathAttribute]) -> list[tuple[str, str, bool]]:
    return [(path.kind, path.text, path.resolved) for path in attributes]


@pytest.mark.parametrize(("text", "expected"), SERVICES)
def test_paths_of_a_service(text: str, expected: list[tuple[str, str, bool]]) -> None:
    found = list(path_attributes(mapping(text)))
    assert as_tuples(found) == expected
    for path in found:
        if path.is_missing:
            assert isinstance(path.node, MappingNode)
        else:
            assert isinstance(path.node, ScalarNode)
            end = path.offset + len(path.text)
            assert path.node.value[path.offset : end] == path.text


def test_merges_and_aliases() -> None:
    service = mapping(
        "x: &x {build: &b {context: a}, env_file: [&e b.env]}\ns: {<<: *x, label_file: *e}\n"
    ).get("s")
    assert service is not None
    assert as_tuples(list(path_attributes(service))) == [
        ("build.context", "a", True),
        ("env_file", "b.env", True),
        ("label_file", "b.env", True),
    ]


def test_paths_of_a_file() -> None:
    root = mapping(
        """
include:
  - a.yml
  - path: [b.yml, ./c.yml]
    project_directory: .
    env_file: [d.env]
  - path: oci://e
    env_file: /dev/null
services:
  s: &s {build: f}
  t: *s
configs:
  g: {file: ./g}
  h: {environment: H}
secrets:
  i: {file: i}
volumes:
  j:
  k: {driver: local, driver_opts: {type: none, o: bind, device: ./k}}
  l: {driver: local, driver_opts: {o: 'bind,ro', device: ./l}}
  m: {driver_opts: {o: bind, device: ./m}}
  o: {driver: local, driver_opts: {o: $O, device: ./o}}
networks:
  n: {driver: bridge}
"""
    )
    assert as_tuples(list(file_path_attributes(root))) == [
        ("include.path", "a.yml", True),
        ("include.path", "b.yml", True),
        ("include.path", "./c.yml", True),
        ("include.path", "oci://e", True),
        ("include.project_directory", ".", True),
        ("include.env_file", "d.env", True),
        ("include.env_file", "/dev/null", True),
        ("volumes.driver_opts.device", "./k", True),
        ("volumes.driver_opts.device", "./l", False),
        ("volumes.driver_opts.device", "./m", False),
        ("volumes.driver_opts.device", "./o", True),
        ("secrets.file", "i", True),
        ("configs.file", "./g", True),
        ("build.context", "f", True),
        ("build.context", "f", True),
    ]


def test_files_without_paths() -> None:
    assert list(file_path_attributes(mapping("services:\nvolumes: {a: }\n"))) == []


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("build: .", "relative"),
        ("build: ../a", "relative"),
        ("build: a/b", "relative"),
        ("build: a${B}", "relative"),
        ("build: $$a", "relative"),
        ("build: {target: a}", "relative"),
        ("build: /a", "absolute"),
        ("build: 'C:\\a'", "absolute"),
        ("build: 'C:/a'", "absolute"),
        ("build: '\\\\srv\\a'", "absolute"),
        ("build: ~/a", "home"),
        ("build: ${A}/b", "variable"),
        ("build: $A", "variable"),
        ("build: https://a/b.git", "remote"),
        ("build: github.com/a/b", "remote"),
        ("build: git@a:b", "remote"),
        ("env_file: github.com/a", "relative"),
        ("volumes: ['${A:-./a:/a}']", "variable"),
        ("volumes: ['./a${A}']", "relative"),
        ("volumes: [{type: $T, source: ./a, target: /a}]", "variable"),
        ("build: {context: /a, additional_contexts: ['b${A:-=./b}']}", "absolute variable"),
    ],
)
def test_form(text: str, form: str) -> None:
    assert " ".join(path.form for path in path_attributes(mapping(text))) == form


# Without label_file, which v2.24 does not support.
RESOLVED = """
services:
  s:
    image: a
    build: {additional_contexts: [a=./p1, b=../p2], dockerfile: ./p3}
    volumes: ["./p5:/a", {type: bind, source: p6, target: /b}]
    develop: {watch: [{path: ./p7, action: rebuild}]}
    security_opt: ["seccomp:./p8"]
    devices: ["./p9:/d"]
    blkio_config: {device_read_bps: [{path: ./p10, rate: 1}]}
    secrets: [x]
    configs: [x]
  t: {build: ./p11}
  u: {build: "https://p12/a.git"}
secrets: {x: {file: ./p13}}
configs: {x: {file: ./p14}}
volumes:
  one: {driver: local, driver_opts: {o: bind, type: none, device: ./p15}}
  two: {driver: local, driver_opts: {o: "bind,ro", type: none, device: ./p16}}
"""


def test_docker_compose_agrees(engine: Path, tmp_path: Path) -> None:
    text = RESOLVED.replace('"./p5:/a"', '"./p5:/a", "one:/x", "two:/y"')
    loaded = str(model(engine, tmp_path, text))
    for path in file_path_attributes(mapping(RESOLVED)):
        if path.is_missing or path.form != "relative":
            continue
        absolute = str((tmp_path / path.text).resolve())
        assert (f"{absolute}'" in loaded) is path.resolved, path


@pytest.mark.parametrize(
    "path", ["https://a/b.git", "oci://a/b", "git@a:b", "github.com/a/b", "service:a"]
)
def test_remote(path: str) -> None:
    assert is_remote(path)
    assert not is_absolute(path)
    assert not is_outside(path)


@pytest.mark.parametrize("path", ["/a", "~/a", "C:\\a", "C:/a", "\\\\srv\\a"])
def test_absolute(path: str) -> None:
    assert is_absolute(path)
    assert not is_remote(path)
    assert not is_outside(path)


@pytest.mark.parametrize("path", ["..", "../a"])
def test_outside(path: str) -> None:
    assert is_outside(path)
    assert not is_absolute(path)
    assert not is_remote(path)


@pytest.mark.parametrize("path", ["..a", "a/../b", "a", ".", "http"])
def test_plain_path(path: str) -> None:
    assert not is_outside(path)
    assert not is_absolute(path)
    assert not is_remote(path)
