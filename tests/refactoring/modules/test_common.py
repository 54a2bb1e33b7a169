"""Blocks become services that others extend only where Docker Compose resolves the same."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.proof.comparison import compare
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.modules.directories import SINCE_EXTENDS, SINCE_EXTENDS_IN_ROOT
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.commandline import write
from support.engine import resolved
from support.memory import Memory

MAIN = "docker-compose.yml"
COMMON = "docker-compose/docker-compose.common.yml"
MODULE = "docker-compose/services/docker-compose.{}.yml".format
ALL = SplitOptions(force=True, anchors="extends", granularity="service")
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


def project(block: str, *bodies: str, head: str = "x-common: &common\n") -> dict[str, str]:
    names = ("api", "worker", "job", "mail", "feed")
    text = head + textwrap.indent(block, "  ") + "\nservices:\n"
    text += "  db:\n    image: postgres:16\n"
    for name, body in zip(names, bodies, strict=False):
        text += f"  {name}:\n    image: {name}\n" + textwrap.indent(body, "    ") + "\n"
    return {MAIN: text + "networks:\n  front:\n  back:\n"}


def planned(files: Mapping[str, str], options: SplitOptions = ALL) -> tuple[Plan, dict[str, str]]:
    """Return the plan of a split, and all files afterwards."""
    loaded = load_project([Invocation((MAIN,))], Library(Memory(files)))
    plan = split.plan(loaded, options)
    contents = {path: (content or b"").decode() for path, content in plan.contents().items()}
    return plan, {**files, **contents}


def extends(files: Mapping[str, str]) -> dict[str, str]:
    return planned(files)[1]


def base(found: Mapping[str, str]) -> str:
    """Return the services of the common file."""
    return found[COMMON].partition("services:\n")[2]


TWO = project(BLOCK, "<<: *common\n", "<<: *common\n")


# --- what is exact ------------------------------------------------------------------------------

HEAD = "x-common: &common\n"
CHECK = "x-check: &check\n  interval: 9s\n  timeout: 1s\n  retries: 3\n"
LOG = "x-log: &log\n  driver: local\n  options:\n    max-size: 1m\n"


@pytest.mark.parametrize(
    "files",
    [
        project(
            BLOCK,
            "<<: *common\nrestart: 'no'\ncommand: [other]\n",
            "hostname: w\n<<: *common\ncommand:\n",
            "<<: *common\nports: ['80:80']\n",
        ),
        project(
            BLOCK,
            "<<: *common\nnetworks: [back, front]\n",
            "<<: *common\nenvironment: ['TZ=CET', B=x]\n",
            "<<: *common\nlabels: [a=c, d=e]\nnetworks: {front: {aliases: [w]}}\n",
        ),
        project(
            BLOCK + "build: .\nenv_file: a.env\nvolumes: [./a:/a, '~/b:/b']\n",
            "<<: *common\nrestart: 'no'\n",
            "<<: *common\n",
        ),
        project(
            BLOCK + "build: {target: x}\n",
            "<<: *common\n",
            "<<: *common\nx-more: 1\n",
        ),
        project(
            BLOCK.replace("logging:", "logging: &log"),
            "<<: *common\n",
            "<<: *common\n",
            "logging: *log\n",
        ),
        project(BLOCK, "logging: *log\n", "logging: *log\n", head=f"{LOG}x-common: &common\n"),
        project(
            BLOCK.replace("logging:\n  driver: local\n", "logging: *log\n"),
            "<<: *common\n",
            "<<: *common\n",
            "logging: *log\n",
            head=f"{LOG}x-common: &common\n",
        ),
        project(
            BLOCK,
            "<<: *common\nhealthcheck:\n  <<: *check\n  test: [CMD, 'true']\n",
            "healthcheck:\n  <<: *check\n  interval: 5s\n<<: *common\n",
            "healthcheck: *check\n",
            head=f"{CHECK}{HEAD}",
        ),
        project(
            BLOCK,
            *["<<: *common\nhealthcheck:\n  <<: *check\n"] * 3,
            head=f"{CHECK}{HEAD}",
        ),
        project(
            "TZ: UTC\nLOG_LEVEL: info\nA: ${A:-}\n",
            "environment:\n  <<: *common\n  B: x\n",
            "environment:\n  <<: *common\n  TZ: CET\n",
            "environment:\n  <<: *common\n",
        ),
        project(
            BLOCK.replace("depends_on: [db]\n", ""),
            *["<<: *common\n"] * 4,
            "<<: *common\nlabels: [c=d]\n",
        ),
        {path: text.replace("\n", "\r\n") for path, text in TWO.items()},
        {path: text.replace("  ", "    ") for path, text in TWO.items()},
    ],
    ids=[
        *("replaced", "named again", "paths", "used elsewhere too", "with an inner anchor"),
        *("value", "value in all", "two blocks", "the same two", "environment", "overridden"),
        *("crlf", "wide"),
    ],
)
def test_the_engine_sees_no_difference(
    engine: Path, tmp_path: Path, files: Mapping[str, str]
) -> None:
    files = {**files, "a.env": "X=1\n"}
    found = extends(files)
    assert COMMON in found
    modules = [text for path, text in found.items() if path.startswith("docker-compose/services")]
    assert not any("<<: *" in text for text in modules), "all services extend"
    root = tmp_path / "project"  # one place, since models contain absolute paths
    ways = ((), ("--no-interpolate",))
    before = [resolved(engine, write(root, files), [MAIN], *options) for options in ways]
    after = [resolved(engine, write(root, found), [MAIN], *options) for options in ways]
    for was, now in zip(before, after, strict=True):
        assert was
        assert now
        assert compare(was, now, moved=["x-common", "x-log", "x-check"]) == []


@pytest.mark.parametrize(
    ("block", "body"),
    [
        (BLOCK, "<<: *common\nenvironment: {A: x}\n"),
        (BLOCK, "<<: *common\nlabels: [c=d]\n"),
        (BLOCK, "<<: *common\nlogging: {driver: local}\n"),
        (BLOCK, "<<: *common\nrestart:\n"),
        (BLOCK, "<<: [*common]\n"),
        (BLOCK, "<<: *common\nextends: db\n"),
        (BLOCK + "env_file: a.env\n", "<<: *common\nenv_file: /b.env\n"),
        (BLOCK, "<<: *common\nnetworks: [back]\n"),
        (BLOCK, "<<: *common\nenvironment: {TZ: 1}\n"),
        (BLOCK, "<<: *common\nlabels: {a: c}\n"),
    ],
)
def test_a_service_that_would_differ_does_not_extend(block: str, body: str) -> None:
    found = extends(project(block, "<<: *common\n", body, "<<: *common\n"))
    assert "extends:\n      file: ../docker-compose.common.yml" in found[MODULE("api")]
    worker = found[MODULE("worker")] if MODULE("worker") in found else found[MODULE("db")]
    assert "x-common: &common\n" in worker
    assert textwrap.indent(body, "    ") in worker


@pytest.mark.parametrize(
    "block",
    [
        BLOCK + "volumes: ['${A}:/a']\n",
        BLOCK.replace("TZ: UTC", "TZ: 1"),
        BLOCK + "hostname:\n",
        BLOCK + "ports: !override ['80:80']\n",
        "restart: always\n",
    ],
)
def test_a_block_that_no_service_can_extend_is_copied(block: str) -> None:
    files = project(block, "<<: *common\n", "<<: *common\n")
    found = extends(files)
    assert COMMON not in found
    assert (
        found == planned(files, SplitOptions(force=True, anchors="copy", granularity="service"))[1]
    )


# --- how it is written --------------------------------------------------------------------------

USERS = ["<<: *common\n", "<<: *common\n", "<<: *common\n"]


def test_a_block_becomes_a_service_with_its_comments() -> None:
    head = "name: shop\n\n# what all\n# services have\nx-common: &common  # for all\n  # always\n"
    block = "restart: always\n\n# as in production\ncommand: run  # quickly\n"
    assert extends(project(block, *USERS, head=head))[COMMON] == (
        "services:\n"
        "  # what all\n"
        "  # services have\n"
        "  x-common:  # for all\n"
        "    # always\n"
        "    restart: always\n"
        "\n"
        "    # as in production\n"
        "    command: run  # quickly\n"
    )


def test_the_value_of_one_attribute_is_written_below_it() -> None:
    files = project("driver: local\noptions: {max-size: 1m}\n", *["logging: *common\n"] * 3)
    found = extends(files)
    assert base(found) == (
        "  x-common:\n    logging:\n      driver: local\n      options: {max-size: 1m}\n"
    )


def test_a_block_in_flow_style_is_referred_to() -> None:
    head = "x-common: &common {restart: always,\n  init: true,\n  tty: true}\n"
    found = extends(project("", *USERS, head=head))
    assert found[COMMON] == f"{head}\nservices:\n  x-common:\n    <<: *common\n"


def test_a_service_is_named_after_the_block() -> None:
    head = "x-app_defaults: &common\n"
    assert base(extends(project(BLOCK, *USERS, head=head))).startswith("  x-app_defaults:\n")
    value = project("driver: local\noptions: {a: b}\n", *["logging: *common\n"] * 3, head=head)
    assert base(extends(value)).startswith("  x-app_defaults:\n    logging:\n")


@pytest.mark.parametrize(
    ("body", "written"),
    [
        ("<<: *common\ntty: true\n", "{extends}image: api\ntty: true\n"),
        ("tty: true\n<<: *common\n", "{extends}image: api\ntty: true\n"),
        ("tty: true\n<<: *common  # ours\n", "image: api\ntty: true\n{extends}  # ours\n"),
        ("# ours\n<<: *common\n", "image: api\n# ours\n{extends}"),
        ("<<: *common\n# ours\ntty: true\n", "{extends}image: api\n# ours\ntty: true\n"),
    ],
)
def test_extends_comes_first_unless_a_comment_is_about_it(body: str, written: str) -> None:
    reference = "extends:\n  file: ../docker-compose.common.yml\n  service: x-common"
    expected = written.replace("{extends}  #", f"{reference}  #")
    expected = expected.replace("{extends}", f"{reference}\n")
    found = extends(project(BLOCK, body, *USERS[1:]))
    assert found[MODULE("api")] == "services:\n  api:\n" + textwrap.indent(expected, "    ")


def test_services_that_use_two_blocks_extend_a_service_that_extends_another() -> None:
    both = "<<: *common\nhealthcheck:\n  <<: *check\n  test: [CMD, 'true']\n"
    found = extends(project(SMALL, both, both, "<<: *common\n", head=f"{CHECK}{HEAD}"))
    assert base(found) == (
        "  x-common:\n    restart: always\n    init: true\n    tty: true\n"
        "\n"
        "  x-common-check:\n"
        "    extends:\n"
        "      service: x-common\n"
        "    healthcheck:\n      interval: 9s\n      timeout: 1s\n      retries: 3\n"
    )
    assert found[MODULE("api")] == (
        "services:\n  api:\n"
        "    extends:\n"
        "      file: ../docker-compose.common.yml\n"
        "      service: x-common-check\n"
        "    image: api\n"
        "    healthcheck:\n"
        "      test: [CMD, 'true']\n"
    )


def test_two_blocks_that_the_same_services_use_become_one_service() -> None:
    both = "<<: *common\nhealthcheck: *check  # often\n"
    head = f"# how often\n{CHECK}# for all\n{HEAD}"
    found = extends(project(SMALL, *["<<: *common\nhealthcheck: *check\n"] * 3, head=head))
    assert base(found) == (
        "  # for all\n"
        "  x-common-check:\n    restart: always\n    init: true\n    tty: true\n"
        "    # how often\n"
        "    healthcheck:\n      interval: 9s\n      timeout: 1s\n      retries: 3\n"
    )
    assert "# often" in extends(project(SMALL, *[both] * 3, head=head))[MODULE("api")]


def test_a_base_of_two_blocks_has_no_name_of_another_block() -> None:
    both = "<<: *common\nhealthcheck: *check\n"
    head = f"x-common-check: &other\n  driver: local\n  options:\n    a: b\n{CHECK}{HEAD}"
    found = extends(project(SMALL, both, both, both, *["logging: *other\n"] * 2, head=head))
    assert found[COMMON].count("  x-common-check:\n") == 1
    assert "  x-common-check:\n    logging:\n" in found[COMMON]
    assert "service: x-common\n" in found[MODULE("api")]


def test_one_service_of_many_overrides_what_it_would_add_to() -> None:
    body = "<<: *common\nlabels: [c=d]\n"
    found = extends(project(BLOCK, *["<<: *common\n"] * 4, body))
    assert "    labels: !override [c=d]\n" in found[MODULE("feed")]
    found = extends(project(BLOCK, *["<<: *common\n"] * 3, body))
    assert "    labels: [c=d]\n" in found[MODULE("mail")], "one of four is not rare"


def test_a_block_of_services_extends_another() -> None:
    head = "x-log: &log\n  driver: local\n  options:\n    a: b\nx-common: &common\n"
    files = project(BLOCK.replace("logging:\n  driver: local\n", "logging: *log\n"), head=head)
    names = [f"app-{n}" for n in "abcdef"]
    text = "".join(f"  {n}:\n    image: {n}\n    <<: *common\n" for n in names[:2])
    text += "".join(f"  {n}:\n    image: {n}\n    logging: *log\n" for n in names[2:])
    main = files[MAIN].replace("    image: postgres:16\n", "    image: postgres:16\n" + text)
    options = SplitOptions(force=True, granularity="service", groups={"common": ("app-a", "app-b")})
    found = planned({MAIN: main}, options)[1]
    assert "  x-log:\n    logging:\n" in found[COMMON]
    assert "x-common: &common\n  extends:\n" in found[MODULE("common")]


# --- when ---------------------------------------------------------------------------------------

AUTO = SplitOptions(force=True, granularity="service")
SMALL = "restart: always\ninit: true\ntty: true\n"


def test_a_block_that_most_services_use_is_extended() -> None:
    assert COMMON in planned(project(SMALL, *USERS), AUTO)[1]


def test_a_block_that_few_services_use_is_copied_within_the_budget() -> None:
    files = project(SMALL, *USERS[:2], "tty: true\n")
    files[MAIN] += "x-long:\n" + "".join(f"  l{n}: x\n" for n in range(200))
    assert COMMON not in planned(files, AUTO)[1]
    assert COMMON in extends(files)


def test_no_block_is_extended_where_that_saves_no_copy() -> None:
    files = project(SMALL, "<<: *common\n", "<<: [*common]\n")
    assert COMMON not in extends(files)


@pytest.mark.parametrize("options", [{"anchors": "copy"}, {"verbatim": True}])
def test_the_user_wants_copies(options: dict[str, Any]) -> None:
    plan, found = planned(
        project(SMALL, *USERS), SplitOptions(force=True, granularity="service", **options)
    )
    assert COMMON not in found
    assert plan.since == ""


def test_a_block_that_a_comment_pins_stays() -> None:
    head = "# deploy.sh looks for x-common: do not move it\n" + HEAD
    files = project(SMALL, *USERS, head=head)
    _, found = planned(files, AUTO)
    assert found[MAIN].startswith(head)


def test_the_plan_names_the_release_that_reads_extends_in_an_included_file() -> None:
    assert planned(project(SMALL, *USERS))[0].since == SINCE_EXTENDS


def test_a_module_that_is_read_in_the_directory_of_the_root() -> None:
    body = "<<: *common\nvolumes: ['${DATA}:/data']\n"
    plan, found = planned(project(SMALL, body, *USERS[1:]))
    assert "file: docker-compose/docker-compose.common.yml" in found[MODULE("api")]
    assert plan.since == SINCE_EXTENDS_IN_ROOT


def test_a_name_that_is_taken() -> None:
    files = {**project(SMALL, *USERS), COMMON: "x-mine: 1\n"}
    _, found = planned(files)
    assert found[COMMON] == "x-mine: 1\n"
    assert "  x-common:\n" in found[COMMON.replace("common", "shared")]
