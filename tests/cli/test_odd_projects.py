"""Projects that Docker Compose rejects or that are written oddly: words, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.report.analysis.model import Table
from support.commandline import SINGLY, CommandLine, write

DIGITS = "1" * 5000


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  web:\n    image: a\n    depends_on:\n      condition: service_healthy\n",
        f"services:\n  web:\n    image: a\n    ports: ['{DIGITS}:80']\n",
        f"services:\n  web:\n    image: a\n    ports: [{{target: 80, published: '{DIGITS}'}}]\n",
        f"services:\n  web:\n    image: a\n    expose: ['{DIGITS}']\n",
        f"services:\n  web:\n    image: a\n    mem_limit: '{DIGITS}'\n    cpus: '{DIGITS}'\n",
    ],
)
@pytest.mark.parametrize("command", [("analyze",), ("fix", "--unsafe", "--engine", "none")])
def test_what_docker_compose_rejects_is_reported(
    text: str, command: tuple[str, ...], tmp_path: Path, command_line: CommandLine
) -> None:
    write(tmp_path, {"compose.yaml": text})
    arguments = (*command[1:], "--dry-run") if command[0] == "fix" else command[1:]
    assert command_line.plain(tmp_path, command[0], *arguments).code in {0, 3}


def test_a_file_outside_of_the_project_is_left_alone(
    tmp_path: Path, command_line: CommandLine
) -> None:
    outside = "services:\n  shared:\n    image: nginx:1.27\n"
    write(
        tmp_path,
        {
            "outside/c.yml": outside,
            "p/compose.yaml": "include: [../outside/c.yml]\nservices:\n  web: {image: redis:7}\n",
        },
    )
    found = command_line(tmp_path / "p", "fix", "--unsafe", "--engine", "none", "--dry-run")
    assert found.code == 0
    assert b"+++ b/../outside" not in found.out
    assert (tmp_path / "outside" / "c.yml").read_text() == outside


def test_an_explicit_key_is_named(tmp_path: Path, command_line: CommandLine) -> None:
    text = "services:\n  ? web\n  : image: a\n  api:\n    image: b\n  job:\n    image: c\n"
    write(tmp_path, {"compose.yaml": text})
    found = command_line(tmp_path, "split", *SINGLY, "--engine", "none", "--dry-run")
    assert "`? web` in line 2" in found.err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("? services\n: web:\n    image: a\n  api:\n    image: b\n", "`? services` in line 1"),
        ("services:\n  web:\n    image: a\r  api:\n    image: b\n", "ends line 3"),
    ],
)
def test_why_services_are_not_on_lines_of_their_own(
    tmp_path: Path, command_line: CommandLine, text: str, reason: str
) -> None:
    write(tmp_path, {"compose.yaml": text})
    found = command_line(tmp_path, "split", *SINGLY, "--engine", "none", "--dry-run")
    assert reason in found.err


def test_a_service_without_a_name_is_named(tmp_path: Path, command_line: CommandLine) -> None:
    text = 'services:\n  "":\n    image: a\n  api:\n    image: b\n  job:\n    image: c\n'
    write(tmp_path, {"compose.yaml": text})
    found = command_line(tmp_path, "split", *SINGLY, "--engine", "none", "--dry-run")
    assert found.code == 0
    assert "the service in line 2 has no name" in found.err


def test_a_decimal_number_that_is_too_long_is_no_integer(
    tmp_path: Path, command_line: CommandLine
) -> None:
    write(tmp_path, {"compose.yaml": f"services:\n  web: {{image: a, cpus: {DIGITS}}}\n"})
    assert command_line.plain(tmp_path, "analyze").code == 0


def test_retries_that_are_no_number_of_64_bits(tmp_path: Path, command_line: CommandLine) -> None:
    check = f"{{test: [CMD, a], interval: '{DIGITS}s', retries: '{DIGITS}'}}"
    text = f"services:\n  db: {{image: a, healthcheck: {check}}}\n"
    needs = "  web: {image: b, depends_on: {db: {condition: service_healthy}}}\n"
    write(tmp_path, {"compose.yaml": text + needs})
    assert command_line.plain(tmp_path, "analyze", "--full").code == 0


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_the_columns_of_a_table_are_chosen_once(
    form: str, tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Table] = []

    def used(table: Table) -> tuple[int, ...]:
        asked.append(table)
        return tuple(range(len(table.columns)))

    monkeypatch.setattr(Table, "used", property(used))
    write(tmp_path, {"compose.yaml": "services:\n  a: {image: a, ports: [1-300:1-300]}\n"})
    assert command_line.plain(tmp_path, "analyze", "--full", "--format", form).code == 0
    assert 0 < len(asked) < 100


def test_a_service_without_lines_is_explained(tmp_path: Path, command_line: CommandLine) -> None:
    write(tmp_path, {"compose.yaml": "services:\n  web: {}\n  api: {image: a}\n"})
    assert command_line.plain(tmp_path, "explain", "web").code == 0


def test_a_network_without_a_name_is_drawn(tmp_path: Path, command_line: CommandLine) -> None:
    text = "services:\n  web: {image: a, networks: ['']}\n  api: {image: b, network_mode: host}\n"
    write(tmp_path, {"compose.yaml": text})
    page = command_line.plain(tmp_path, "analyze", "--format", "html")
    assert page.code == 0
    assert b"host network" in page.out


def test_an_empty_root_file_moves(tmp_path: Path, command_line: CommandLine) -> None:
    services = "".join(f"  s{n}:\n    image: a\n" for n in range(4))
    write(
        tmp_path,
        {
            "compose.yaml": f"services:\n{services}",
            "compose.override.yaml": "# nothing\n",
            "compose.prod.yaml": "{}\n",
            "Makefile": "up:\n\tdocker compose -f compose.prod.yaml -f compose.yaml up\n",
        },
    )
    moved = ("--move-roots", "deploy", "--dry-run", "--engine", "none")
    assert command_line(tmp_path, "split", *SINGLY, *moved).code in {0, 3}


def test_a_service_that_others_only_extend_is_not_counted(
    tmp_path: Path, command_line: CommandLine
) -> None:
    write(
        tmp_path,
        {
            "lib.yaml": "services:\n  tool: {image: a}\n",
            "compose.yaml": "services:\n"
            + "".join(
                f"  s{n}:\n    extends: {{file: lib.yaml, service: tool}}\n" for n in range(4)
            ),
        },
    )
    found = command_line(tmp_path, "split", *SINGLY, "--engine", "none", "--check")
    assert "4 services" in found.err


def test_json_that_is_nested_deeply(tmp_path: Path, command_line: CommandLine) -> None:
    deep = "[" * 5000 + "]" * 5000
    write(
        tmp_path,
        {
            "compose.yaml": "services:\n  web: {build: ., ports: [3000], command: npm start}\n",
            "Dockerfile": f"FROM node:22\nHEALTHCHECK CMD {deep}\nCMD {deep}\n",
            "package.json": f'{{"scripts": {deep}}}',
        },
    )
    assert command_line.plain(tmp_path, "analyze", "--full").code == 0
    assert command_line(tmp_path, "fix", "--unsafe", "--check", "--engine", "none").code == 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_a_baseline_without_end(tmp_path: Path, command_line: CommandLine) -> None:
    settings = "analyze: {baseline: known.json}\n"
    write(tmp_path, {"compose.yaml": "services: {}\n", ".composerefactor.yml": settings})
    (tmp_path / "known.json").symlink_to("/dev/zero")
    found = command_line.plain(tmp_path, "analyze")
    assert found.code == 3
    assert "the baseline cannot be read: not a regular file" in found.err


def test_a_chain_of_extends_that_is_too_long(tmp_path: Path, command_line: CommandLine) -> None:
    chain = "".join(f"  s{n}:\n    extends: {{service: s{n - 1}}}\n" for n in range(1, 1000))
    write(tmp_path, {"compose.yaml": f"services:\n  s0: {{image: a}}\n{chain}"})
    found = command_line.plain(tmp_path, "analyze")
    assert found.code == 3
    assert "extends more than 100 others" in found.err


def test_a_chain_of_includes_that_is_too_long(tmp_path: Path, command_line: CommandLine) -> None:
    files = {f"f{n}.yaml": f"include: [f{n + 1}.yaml]\n" for n in range(300)}
    write(
        tmp_path, {"compose.yaml": "include: [f0.yaml]\n", **files, "f300.yaml": "services: {}\n"}
    )
    found = command_line.plain(tmp_path, "split", "--check", "--engine", "none")
    assert found.code == 3
    assert "more than 100 files include one another" in found.err
