"""What two definitions share: ``cases.toml``, and each case as Docker Compose resolves it."""

from __future__ import annotations

import re
import subprocess
import textwrap
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.proof.comparison import compare
from composerefactor.proof.engine import release
from composerefactor.refactoring.deduplicate.definitions import (
    SharedDefinition,
    SourceDefinition,
    Span,
)
from composerefactor.refactoring.deduplicate.share import share
from composerefactor.yaml.source import Source
from support.commandline import write
from support.engine import release_of

Case = dict[str, Any]
CASES: dict[str, Case] = tomllib.loads((Path(__file__).parent / "cases.toml").read_text("utf-8"))
SIDES = ("first", "second", "third")
RESOURCES = "networks:\n  front:\n  back:\nvolumes:\n  data:\n"
OTHERS = ("db", "cache", "queue")


def service(name: str, body: str) -> str:
    body = body.strip("\n")
    if body.startswith("{"):
        return f"  {name}: {body}\n"
    return f"  {name}:\n" + textwrap.indent(body, "    ") + "\n"


def definition(case: Case, side: str, newline: str = "\n") -> SourceDefinition:
    text = case.get("above", "") + "services:\n" + service("s", case[side])
    file = ComposeFile.parse(Source("a.yml", text.replace("\n", newline)))
    entries = (file.sections or {})["services"].entries
    assert entries is not None
    return SourceDefinition(file.source, entries["s"])


def divided(case: Case, newline: str = "\n") -> tuple[SharedDefinition | None, dict[str, str]]:
    """Return the result, and the texts that it takes."""
    sides = [side for side in SIDES if side in case]
    definitions = [definition(case, side, newline) for side in sides]
    found = share(definitions)
    if found is None:
        return None, {}
    texts = {"shared": text(definitions[0], found.common, found.added_lines)}
    for side, d, rest in zip(sides, definitions, found.remainders, strict=True):
        texts[f"{side}_adds"] = text(d, rest)
    return found, {key: value for key, value in texts.items() if value}


def text(d: SourceDefinition, spans: list[Span], added: Sequence[tuple[int, str]] = ()) -> str:
    lines = ""
    for start, end in spans:
        line = d.source.line(start)
        indent = line[: len(line) - len(line.lstrip())]
        lines += "".join(
            f"{indent}{more}\n" for at, more in added if at == start and not is_note(more)
        )
        lines += d.source.text[start:end]
    return textwrap.dedent(lines.replace("\r\n", "\n"))


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", CASES)
def test_what_is_shared(name: str, newline: str) -> None:
    case = CASES[name]
    found, texts = divided(case, newline)
    assert texts == {k: case[k] for k in ("shared", *(f"{s}_adds" for s in SIDES)) if k in case}
    notes = [line for _, line in found.added_lines if is_note(line)] if found else []
    assert notes == case.get("notes", [])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "shared" in case])
def test_every_line_of_the_first_stands_once(name: str) -> None:
    case = CASES[name]
    taken = Counter(lines(case["shared"]) + lines(case.get("first_adds", "")))
    written = Counter(lines(case["first"]))
    assert written - taken == Counter()
    others = {line for side in SIDES[1:] for line in lines(case.get(side, ""))}
    assert {line for line in taken - written if not line.endswith(":")} <= others


def is_note(added: str) -> bool:
    return added.startswith("#") and "\n" not in added


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_the_engine_merges_them_again(engine: Path, tmp_path: Path) -> None:
    cases = {
        f"s{n}": case
        for n, case in enumerate(CASES.values())
        if "shared" in case and release_of(engine) >= release(case.get("since", ""))
    }
    above = "".join(dict.fromkeys(case.get("above", "") for case in cases.values()))
    blocks = re.findall(r"^x-[a-z]+", above, re.MULTILINE)
    files = dict.fromkeys(("a.env", "b.env"), "")
    files["base.yml"] = "services:\n  base: {image: busybox, dns: [9.9.9.9], tty: false}\n"
    for side in SIDES:
        sides = {n: side if side in c else "first" for n, c in cases.items()}
        files[f"{side}.yml"] = whole(above, {n: cases[n][s] for n, s in sides.items()}) + RESOURCES
        adds = {n: cases[n][f"{s}_adds"] for n, s in sides.items() if f"{s}_adds" in cases[n]}
        files[f"{side}-adds.yml"] = whole(above, adds)
        files[f"{side}-root.yml"] = (
            "include:\n  - project_directory: .\n    path:\n"
            f"      - shared.yml\n      - {side}-adds.yml\n" + RESOURCES
        )
    files["shared.yml"] = whole(above, {n: c["shared"] for n, c in cases.items()})
    write(tmp_path, files)
    for side in SIDES:
        for options in ((), ("--no-interpolate",)):
            original = resolved(engine, tmp_path, f"{side}.yml", *options)
            merged = resolved(engine, tmp_path, f"{side}-root.yml", *options)
            assert compare(original, merged, moved=blocks) == []


def whole(above: str, bodies: dict[str, str]) -> str:
    others = "".join(f"  {name}: {{image: {name}}}\n" for name in OTHERS)
    services = "".join(service(name, body) for name, body in bodies.items())
    return f"{above}services:\n{others}{services}"


def resolved(engine: Path, root: Path, name: str, *options: str) -> bytes:
    found = subprocess.run(
        [str(engine), "-p", "p", "-f", name, "config", *options],
        cwd=root,
        env={"HOME": str(root)},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr.decode()
    return found.stdout
