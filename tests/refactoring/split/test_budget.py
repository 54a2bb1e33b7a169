"""No plan copies more than may be copied."""

from __future__ import annotations

from typing import Any

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.modules.directories import SINCE_EXTENDS_IN_ROOT
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.memory import Memory

MAIN = "docker-compose.yml"
LONG = "\n".join(f"      SETTING_{n}: value" for n in range(20))


def planned(text: str, **options: Any) -> Plan:
    project = load_project([Invocation((MAIN,))], Library(Memory({MAIN: text})))
    return split.plan(project, SplitOptions(**{"force": True, **options}))


def modules(plan: Plan) -> set[frozenset[str]]:
    return {frozenset(services) for services in plan.services.values() if services}


def service(name: str, *lines: str) -> str:
    return "\n".join([f"  {name}:", f"    image: {name}", *lines, "    environment:", LONG, ""])


# No service can extend what a list of merged blocks contains.
BLOCKS = """\
x-a: &a
  init: true
  restart: always
  stop_grace_period: 30s
  tty: true
  labels: {a: b}
  group_add: [a]
x-b: &b
  read_only: true
  privileged: false
  stdin_open: true
  pull_policy: always
services:
"""
MERGED = "    <<: [*a, *b]"


def test_services_with_one_block_come_together_where_copies_would_be_too_many() -> None:
    names = ("postgres", "nginx", "grafana", "shop", "ledger", "mail")
    text = BLOCKS + "".join(
        service(name, *([MERGED] if name in {"postgres", "shop"} else [])) for name in names
    )
    assert any({"postgres", "shop"} <= services for services in modules(planned(text)))
    assert planned(text).copied_lines == 0
    apart = planned(text, anchors="copy")
    assert not any({"postgres", "shop"} <= services for services in modules(apart))
    assert apart.copied_lines == len(BLOCKS.splitlines()) - 1


def test_the_reason_is_the_block() -> None:
    text = BLOCKS + service("postgres", MERGED) + service("shop", MERGED) + service("nginx")
    text += service("mail") + service("grafana") + service("ledger")
    plan = planned(text)
    assert "share x-a" in plan.reasons.values()


def test_a_file_stays_whole_where_every_division_copies_too_much() -> None:
    names = ("postgres", "nginx", "grafana", "shop", "ledger", "mail")
    text = BLOCKS + "".join(service(name, MERGED) for name in names)
    plan = planned(text)
    assert plan.planned_files == ()
    assert {unmoved.element[2] for unmoved in plan.unmoved} == set(names)
    assert all("copies of x-" in unmoved.reason for unmoved in plan.unmoved)
    assert planned(text, anchors="copy").copied_lines > 10


@pytest.mark.parametrize(
    "options",
    [
        {"granularity": "service"},
        {"granularity": "category"},
        {"modules": {"postgres": "one.yml", "shop": "two.yml", "nginx": "three.yml"}},
    ],
)
def test_what_the_user_says_is_done(options: dict[str, Any]) -> None:
    names = ("postgres", "nginx", "shop")
    plan = planned(BLOCKS + "".join(service(name, MERGED) for name in names), **options)
    assert modules(plan) == {frozenset({name}) for name in names}
    assert plan.copied_lines > 10


def test_a_common_file_is_better_than_no_split() -> None:
    """Services in a module that is read in the root directory need v2.27 to extend a block."""
    names = ("postgres", "nginx", "grafana", "shop", "ledger", "mail")
    servers = "".join(f"    - 10.0.0.{n}\n" for n in range(20))
    mount = "    volumes: ['$DATA/x:/x']"
    services = "".join(service(name, "    <<: *a", mount) for name in names)
    text = f"x-a: &a\n  dns:\n{servers}services:\n{services}"
    plan = planned(text)
    assert plan.since == SINCE_EXTENDS_IN_ROOT
    assert len(modules(plan)) > 1
    assert plan.copied_lines == 0


def test_an_anchor_in_a_service_ties_too() -> None:
    volumes = "\n".join(["    volumes: &volumes", *(f"      - ~/v{n}:/v{n}" for n in range(12))])
    text = "services:\n" + service("nginx", volumes) + service("shop", "    volumes: *volumes")
    text += service("postgres") + service("mail")
    plan = planned(text)
    assert any({"nginx", "shop"} <= services for services in modules(plan))
    assert "refer to nginx" in plan.reasons.values()
    assert plan.copied_lines == 0


LOGGING = """\
x-logging: &logging
  driver: json-file
  options:
    max-size: 10m
    max-file: "3"
    compress: "true"
services:
"""


def test_files_that_share_less_than_their_modules_would_copy_are_planned_alone() -> None:
    uses, prod = "    logging: *logging", "docker-compose.prod.yml"
    shared = service("redis", uses)
    more = "".join(f"      MORE_{n}: value\n" for n in range(80))
    own = [service(name, uses) + more for name in ("nginx", "grafana", "a", "b", "c", "d", "e")]
    other = [service(name, uses) + more for name in ("postgres", "caddy")]
    files = {
        MAIN: LOGGING + shared + "".join(own),
        prod: LOGGING + shared.replace("_3: value", "_3: other") + "".join(other),
    }
    project = load_project([Invocation((path,)) for path in files], Library(Memory(files)))
    plan = split.plan(project, SplitOptions(force=True))
    assert plan.copied_lines == 0
    for name in ("common", "prod-common"):
        assert f"docker-compose/docker-compose.{name}.yml" in plan.contents()
