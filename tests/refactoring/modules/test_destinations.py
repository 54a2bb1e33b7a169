"""What moves along with its only user, and what stays in the root file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from composerefactor.compose.project import Project
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split

BASE = "docker-compose.yml"
OVERRIDE = "docker-compose.override.yml"


def destinations(project: Project) -> dict[str, str]:
    """Return, by ``section/name``, the module of everything that moves, by its short name."""
    plan = split.plan(project, SplitOptions(force=True, granularity="service"))
    return {
        f"{section}/{name}": path.rpartition("docker-compose.")[2].removesuffix(".yml")
        for (_, section, name), path in plan.moved.items()
        if section != "services"
    }


def text(sections: str, api: str = "", worker: str = "") -> str:
    return (
        f"services:\n  api:\n    image: a\n{api}  worker:\n    image: w\n{worker}"
        f"  other:\n    image: o\n{sections}"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            text("volumes:\n  data:\n  spare:\n", "    volumes: ['data:/x']\n"),
            {"volumes/data": "api"},
        ),
        (
            text("volumes:\n  data:\n", "    volumes: ['data:/x']\n", "    volumes: ['data:/y']\n"),
            {},
        ),
        (
            text(
                "volumes:\n  data:\n",
                "    volumes:\n      - {type: volume, source: data, target: /x}\n",
            ),
            {"volumes/data": "api"},
        ),
        (text("networks:\n  lan:\n", "    networks: {lan: {}}\n"), {"networks/lan": "api"}),
        (text("networks:\n  default: {driver: bridge}\n", "    networks: [default]\n"), {}),
        (
            text("secrets:\n  key: {file: ./k}\n", "    secrets: [{source: key}]\n"),
            {"secrets/key": "api"},
        ),
        (text("secrets:\n  k: {environment: K}\n", "    secrets: [k]\n"), {"secrets/k": "api"}),
        (text("configs:\n  c: {environment: C}\n", "    configs: [c]\n"), {}),
        (text("configs:\n  c: {content: x}\n", "    configs: [c]\n"), {"configs/c": "api"}),
        (
            text(
                "volumes:\n  data:\n",
                "    volumes: ['data:/x']\n",
                "    extends: api\n",
            ),
            {"volumes/data": "api"},
        ),
        (text("x-setting: {a: 1}\n"), {}),
    ],
)  # fmt: skip
def test_homes(project_of: Callable[..., Project], content: str, expected: dict[str, str]) -> None:
    assert destinations(project_of({BASE: content})) == expected


def test_an_override_counts_as_a_user(project_of: Callable[..., Project]) -> None:
    base = text("volumes:\n  data:\n", "    volumes: ['data:/x']\n")
    alone = {BASE: base, OVERRIDE: "services: {api: {tty: true}}\n"}
    assert destinations(project_of(alone, (BASE, OVERRIDE))) == {"volumes/data": "api"}
    shared = {BASE: base, OVERRIDE: "services: {worker: {volumes: ['data:/y']}}\n"}
    assert destinations(project_of(shared, (BASE, OVERRIDE))) == {}


def test_a_shared_block_moves_to_the_first_module_that_needs_it(
    project_of: Callable[..., Project],
) -> None:
    found = destinations(
        project_of(
            {
                BASE: "x-a: &a {A: '1'}\nx-b: &b {<<: *a}\n"
                + text("", worker="    environment: *b\n")
            }
        )
    )
    assert found == {"x-a/": "worker", "x-b/": "worker"}


def test_a_block_that_the_root_needs_stays(project_of: Callable[..., Project]) -> None:
    content = "x-a: &a {a: b}\n" + text(
        "networks:\n  default:\n    labels: *a\n", "    labels: *a\n"
    )
    assert destinations(project_of({BASE: content})) == {}
