# ruff: noqa: E501 - tables with a case a line
"""Commands in the comments of Compose files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from composerefactor.discovery.find import Survey

Surveyed = Callable[[Mapping[str, str | None]], Survey]

BASE = "services:\n  web:\n    image: nginx\n  db:\n    image: postgres\n"
GPU = "services:\n  model:\n    image: acme/model\n"
"""A file that is complete: only its comments say that it is merged over another."""


def entries_of(survey: Survey) -> list[tuple[str, ...]]:
    return [entry.files for entry in survey.entries]


@pytest.mark.parametrize(
    "header",
    [
        "# docker compose -f docker-compose.yml -f docker-compose.gpu.yml up",
        "# Usage: docker compose -f docker-compose.yml -f docker-compose.gpu.yml up -d",
        "# Usage: `docker-compose -f docker-compose.yml -f docker-compose.gpu.yml up`.",
        "# run it with 'docker compose -f docker-compose.yml -f docker-compose.gpu.yml up'",
        "#   $ sudo docker compose -f ./docker-compose.yml -f ./docker-compose.gpu.yml up",
        "#!# docker compose --file=docker-compose.yml --file docker-compose.gpu.yml config",
        "# PS> docker compose -f .\\docker-compose.yml -f .\\docker-compose.gpu.yml up",
        "# docker compose -f $PWD/docker-compose.yml -f ${PWD}/docker-compose.gpu.yml up",
        '# docker compose -f "docker-compose.yml" -f "docker-compose.gpu.yml" up',
        "# GPU=1 docker compose -p shop -f docker-compose.yml -f docker-compose.gpu.yml up",
        "# podman compose -f docker-compose.yml -f docker-compose.gpu.yml up",
        "# (docker compose -f docker-compose.yml -f docker-compose.gpu.yml)",
        "# It's easy: docker compose -f docker-compose.yml -f docker-compose.gpu.yml up, that's all",
        "# Run\n#   docker compose \\\n#     -f docker-compose.yml \\\n#     -f docker-compose.gpu.yml \\\n#     up",
        "# docker compose -f docker-compose.yml `\n#   -f docker-compose.gpu.yml up",
        "# docker compose -f docker-compose.yml ^\n#   -f docker-compose.gpu.yml up",
        "# docker compose -f docker-compose.yml\n#   -f docker-compose.gpu.yml up",
        "# docker compose -f docker-compose.yml -f docker-compose.gpu.yml [-f more.yml] up",
        "# Use with -f docker-compose.yml -f docker-compose.gpu.yml",
        "# use with -f docker-compose.yml -f this",
        "# use with `-f docker-compose.yml -f <this file>`",
        "# Tip: set COMPOSE_FILE=docker-compose.yml:docker-compose.gpu.yml in your .env.",
        "# export COMPOSE_FILE=docker-compose.yml:docker-compose.gpu.yml\n# docker compose up",
        "# Override for docker-compose.yml: adds the GPU",
        "# Overrides docker-compose.yml where there is a GPU",
        "# Overlay. Layer on top of docker-compose.yml.",
    ],
)  # fmt: skip
def test_an_override_that_its_comment_explains(surveyed: Surveyed, header: str) -> None:
    files = {"docker-compose.yml": BASE, "docker-compose.gpu.yml": f"{header}\n\n{GPU}"}
    survey = surveyed(files)
    assert entries_of(survey) == [
        ("docker-compose.yml",),
        ("docker-compose.yml", "docker-compose.gpu.yml"),
    ]
    assert not survey.unresolved
    assert survey.entries[1].evidence[0].path == "docker-compose.gpu.yml"


@pytest.mark.parametrize(
    "header",
    [
        "# Extends what docker-compose.yml starts, but is independent of it",
        "# Put local overrides in docker-compose.yml",
        "# Do not use docker compose -f docker-compose.yml -f docker-compose.gpu.yml up",
        "# Never run this over the default file:\n#   docker compose -f docker-compose.yml -f docker-compose.gpu.yml up",
        "# It can't be used as -f docker-compose.yml -f docker-compose.gpu.yml",
        "# Not an override of docker-compose.yml",
        "# docker compose logs -f docker-compose.gpu.yml",
        "# docker compose -f docker-compose.yml -f <file> up",
        "# tail -f docker-compose.yml -f elsewhere.yml",
        "# see docker-compose.yml and docker-compose.gpu.yml",
        "# docker compose up",
    ],
)  # fmt: skip
def test_prose_is_no_command(surveyed: Surveyed, header: str) -> None:
    files = {"docker-compose.yml": BASE, "docker-compose.gpu.yml": f"{header}\n\n{GPU}"}
    survey = surveyed(files)
    assert entries_of(survey) == [("docker-compose.yml",), ("docker-compose.gpu.yml",)]
    assert not survey.unresolved


def test_an_optional_file_gives_both_commands(surveyed: Surveyed) -> None:
    header = "# docker compose -f compose.yml [-f b.yml] -f c.yml up\n"
    files = {"compose.yml": BASE, "b.yml": GPU, "c.yml": header + GPU}
    found = entries_of(surveyed(files))
    assert ("compose.yml", "c.yml") in found
    assert ("compose.yml", "b.yml", "c.yml") in found


def test_paths_are_relative_to_the_file_or_to_a_directory_above(surveyed: Surveyed) -> None:
    header = "# docker compose -f docker-compose.yml -f extra/gpu.yml up\n"
    near = "# cd extra && docker compose -f near.yml -f cpu.yml up\n"
    files = {
        "docker-compose.yml": BASE,
        "extra/gpu.yml": header + GPU,
        "extra/near.yml": GPU,
        "extra/cpu.yml": near + GPU,
    }
    found = entries_of(surveyed(files))
    assert ("docker-compose.yml", "extra/gpu.yml") in found
    assert ("extra/near.yml", "extra/cpu.yml") in found


def test_a_comment_anywhere_in_the_file_counts_but_no_script_in_it(surveyed: Surveyed) -> None:
    note = "  # start with: docker compose -f compose.yml -f b.yml up\n"
    script = "    command: |\n      # docker compose -f compose.yml -f c.yml up\n      run\n"
    quoted = '    environment:\n      X: "a\n        # docker compose -f compose.yml -f c.yml up\n        b"\n'
    files = {"compose.yml": BASE + note, "b.yml": GPU + script + quoted, "c.yml": GPU}
    found = entries_of(surveyed(files))
    assert ("compose.yml", "b.yml") in found
    assert ("compose.yml", "c.yml") not in found


def test_the_line_of_a_command_in_crlf_is_right(surveyed: Surveyed) -> None:
    text = "# One\n# Two: docker compose -f compose.yml -f b.yml up\n" + GPU
    survey = surveyed({"compose.yml": BASE, "b.yml": "\ufeff" + text.replace("\n", "\r\n")})
    assert [str(entry.evidence[0]) for entry in survey.entries[1:]] == ["b.yml:2"]


def test_a_stack_that_a_comment_deploys_is_read_by_it(surveyed: Surveyed) -> None:
    header = "# docker stack deploy -c docker-stack.yml shop\n"
    (reader,) = surveyed({"compose.yml": BASE, "docker-stack.yml": header + GPU}).readers
    assert (reader.name, reader.path) == ("docker stack deploy", "docker-stack.yml")
    assert str(reader.evidence) == "docker-stack.yml:1"


@pytest.mark.parametrize("part", ["#", "# docker ", "# A=", "b ", "# [", "# -f x.yml "])
def test_long_comments_take_linear_time(surveyed: Surveyed, part: str) -> None:
    text = f"#{part * 20_000} docker compose -f x.yml"
    files = {"compose.yml": BASE, "b.yml": f"{text}\n{GPU}"}
    assert ("b.yml",) in entries_of(surveyed(files))
