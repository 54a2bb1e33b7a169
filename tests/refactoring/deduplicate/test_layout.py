"""Where the elements of several root files go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.errors import RefusedError
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from support.commandline import CommandLine, tree, write
from support.memory import Memory

Divide: TypeAlias = Callable[..., tuple[Plan, dict[str, str]]]

MAIN, PROD = "docker-compose.yml", "docker-compose.prod.yml"
OVERRIDE = "docker-compose.override.yml"
BASES = (MAIN, PROD)
MODULE = "docker-compose/services/docker-compose.{}.yml".format
DEFAULT = "docker-compose/environments/docker-compose.base.yml"
ADDED = "docker-compose/environments/docker-compose.prod.yml"


def service(name: str, *lines: str, image: str = "") -> str:
    own = (f"image: {image or name}", "restart: always", f"hostname: {name}", "mem_limit: 1g")
    more = ("cpus: 1", "stop_signal: INT", "tty: true", *lines)
    return f"  {name}:\n" + "".join(f"    {line}\n" for line in (*own, *more))


THREE = "services:\n" + service("db") + service("web") + service("api")


def test_equal_files_share_everything(divide: Divide) -> None:
    _, found = divide({MAIN: THREE, PROD: THREE}, BASES)
    assert sorted(found) == sorted([*BASES, *map(MODULE, ("api", "db", "web"))])
    assert found[MAIN] == found[PROD]


def test_a_service_that_one_file_keeps_stays_whole_there(divide: Divide) -> None:
    prod = THREE.replace("image: api", "image: api:2")
    keep = SplitOptions(force=True, granularity="service", keep={(MAIN, "services", "web"): "why"})
    _, found = divide({MAIN: THREE, PROD: prod}, BASES, keep)
    assert service("web") in found[MAIN]
    assert found[MODULE("web")] == "services:\n" + service("web")
    assert MODULE("web") not in found[MAIN]
    assert MODULE("web") in found[PROD]


def test_what_extends_ties_together_stays_in_one_file(divide: Divide) -> None:
    tied = "  job:\n    extends: web\n    command: run\n  tail:\n    extends: job\n    tty: true\n"
    _, found = divide({MAIN: THREE + tied, PROD: THREE}, BASES)
    assert found[DEFAULT].replace("\n\n", "\n") == "services:\n" + service("web") + tied
    assert found[ADDED] == "services:\n" + service("web")


def test_an_anchor_stands_above_its_aliases(divide: Divide) -> None:
    heir = "  job:\n    <<: *web\n    command: run\n"
    owner = service("web").replace("web:\n", "web: &web\n", 1)
    files = {
        MAIN: "services:\n" + service("job") + service("web") + service("db"),
        PROD: "services:\n" + owner + heir + service("db"),
    }
    _, found = divide(files, BASES)
    assert found[ADDED].replace("\n\n", "\n") == "services:\n" + owner + heir
    parse(Source(ADDED, found[ADDED]))


def test_equal_names_of_blocks_with_different_content(divide: Divide) -> None:
    def files(value: str) -> str:
        return f"x-c: &c\n  {value}\n" + THREE + "    <<: *c\n"

    plan, found = divide({MAIN: files("init: true"), PROD: files("tty: true")}, BASES)
    assert found[DEFAULT].startswith("x-c: &c\n  init: true\n\nservices:\n  api:\n")
    assert found[ADDED].startswith("x-c: &c\n  tty: true\n\nservices:\n  api:\n")
    assert plan.moved[MAIN, "x-c", ""] == DEFAULT
    assert plan.moved[PROD, "x-c", ""] == ADDED


def test_a_block_that_both_have_moves_once(divide: Divide) -> None:
    text = "x-c: &c # why\n  init: true\n" + THREE + "    <<: *c\n"
    _, found = divide({MAIN: text, PROD: text}, BASES)
    assert "".join(found.values()).count("x-c: &c # why") == 1


def test_comments_on_sections_that_go(divide: Divide) -> None:
    def text(name: str) -> str:
        services = THREE.replace("services:\n", f"# stack of {name}\nservices: # of {name}\n")
        volumes = f"    volumes: [data:/data]\n# kept by {name}\nvolumes:\n  data:\n"
        return f"# {name}\n\n{services}{volumes}"

    _, found = divide({MAIN: text("one"), PROD: text("two")}, BASES)
    for path, name in ((MAIN, "one"), (PROD, "two")):
        assert found[path].startswith(f"# {name}\n\n# stack of {name}\n# of {name}\ninclude:\n")
        assert f"# kept by {name}\nvolumes:\n  data:\n" in found[path]
    alone = {MAIN: text("one"), PROD: THREE.replace("api", "other")}
    _, found = divide(alone, BASES)
    assert found[MODULE("api")].endswith("# kept by one\nvolumes:\n  data:\n")


def test_comments_on_services_below_an_include(divide: Divide) -> None:
    text = "include:\n  - extra.yml\n\n# ours\nservices: # all\n" + THREE.removeprefix(
        "services:\n"
    )
    files = {MAIN: text, PROD: THREE, "extra.yml": "services:\n  extra:\n    image: x\n"}
    _, found = divide(files, BASES)
    assert found[MAIN].endswith("\n# ours\n# all\n")


@pytest.mark.parametrize(
    ("comment", "is_shared"),
    [("# Web (development mode)", False), ("# Web", True), ("# Live updates off\n  # Web", True)],
)
def test_a_comment_about_the_environment_stays_with_it(
    divide: Divide, comment: str, *, is_shared: bool
) -> None:
    def text(above: str, *lines: str) -> str:
        return f"services:\n{service('db')}{service('api')}  {above}\n{service('web', *lines)}"

    files = {MAIN: text(comment, "init: true"), PROD: text("# Web, built", "init: false")}
    _, found = divide(files, BASES)
    assert (f"  {comment}\n" in found[MODULE("web")]) is is_shared
    assert f"  {comment}\n  web:\n" in found[MODULE("web") if is_shared else DEFAULT]
    assert "  # Web, built\n  web:\n" in found[ADDED]
    assert "# Web, built" not in found[MODULE("web")]


def test_commented_out_services_of_another_file_are_below_a_shared_one(divide: Divide) -> None:
    off = "\n  # mail:\n  #   image: mail\n"
    _, found = divide({MAIN: THREE, PROD: THREE + off}, BASES)
    assert found[MODULE("api")] == "services:\n" + service("api") + off


def test_a_blank_line_is_below_the_list_where_a_comment_was_above_the_next_section(
    divide: Divide,
) -> None:
    text = THREE + "  # The end\nvolumes:\n  a:\n"
    _, found = divide({MAIN: text}, (MAIN,), SplitOptions(force=True, granularity="service"))
    assert ".yml\n\nvolumes:\n" in found[MAIN]


@pytest.mark.parametrize(("count", "is_split"), [(50, True), (120, False)])
def test_a_file_that_is_mostly_commented_out_stays_whole(
    divide: Divide, count: int, *, is_split: bool
) -> None:
    names = ("api", "web", "mail", "search", "docs", "postgres", "redis", "mongo")
    text = "services:\n" + "".join(map(service, names)) + "  #   image: x\n" * count
    plan, _ = divide({MAIN: text}, (MAIN,), SplitOptions())
    assert bool(plan.moved) is is_split
    reasons = {each.reason for each in plan.unmoved}
    assert is_split or "120 of its 185 lines are commented out" in reasons.pop()


@pytest.mark.parametrize(("count", "is_split"), [(3, True), (5, False)])
def test_a_file_whose_services_are_in_files_of_their_own_stays_whole(
    divide: Divide, count: int, *, is_split: bool
) -> None:
    names = ("api", "web", "mail", "search", "docs", "redis")
    bodies = {name: long_service(name) for name in names}
    extends = "    extends:\n      file: hand-made/{0}.yml\n      service: {0}\n"
    for name in names[:count]:
        bodies[name] = f"  {name}:\n{extends.format(name)}    environment: [A=1]\n"
    text = "services:\n" + "".join(bodies.values()) + "# on and on\n" * 100
    parts = {f"hand-made/{name}.yml": f"services:\n{service(name)}" for name in names}
    plan, _ = divide({MAIN: text, **parts}, (MAIN,), SplitOptions())
    assert bool(plan.moved) is is_split
    reasons = "".join(each.reason for each in plan.unmoved)
    assert is_split or "5 of its 6 services are defined in files that they extend" in reasons


def test_a_resource_moves_where_all_files_agree(divide: Divide) -> None:
    text = THREE + "    volumes: [data:/data]\nvolumes:\n  data:{}\n"
    files = {MAIN: text.format(""), PROD: text.format("")}
    assert "volumes:\n  data:\n" in divide(files, BASES)[1][MODULE("api")]
    differing = {MAIN: text.format(""), PROD: text.format(" {name: other}")}
    assert "\nvolumes:" not in divide(differing, BASES)[1][MODULE("api")]


def test_names_that_are_taken(divide: Divide) -> None:
    prod = THREE.replace("    cpus: 1\n", "    cpus: 2\n", 1)
    _, found = divide({MAIN: THREE, PROD: prod, ADDED: "x: 1\n", MODULE("web"): "# mine\n"}, BASES)
    assert found[ADDED] == "x: 1\n"
    assert found[MODULE("web")] == "# mine\n"
    assert found[MODULE("web-services")] == "services:\n" + service("web")
    assert "    cpus: 2\n" in found[ADDED.replace("prod", "prod-services")]


def test_one_path_for_services_of_different_files(divide: Divide) -> None:
    files = {MAIN: THREE, PROD: THREE.replace("api", "other")}
    options = SplitOptions(
        force=True, granularity="service", modules={"web": "a.yml", "api": "a.yml"}
    )
    with pytest.raises(RefusedError, match="different files define them"):
        divide(files, BASES, options)


def test_a_file_that_repeats_a_base() -> None:
    copy = "services:\n" + service("db").replace("    cpus: 1\n", "    cpus: 2\n")
    files = {MAIN: THREE, OVERRIDE: copy + "  debug:\n    image: busybox\n"}
    project = load_project(
        [Invocation((MAIN,)), Invocation((MAIN, OVERRIDE))], Library(Memory(files))
    )
    found = {
        p: c.decode()
        for p, c in split.plan(project, SplitOptions(force=True, granularity="service"))
        .contents()
        .items()
        if c
    }
    added = "docker-compose/environments/docker-compose.override.yml"
    assert found[added] == "services:\n  db:\n    cpus: 2\n"
    assert "cpus" not in found[MODULE("db")]
    assert found[OVERRIDE].endswith("\nservices:\n  debug:\n    image: busybox\n")
    assert MODULE("db") in found[OVERRIDE]
    assert "image:" in found[MODULE("web")]


def test_an_environment_that_changes_the_builds_of_many_services_has_one_file(
    divide: Divide,
) -> None:
    def built(target: str) -> str:
        build = f"build:\n      context: .\n      target: {target}"
        return "services:\n" + "".join(
            service(name).replace(f"image: {name}", build) for name in "abcdefghijklmnop"
        )

    _, found = divide({MAIN: built("dev"), PROD: built("prod")}, BASES)
    added = [path for path in found if "/environments/" in path]
    assert len(added) == 2
    assert all(found[path].count("target:") == 16 for path in added)


def test_a_file_that_only_changes_a_base_stays() -> None:
    change = "services:\n  db:\n    image: postgres:17\n    restart: always\n    dns: [1.1.1.1]\n"
    files = {MAIN: THREE, OVERRIDE: change}
    project = load_project(
        [Invocation((MAIN,)), Invocation((MAIN, OVERRIDE))], Library(Memory(files))
    )
    found = split.plan(project, SplitOptions(force=True, granularity="service")).contents()
    assert OVERRIDE not in found
    assert (found[MODULE("db")] or b"").decode() == "services:\n" + service("db")


def test_two_files_share_what_a_third_has_nothing_of(divide: Divide) -> None:
    other = THREE.replace(service("web"), "  web:\n    build: ./web\n    privileged: true\n")
    third = "docker-compose.test.yml"
    _, found = divide({MAIN: THREE, PROD: THREE, third: other}, (*BASES, third))
    assert found[MODULE("web")] == "services:\n" + service("web")
    assert MODULE("web") in found[MAIN]
    assert MODULE("web") in found[PROD]
    assert MODULE("web") not in found[third]
    assert "privileged" in found["docker-compose/environments/docker-compose.test.yml"]


def test_what_is_equal_moves_along_with_what_it_extends(divide: Divide) -> None:
    text = THREE + "  job:\n    extends: web\n    command: {}\n    dns: [1.1.1.1]\n"
    _, found = divide({MAIN: text.format("run"), PROD: text.format("other")}, BASES)
    heir = "  job:\n    extends: web\n    dns: [1.1.1.1]\n"
    assert found[MODULE("web")].replace("\n\n", "\n") == "services:\n" + service("web") + heir
    assert found[DEFAULT] == "services:\n  job:\n    command: run\n"


def test_an_override_of_one_base(command_line: CommandLine, tmp_path: Path) -> None:
    before = {
        MAIN: THREE,
        PROD: THREE.replace("    cpus: 1\n", "    cpus: 2\n", 1),
        OVERRIDE: "services:\n  db:\n    cpus: 3\n    environment:\n      - DEBUG=1\n",
    }
    write(tmp_path, before)
    entries = [f"--entry={each}" for each in (MAIN, f"{MAIN},{OVERRIDE}", PROD)]
    entries += ["--force"]
    plan = command_line(
        tmp_path, "split", *entries, "--dry-run", "--format", "json", "--engine", "none"
    ).document
    assert plan["saved_lines"]["definitions_before"] == 6
    assert plan["saved_lines"]["definitions_after"] == 3
    assert plan["saved_lines"]["repeated_lines_removed"] == 3 * 7 - 1
    assert [s["path"] for s in plan["differences"][0]["settings"]] == [["cpus"]]
    run = command_line(tmp_path, "split", *entries, "--yes", "-v")
    assert run.code == 0, run.err
    assert "3 services (6 definitions)" in run.err
    assert "db: cpus: 1 in base, 2 in prod" in run.err
    assert {MODULE("db"), DEFAULT, ADDED} <= tree(tmp_path).keys()
    assert command_line(tmp_path, "split", *entries, "--check", "--engine", "none").code == 0
    assert command_line(tmp_path, "undo", "--yes").code == 0
    assert tree(tmp_path) == {path: text.encode() for path, text in before.items()}


TEST = "docker-compose.test.yml"


def long_service(name: str, *lines: str) -> str:
    labels = (f"  {name}.{n}: x" for n in range(22))
    return service(name, *lines, "labels:", *labels)


def names_in(found: dict[str, str], directory: str) -> list[str]:
    paths = (path for path in found if path.startswith(f"docker-compose/{directory}/"))
    return sorted(path.split(".")[1] for path in paths)


def test_a_file_that_shares_little_is_planned_alone(divide: Divide) -> None:
    common = long_service("web") + long_service("api") + service("db")
    others = "".join(map(long_service, ("mail", "docs", "jobs", "shop", "blog", "wiki")))
    files = {
        MAIN: f"services:\n{common}{long_service('cms')}",
        PROD: f"services:\n{common}{long_service('cdn')}",
        TEST: f"services:\n{service('db')}{others}",
    }
    _, found = divide(files, tuple(files), SplitOptions())
    assert "  db:" in found[MODULE("test-other")]
    assert "  db:" in found[MODULE("db")]
    assert MODULE("db") not in found[TEST]


def test_what_only_some_files_share_stays_whole_where_that_is_short(divide: Divide) -> None:
    common = "".join(map(long_service, ("web", "api", "cms", "cdn")))
    files = {
        MAIN: f"services:\n{common}{service('db')}",
        PROD: f"services:\n{common}{service('db', 'dns: [1.1.1.1]')}",
        TEST: f"services:\n{common}",
    }
    _, found = divide(files, tuple(files), SplitOptions())
    assert "db" not in names_in(found, "services")
    assert found[DEFAULT] == "services:\n" + service("db")


def test_a_short_service_that_is_equal_in_some_files_is_written_once(divide: Divide) -> None:
    common = "".join(map(long_service, ("web", "api", "cms", "cdn")))
    db = service("db", "init: true", "dns: [1.1.1.1]", "user: root")
    files = dict.fromkeys((MAIN, PROD), f"services:\n{common}{db}")
    _, found = divide({**files, TEST: f"services:\n{common}"}, (*files, TEST), SplitOptions())
    assert [path for path, text in found.items() if "  db:" in text] == [MODULE("db")]


@pytest.mark.parametrize(
    ("name", "services", "is_whole"),
    [
        ("airflow", ("airflow", "airflow-db", "airflow-jobs", "airflow-web"), True),
        ("airflow", ("airflow-db", "airflow-jobs", "airflow-web", "web"), False),
        ("dev", ("dev-db", "dev-jobs", "dev-web", "dev-api"), False),
        ("observability", ("prometheus", "grafana", "loki", "jaeger"), True),
    ],
)
def test_a_file_of_one_product_or_domain_stays_whole(
    divide: Divide, name: str, services: tuple[str, ...], *, is_whole: bool
) -> None:
    path = f"docker-compose.{name}.yml"
    files = {MAIN: f"services:\n{service('one')}"}
    files[path] = "services:\n" + "".join(map(long_service, services))
    _, found = divide(files, tuple(files), SplitOptions())
    assert (found[path] == files[path]) is is_whole


def test_little_more_than_an_image_is_no_module(divide: Divide) -> None:
    common = "".join(map(long_service, ("web", "api", "cms", "cdn")))
    one = f"services:\n{common}  jaeger:\n    image: jaegertracing/all-in-one\n"
    _, found = divide({MAIN: one, PROD: f"{one}    init: true\n"}, BASES, SplitOptions())
    assert "jaegertracing" in found[DEFAULT]
    assert names_in(found, "infrastructure") == []


@pytest.mark.parametrize(
    ("names", "are_shared"), [(("mysql", "postgres"), False), (("dev", "prod"), True)]
)
def test_variants_share_at_least_half_of_a_service(
    divide: Divide, names: tuple[str, str], *, are_shared: bool
) -> None:
    files = {}
    for name in names:
        command = f"command: run {name} {'x' * 90}"
        services = "".join(service(each, command) for each in ("web", "api", "cms", "cdn"))
        files[f"docker-compose.{name}.yml"] = f"services:\n{services}"
    _, found = divide(files, tuple(files))
    assert bool(names_in(found, "environments")) is are_shared
    assert not names_in(found, "variants")


def test_names_of_a_second_group_say_whose_they_are(divide: Divide) -> None:
    one = service("web") + service("api")
    two = service("cms") + service("docs")
    files = {
        "docker-compose.dev.yml": f"services:\n{one}",
        "docker-compose.staging.yml": f"services:\n{one}",
        "docker-compose.demo.yml": f"services:\n{two}",
        "docker-compose.preview.yml": f"services:\n{two}",
    }
    _, found = divide(files, tuple(files), SplitOptions(force=True))
    assert names_in(found, "services") == ["apps", "demo-apps"]


def test_small_files_do_not_become_many_short_ones(
    divide: Divide, monkeypatch: pytest.MonkeyPatch
) -> None:
    def demo(number: int) -> str:
        text = "services:\n  kafka:\n    image: kafka:3\n    tty: true\n    hostname: kafka\n"
        text += (
            f"  store-{number}:\n    image: store{number}\n    restart: always\n    init: true\n"
        )
        text += f"  connect:\n    image: connect:3\n    hostname: c{number}\n    environment:\n"
        return text + "".join(f"      KEY_{n}: value\n" for n in range(16))

    files = {f"docker-compose-demo{n}.yml": demo(n) for n in range(9)}
    assert divide(files, tuple(files), SplitOptions())[1] == files
    monkeypatch.setattr("composerefactor.transforms.split.MOST_SHORT_FILES", 1000)
    assert divide(files, tuple(files), SplitOptions())[1] != files


def test_small_files_use_the_modules_of_large_ones(divide: Divide) -> None:
    data = "".join(service(name, "dns: [1.1.1.1]", "init: true") for name in ("db", "cache", "mq"))
    large = "".join(map(long_service, ("web", "api", "cms", "cdn")))
    more, less = large.replace("1g", "2g"), "".join(map(long_service, ("shop", "mail")))
    files = {
        "docker-compose-a.yml": f"services:\n{data}{large}",
        "docker-compose-b.yml": f"services:\n{data}{more}{less}",
        "docker-compose-c.yml": f"services:\n{data}{service('one')}",
        "docker-compose-d.yml": f"services:\n{data}{service('two')}",
    }
    _, found = divide(files, tuple(files), SplitOptions())
    assert sum("  db:" in text for text in found.values()) == 1


def test_a_file_in_which_nothing_runs_completes_another(divide: Divide) -> None:
    text = "services:\n" + "".join(f"  {c}:\n    dns: [1.1.1.1]\n" for c in "abcde")
    plan, _ = divide({MAIN: text}, (MAIN,))
    assert {unmoved.reason for unmoved in plan.unmoved} == {
        "none of its services has an image or a build: the file completes another one"
    }
