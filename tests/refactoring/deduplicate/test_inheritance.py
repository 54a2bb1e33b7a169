"""Blocks become services that others extend only where Docker Compose resolves the same."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest

from composerefactor.proof.comparison import compare
from composerefactor.refactoring.split.options import SplitOptions
from support.commandline import write

from .test_layout import MAIN, Divide

EXTENDED = "docker-compose/extends/docker-compose.common.yml"
BLOCK = """\
restart: always
command: run
environment:
  TZ: UTC
logging:
  driver: local
labels: [a=b]
networks: [front]
tmpfs: [/run]
depends_on: [db]
"""


def project(block: str, *bodies: str) -> dict[str, str]:
    names = ("api", "worker", "job")
    text = "x-common: &common\n" + textwrap.indent(block, "  ") + "\nservices:\n"
    text += "  db:\n    image: postgres:16\n"
    for name, body in zip(names, bodies, strict=False):
        text += f"  {name}:\n    image: {name}\n" + textwrap.indent(body, "    ") + "\n"
    return {MAIN: text + "networks:\n  front:\n  back:\n"}


def extends(divide: Divide, files: dict[str, str]) -> dict[str, str]:
    return divide(files, [MAIN], SplitOptions(anchors="extends"))[1]


@pytest.mark.parametrize(
    ("block", "bodies"),
    [
        (
            BLOCK,
            [
                "<<: *common\nrestart: 'no'\ncommand: [other]\n",
                "hostname: w\n<<: *common\ncommand:\n",
                "<<: *common\nports: ['80:80']\n",
            ],
        ),
        (
            BLOCK,
            [
                "<<: *common\nnetworks: [back, front]\n",
                "<<: *common\nenvironment: ['TZ=CET', B=x]\n",
                "<<: *common\nlabels: [a=c, d=e]\nnetworks: {front: {aliases: [w]}}\n",
            ],
        ),
        (
            BLOCK + "build: .\nenv_file: a.env\nvolumes: [./a:/a, '~/b:/b']\n",
            ["<<: *common\nrestart: 'no'\n", "<<: *common\n"],
        ),
    ],
    ids=["replaced", "named again", "paths"],
)
def test_the_engine_sees_no_difference(
    divide: Divide, engine: Path, tmp_path: Path, block: str, bodies: list[str]
) -> None:
    files = {**project(block, *bodies), "a.env": "X=1\n"}
    found = extends(divide, files)
    assert "<<" not in "".join(text for path, text in found.items() if path != EXTENDED)
    assert found[EXTENDED].endswith("\nservices:\n  common: *common\n")
    root = tmp_path / "project"  # one place, since models hold absolute paths
    ways = ((), ("--no-interpolate",))
    before = [resolved(engine, write(root, files), *options) for options in ways]
    after = [resolved(engine, write(root, found), *options) for options in ways]
    for was, now in zip(before, after, strict=True):
        assert compare(was, now, moved=["x-common"]) == []


def resolved(engine: Path, root: Path, *options: str) -> bytes:
    command = [str(engine), "-p", "p", "config", *options]
    return subprocess.run(
        command, cwd=root, env={"HOME": str(root)}, capture_output=True, check=True
    ).stdout


@pytest.mark.parametrize(
    ("block", "body"),
    [
        (BLOCK, "<<: *common\nenvironment: {A: x}\n"),
        (BLOCK, "<<: *common\nlabels: [c=d]\n"),
        (BLOCK, "<<: *common\nlogging: {driver: local}\n"),
        (BLOCK, "<<: *common\nrestart:\n"),
        (BLOCK, "<<: [*common]\n"),
        (BLOCK, "<<: *common\nextends: db\n"),
        (BLOCK, "<<: *common\nx-more: {<<: *common}\n"),
        (BLOCK + "env_file: a.env\n", "<<: *common\nenv_file: b.env\n"),
        (BLOCK, "<<: *common\nnetworks: [back]\n"),
        (BLOCK, "<<: *common\nenvironment: {TZ: 1}\n"),
        (BLOCK, "<<: *common\nlabels: {a: c}\n"),
        (BLOCK + "volumes: ['${A}:/a']\n", "<<: *common\n"),
        (BLOCK + "build: {target: x}\n", "<<: *common\n"),
        (BLOCK.replace("TZ: UTC", "TZ: 1"), "<<: *common\n"),
        (BLOCK + "hostname:\n", "<<: *common\n"),
        ("restart: always\n", "<<: *common\n"),
    ],
)
def test_what_would_differ_is_copied(divide: Divide, block: str, body: str) -> None:
    found = extends(divide, project(block, "<<: *common\n", body))
    assert EXTENDED not in found
    assert found == divide(project(block, "<<: *common\n", body), [MAIN])[1]


def test_an_anchor_inside_of_the_block_keeps_it(divide: Divide) -> None:
    block = BLOCK.replace("logging:", "logging: &log")
    found = extends(divide, project(block, "<<: *common\n", "<<: *common\n", "logging: *log\n"))
    assert EXTENDED not in found
