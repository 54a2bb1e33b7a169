"""The parser accepts the same texts as Docker Compose."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from composerefactor.errors import InputError
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source

# Texts of values of ``x-value``, and whether they are YAML.
VALUES: list[tuple[str, bool]] = [
    ("x-value:\ta\n", True),
    ("x-value: a\t\n", True),
    ("x-value: a\t# b\n", True),
    ("x-value\t: a\n", True),
    ("x-value: [a,\tb]\n", True),
    ("x-value: &a\tb\n", True),
    ("x-value: a\tb\n", True),
    ("x-value: 'a\tb'\n", True),
    ("x-value: |\t\n  a\n", True),
    ("x-value:\n\ta: b\n", False),
    ("x-value:\n\t- a\n", False),
    ("x-value: &a b\nx-w: *a\n", True),
    ("x-value: *a\n", False),
    ("x-value: {a: !reset }\n", True),
    ("x-value: {a: !reset}\n", False),
    ("x-value: &a: b\n", False),
    ("x-value: {a:b}\n", True),
    ("x-value: {a: b, c: d,}\n", True),
    ("x-value: {a: 1, a: 2}\n", False),
    ("x-value: {1: a, '1': b}\n", False),
    ("x-value: a\nx-value: b\n", False),
    ("? x-value\n: a\n", True),
    ("x-value:\n- a\n-\n", True),
    ("x-value: a: b\n", False),
    ("x-value: @a\n", False),
    ("x-value: [a\n", False),
    ("x-value: |+\n  a\n\n\n", True),
    ("x-value: >2-\n    a\n   b\n", True),
    ("x-value: \x01\n", False),
    ('x-value: "\\ud83d\\ude00"\n', False),
    ('x-value: "\\U00110000"\n', False),
    ("x-value: a\rx-w: b\r", True),
    ("\ufeffx-value: a\r\n", True),
]


@pytest.mark.parametrize(("text", "is_yaml"), VALUES)
def test_as_the_engine(text: str, is_yaml: bool, engine: Path, tmp_path: Path) -> None:  # noqa: FBT001
    path = tmp_path / "compose.yaml"
    path.write_bytes(text.encode())
    command = [str(engine), "--project-name", "p", "-f", path.name, "config", "-q"]
    run = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert (run.returncode == 0) is is_yaml, run.stderr
    try:
        parse(Source.decode(path.name, path.read_bytes()))
    except InputError:
        assert not is_yaml
    else:
        assert is_yaml


def test_a_line_that_only_docker_compose_sees(engine: Path, tmp_path: Path) -> None:
    text = "x-value: # note\u2028x-hidden: seen\n"
    path = tmp_path / "compose.yaml"
    path.write_bytes(text.encode())
    command = [str(engine), "--project-name", "p", "-f", path.name, "config"]
    run = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    assert b"x-hidden: seen" in run.stdout
    with pytest.raises(InputError, match="U\\+2028"):
        parse(Source.decode(path.name, path.read_bytes()))
