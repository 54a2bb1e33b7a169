"""Which services come together: what the owner of the file grouped already."""

from __future__ import annotations

from functools import partial

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.images.catalog import Placement
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.refactoring.modules.grouping import (
    FEWEST_LINES,
    FEWEST_LINES_OF_ALIKE,
    LIST,
    LONG_BLOCK,
    MOST_SERVICES,
    most_services,
    plan_groups,
    service_groups,
    tied_groups,
)
from composerefactor.refactoring.modules.naming import Granularity, LayoutOptions, ServiceGroup, Tie
from composerefactor.refactoring.modules.service_names import block_name, common_name, main_domain
from composerefactor.yaml.source import Source

LETTERS = "abcdefghijklmnopqrstuvwxyz"
APPS = Placement("services", "apps", "applications")
PLACES = {
    "postgres": Placement("services", "database", "data stores"),
    "redis": Placement("services", "cache", "data stores"),
    "mongo": Placement("services", "database", "data stores"),
    "minio": Placement("services", "storage", "data stores"),
    "ollama": Placement("services", "ai", "applications"),
    "mcp-server": Placement("services", "ai", "applications"),
    "prometheus": Placement("infrastructure", "monitoring", "infrastructure"),
    "grafana": Placement("infrastructure", "monitoring", "infrastructure"),
    "nginx": Placement("infrastructure", "proxy", "infrastructure"),
    "shop-proxy": Placement("infrastructure", "proxy", "infrastructure"),
}


def place(name: str) -> Placement:
    return PLACES.get(name, APPS)


def service(name: str, *lines: str, length: int = FEWEST_LINES) -> str:
    """Return a service of *length* lines, so that no module is too short for its own sake."""
    body = [f"image: {name}", *lines]
    body += [f"l{n}: x" for n in range(length - 1 - len(body))]
    return f"  {name}:\n" + "".join(f"    {line}\n" for line in body)


def parsed(text: str) -> ComposeFile:
    return ComposeFile.parse(Source("compose.yaml", text))


def groups(text: str) -> list[ServiceGroup]:
    file = parsed(text)
    return plan_groups(file, AnchorIndex(file), list(file.services), place)


def planned(text: str) -> dict[str, tuple[str, ...]]:
    """Return the services of each group by its name."""
    found = {group.name: group.services for group in groups(text)}
    assert sum(map(len, found.values())) == len(parsed(text).services), "every service once"
    return found


def file_of(*services: str, head: str = "") -> str:
    return f"{head}services:\n{''.join(services)}"


OTHERS = [service(name) for name in ("web", "mail", "search", "docs")]


# --- families ---------------------------------------------------------------------------------


@pytest.mark.parametrize("merge", ["<<: *app", "<<: [*app, *more]"])
def test_services_that_merge_one_block_are_named_after_it(merge: str) -> None:
    head = "x-default-app: &app\n  image: app\nx-more: &more {tty: true}\n"
    family = [service("api", merge), service("jobs", merge)]
    first, *_ = groups(file_of(*family, *OTHERS, head=head))
    assert (first.name, first.services) == ("app", ("api", "jobs"))
    assert first.why == "share x-default-app"


def test_a_service_whose_body_others_merge_is_one_of_them() -> None:
    owner = service("api").replace("api:\n", "api: &api\n", 1)
    found = planned(file_of(owner, *OTHERS, service("jobs", "<<: *api")))
    assert found["api"] == ("api", "jobs")


def test_a_block_that_most_services_use_groups_nothing() -> None:
    head = "x-app: &app\n  init: true\n"
    services = [service(n, "<<: *app") for n in ("api", "jobs", "postgres", "prometheus")]
    assert "app" not in planned(file_of(*services, service("nginx"), head=head))


@pytest.mark.parametrize("use", ["environment: *env", "environment: {<<: *env, A: b}"])
def test_services_with_the_same_long_environment_come_together(use: str) -> None:
    head = "x-env: &env\n" + "".join(f"  V{n}: x\n" for n in range(LONG_BLOCK + 1))
    found = groups(file_of(service("api", use), *OTHERS, service("postgres", use), head=head))
    assert ("api", "postgres") in {group.services for group in found}


def test_a_short_environment_groups_nothing() -> None:
    head = "x-env: &env\n  TZ: UTC\n"
    uses = [service(name, "environment: *env") for name in ("postgres", "prometheus")]
    assert planned(file_of(*uses, *OTHERS, head=head))["postgres"] == ("postgres",)


def test_a_block_below_the_service_level_groups_nothing() -> None:
    head = "x-log: &log\n  driver: local\n"
    services = [service("postgres", "logging: *log"), service("prometheus", "logging: *log")]
    found = planned(file_of(*services, *OTHERS, head=head))
    assert found["postgres"] == ("postgres",)
    assert found["prometheus"] == ("prometheus",)


@pytest.mark.parametrize(
    ("services", "domain"),
    [
        (["prometheus", "grafana"], "monitoring"),
        (["prometheus", "grafana", "nginx"], "monitoring"),
        (["prometheus", "nginx"], ""),
        (["postgres", "redis"], ""),
        ([], ""),
    ],
)
def test_the_domain_of_most_services(services: list[str], domain: str) -> None:
    assert main_domain(services, place) == domain


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ("x-app", "app"),
        ("x-default-worker", "worker"),
        ("x-airflow-common", "airflow"),
        ("x-defaults", ""),
        ("x-common", ""),
        ("x-service", ""),
        ("x-sentry_defaults", "sentry"),
        ("x-backend-image", "backend"),
        ("x-app-common-env", "app"),
        ("x-common-env", ""),
    ],
)
def test_the_name_that_a_block_gives(block: str, name: str) -> None:
    assert block_name(block) == name


# --- siblings ---------------------------------------------------------------------------------


def test_names_that_differ_in_a_number() -> None:
    nodes = [service(f"node-{n}") for n in range(3)]
    found = planned(file_of(*nodes, service("postgres"), *OTHERS))
    assert found["node"] == ("node-0", "node-1", "node-2")


def test_a_service_and_its_own_helpers() -> None:
    services = [service(n) for n in ("api", "postgres", "api-db", "api_worker", "apiary")]
    found = planned(file_of(*services, *OTHERS))
    assert found["api"] == ("api", "api-db", "api_worker")


def test_what_prepares_a_service_of_a_longer_name_is_with_it() -> None:
    names = ("minio-server", "minio-init", "crm-api", "crm-jobs")
    found = planned(file_of(*map(service, names), *OTHERS))
    assert found["minio"] == ("minio-server", "minio-init")


def test_siblings_below_different_banners_are_apart() -> None:
    banner = "  # ---- {} ----\n"
    text = file_of(
        banner.format("Front"), service("web"), service("api"),
        banner.format("Back"), service("api-db"), service("jobs"),
    )  # fmt: skip
    assert planned(text) == {"front": ("web", "api"), "back": ("api-db", "jobs")}


def test_siblings_of_too_many_with_one_first_word_are_a_group() -> None:
    names = ("es", "es-kibana", "es-logstash", "es1-node", "es2-node", "es3-node")
    found = planned(file_of(*map(service, names), service("web")))
    assert found["es-node"] == ("es1-node", "es2-node", "es3-node")


def test_more_siblings_than_a_module_may_have_are_divided() -> None:
    nodes = [service(f"node-{n}") for n in range(2 * MOST_SERVICES + 4)]
    found = planned(file_of(*nodes, *OTHERS))
    assert max(map(len, found.values())) <= MOST_SERVICES
    assert next(iter(found)) == "node-0-to-7"


# --- banners ----------------------------------------------------------------------------------

SECTIONS = [
    "  # ==== Data stores ====\n",
    *(service("postgres"), service("redis")),
    "  # ==== 2. Apps (ours) ====\n",
    *(service("api"), service("jobs"), service("nginx")),
]


def test_banners_over_several_services_group_and_name_them() -> None:
    found = planned(file_of(*SECTIONS))
    assert found == {"data-stores": ("postgres", "redis"), "apps": ("api", "jobs", "nginx")}
    assert groups(file_of(*SECTIONS))[0].why == "are under the banner “Data stores”"


def test_a_large_section_is_divided_by_shared_blocks() -> None:
    block = "x-job-defaults: &job\n  image: jobs\n"
    jobs = [service(name, "<<: *job") for name in ("mail", "search", "export")]
    others = [service(name) for name in LETTERS[:MOST_SERVICES]]
    banners = "  # ---- Backend ----\n", "  # ---- Data ----\n"
    text = file_of(banners[0], *others, *jobs, banners[1], service("redis"), head=block)
    assert ("job", "share x-job-defaults") in [(g.name, g.why) for g in groups(text)]


def test_banners_count_more_than_shared_blocks() -> None:
    head = "x-app: &app\n  init: true\n"
    text = file_of(*SECTIONS, head=head)
    for name in ("redis", "api"):
        text = text.replace(f"image: {name}\n", f"image: {name}\n    <<: *app\n")
    assert list(planned(text)) == ["data-stores", "apps"]


def test_a_banner_above_every_service_groups_nothing() -> None:
    titled = [f"  # ---- {n} ----\n{service(n)}" for n in ("postgres", "prometheus", "api", "jobs")]
    found = planned(file_of(*titled))
    assert found["postgres"] == ("postgres",)
    assert found["apps"] == ("api", "jobs")


# --- profiles and categories ------------------------------------------------------------------


def test_services_with_the_same_profiles() -> None:
    tools = [service(n, "profiles: [tools]") for n in ("admin", "postgres")]
    found = planned(file_of(*OTHERS, *tools))
    assert found["tools"] == ("admin", "postgres")


def test_a_letter_is_no_name() -> None:
    watching = [service(name, "profiles: [m]") for name in ("prometheus", "grafana")]
    found = groups(file_of(*watching, *OTHERS))
    assert ("monitoring", "have the profile m") in [(g.name, g.why) for g in found]


@pytest.mark.parametrize("profiles", ["all, no-redis", "one, two, three"])
def test_a_profile_that_does_not_say_what_a_service_is(profiles: str) -> None:
    stores = [service(name, f"profiles: [{profiles}]") for name in ("postgres", "redis")]
    assert planned(file_of(*stores, *OTHERS))["data"] == ("postgres", "redis")


def test_a_profile_of_most_services_groups_nothing() -> None:
    services = [service(n, "profiles: [all]") for n in ("api", "postgres", "prometheus")]
    assert "all" not in planned(file_of(*services, service("nginx")))


def test_the_rest_by_category() -> None:
    names = ("api", "postgres", "web", "redis", "prometheus", "grafana", "nginx")
    assert planned(file_of(*map(service, names))) == {
        "apps": ("api", "web"),
        "data": ("postgres", "redis"),
        "monitoring": ("prometheus", "grafana"),
        "nginx": ("nginx",),
    }


def test_models_are_a_group_from_two_services_or_enough_lines_on() -> None:
    others = [service(name, length=9) for name in ("api", "web", "mail")]
    models = [service(name, length=7) for name in ("ollama", "mcp-server")]
    assert planned(file_of(*others, *models))["ai"] == ("ollama", "mcp-server")
    assert planned(file_of(*others, service("ollama")))["ollama"] == ("ollama",)
    short = (*others, models[0], service("postgres"))
    assert planned(file_of(*short))["apps"] == ("api", "web", "mail", "ollama")


def test_a_group_is_infrastructure_only_if_all_of_it_is() -> None:
    names = ("prometheus", "grafana", "api", "web")
    directories = {g.name: g.directory for g in groups(file_of(*map(service, names)))}
    assert directories == {"monitoring": "infrastructure", "apps": "services"}
    mixed = file_of(*(service(n, "profiles: [extra]") for n in ("prometheus", "api")), *OTHERS)
    assert {g.name: g.directory for g in groups(mixed)}["extra"] == "services"


# --- neither too small nor too large ----------------------------------------------------------


def test_short_services_join_those_most_like_them() -> None:
    short = [service(name, length=3) for name in ("postgres", "redis", "mail")]
    found = planned(file_of(service("api"), service("web"), *short, service("mongo", length=20)))
    assert all(len(services) > 1 for services in found.values()), found


def test_joining_short_groups_never_makes_one_of_all() -> None:
    for names in (("api", "web", "postgres"), ("a", "postgres", "prometheus", "nginx")):
        text = file_of(*(service(name, length=3) for name in names))
        assert all(len(services) < len(names) for services in planned(text).values())


def test_a_file_that_is_one_domain_stays_one_module() -> None:
    names = ("api", "web", "mail")
    assert planned(file_of(*map(service, names))) == {"apps": names}


def test_infrastructure_joins_no_services() -> None:
    names = ("api", "web", "postgres", "nginx")
    found = planned(file_of(*(service(name, length=4) for name in names)))
    assert found["nginx"] == ("nginx",)


@pytest.mark.parametrize(("total", "most"), [(3, 4), (6, 4), (9, 6), (15, 10), (60, 10)])
def test_a_module_has_no_more_than_a_part_of_all(total: int, most: int) -> None:
    assert most_services(total) == most


def test_a_large_category_is_divided_by_names() -> None:
    names = [f"{team}-{n}" for team in ("shop", "bank") for n in ("api", "web", "job", "mail")]
    found = planned(file_of(*map(service, [*names, *"abcd"])))
    assert found["shop"] == tuple(names[:4])
    assert found["bank"] == tuple(names[4:])


def test_parts_are_called_after_all_words_with_which_the_names_begin() -> None:
    parts = ("api", "web", "job", "mail")
    names = [f"{team}-core-{part}" for team in ("shop", "bank") for part in parts]
    found = planned(file_of(*map(service, [*names, *"abcd"])))
    assert found["shop-core"] == tuple(names[:4])
    assert found["bank-core"] == tuple(names[4:])


# --- extends ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ("  a: {image: a}\n  b: {image: b}\n", [["a"], ["b"]]),
        ("  a: {image: a}\n  b: {extends: a}\n  c: {image: c}\n", [["a", "b"], ["c"]]),
        ("  b: {extends: {service: a}}\n  a: {image: a}\n", [["b", "a"]]),
        ("  a: {image: a}\n  b: {extends: {file: a.yml, service: a}}\n", [["a"], ["b"]]),
        ("  a: &a\n    image: a\n  b:\n    <<: *a\n", [["a"], ["b"]]),
        (
            "  a: {image: a}\n  b: {extends: a}\n  c: {extends: b}\n  d: {image: d}\n",
            [["a", "b", "c"], ["d"]],
        ),
    ],
)
def test_what_extends_ties(services: str, expected: list[list[str]]) -> None:
    file = parsed(f"services:\n{services}")
    assert tied_groups(file, file.services) == expected


def test_a_service_that_stays_ties_nothing() -> None:
    file = parsed("services:\n  a: {image: a}\n  b: {extends: a}\n  c: {extends: a}\n")
    assert tied_groups(file, ["b", "c"]) == [["b"], ["c"]]


# --- what the user says -----------------------------------------------------------------------


def chosen(text: str, options: LayoutOptions) -> dict[str, tuple[str, ...]]:
    file = parsed(text)
    found = service_groups(file, AnchorIndex(file), file.services, place, options)
    return {group.path or group.name: group.services for group in found}


PLAIN = file_of(*map(service, ("api", "web", "postgres", "prometheus", "grafana", "nginx")))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            LayoutOptions(granularity="category"),
            {
                "apps": ("api", "web"),
                "database": ("postgres",),
                "monitoring": ("prometheus", "grafana"),
                "proxy": ("nginx",),
            },
        ),
        (
            LayoutOptions(granularity="service"),
            {n: (n,) for n in ("api", "web", "postgres", "prometheus", "grafana", "nginx")},
        ),
        (
            LayoutOptions(groups={"Core": ("postgres", "api")}, modules={"nginx": "edge/p.yaml"}),
            {
                "core": ("api", "postgres"),
                "web": ("web",),
                "monitoring": ("prometheus", "grafana"),
                "edge/p.yaml": ("nginx",),
            },
        ),
        (
            LayoutOptions(groups={"core": ("api",)}, modules={"api": "a.yaml", "web": "a.yaml"}),
            {
                "a.yaml": ("api", "web"),
                "postgres": ("postgres",),
                "monitoring": ("prometheus", "grafana"),
                "nginx": ("nginx",),
            },
        ),
    ],
)
def test_what_the_user_says_comes_first(
    options: LayoutOptions, expected: dict[str, tuple[str, ...]]
) -> None:
    assert chosen(PLAIN, options) == expected


@pytest.mark.parametrize("granularity", ["auto", "service", "category"])
def test_what_extends_ties_follows_the_user(granularity: Granularity) -> None:
    text = PLAIN + service("worker", "extends: api")
    options = partial(LayoutOptions, granularity=granularity)
    assert ("api", "worker") in chosen(text, options(modules={"worker": "w.yaml"})).values()
    whole = next(s for s in chosen(text, options()).values() if "api" in s)
    assert "worker" in whole


@pytest.mark.parametrize(
    ("group", "others", "name"),
    [
        (("job-mail", "job_import"), (), "job"),
        (("snuba-api", "snuba-errors"), (), "snuba"),
        (("snuba-api", "snuba-errors"), ("snuba",), "snuba-api"),
        (("node-0", "node-1"), (), "node"),
        (("web", "api"), (), "web"),
        (("redis6", "redis7"), (), "redis"),
        (("migrate", "api", "api-worker"), (), "api"),
    ],
)
def test_a_common_name_is_made_of_whole_words(
    group: tuple[str, ...], others: tuple[str, ...], name: str
) -> None:
    assert common_name(group, [*group, *others]) == name


def test_services_with_the_first_word_of_siblings_join_them() -> None:
    found = planned(
        "services:\n"
        + service("mq-node1")
        + service("mq-node2")
        + service("mq-auth")
        + "".join(map(service, ("shop", "billing", "search", "mail")))
    )
    assert found["mq"] == ("mq-node1", "mq-node2", "mq-auth")


@pytest.mark.parametrize(
    ("image", "is_one"),
    [("postgres:16", True), ("crm.example.com/postgres", True), ("example.com/crm-db:1", False)],
)
@pytest.mark.parametrize("store", ["crm-db", "crmdb"])
def test_a_product_is_with_its_own_data_stores(store: str, image: str, *, is_one: bool) -> None:
    crm = [service("crm-api"), service("crm-jobs"), f"  {store}:\n    image: {image}\n"]
    places = PLACES | {store: PLACES["postgres"]}
    file = parsed(file_of(service("postgres"), *crm, *OTHERS))
    found = plan_groups(file, AnchorIndex(file), list(file.services), lambda n: places.get(n, APPS))
    names = {group.name: group.services for group in found}
    assert (names.get("crm") == ("crm-api", "crm-jobs", store)) is is_one


def test_two_services_with_one_first_word_are_no_product() -> None:
    places = PLACES | {"crm-db": PLACES["postgres"]}
    file = parsed(file_of(*map(service, ("postgres", "crm-api", "crm-db")), *OTHERS))
    found = plan_groups(file, AnchorIndex(file), list(file.services), lambda n: places.get(n, APPS))
    assert ("postgres", "crm-db") in [group.services for group in found]


def test_a_tiny_service_joins_a_long_module_of_another_directory() -> None:
    places = PLACES | {"mailhog": Placement("infrastructure", "mail", "infrastructure")}
    for length in (4, FEWEST_LINES - 1):
        stores = map(service, ("postgres", "redis", "minio"))
        file = parsed(file_of(service("mailhog", length=length), *stores, *OTHERS))
        found = plan_groups(
            file, AnchorIndex(file), list(file.services), lambda n: places.get(n, APPS)
        )
        alone = ("mailhog",) in [group.services for group in found]
        assert alone is (length > FEWEST_LINES_OF_ALIKE)


def test_a_small_stranger_does_not_join_siblings() -> None:
    found = planned(
        "services:\n"
        + "".join(map(service, ("users", "users-db", "carts", "carts-db")))
        + service("printer", length=3)
    )
    assert found["printer"] == ("printer",)


def test_a_small_module_is_not_joined_where_most_services_would_be_together() -> None:
    found = planned("services:\n" + "".join(map(service, ("a", "b", "c"))) + service("redis"))
    assert found == {"apps": ("a", "b", "c"), "redis": ("redis",)}


def test_services_with_one_role_are_called_by_its_plural() -> None:
    names = [f"{each}api" for each in ("user", "cart", "order")]
    names += [f"{each}service" for each in ("mail", "audit", "time")]
    found = planned("services:\n" + "".join(map(service, names)))
    assert found == {"apis": tuple(names[:3]), "services": tuple(names[3:])}


def test_roles_in_a_cluster_are_siblings() -> None:
    names = ("pg-primary", "pg-replica-1", "pg-replica-2", "shop", "mail", "search")
    assert planned("services:\n" + "".join(map(service, names)))["pg"] == names[:3]


def test_a_long_list_of_applications_is_divided_by_what_they_are_about() -> None:
    names = ["auth-service", "wallet-service", "card-service", "ticket-service", "support-service"]
    names += [f"{letter}-service" for letter in "abcd"]
    names += ["chat-service", "mail-service"]
    found = groups("services:\n" + "".join(map(service, names)))
    assert {(each.name, each.services, each.why) for each in found} == {
        ("payments", ("wallet-service", "card-service"), "are payments by name"),
        ("support", ("ticket-service", "support-service"), "are support by name"),
        ("messaging", ("chat-service", "mail-service"), "are messaging by name"),
        ("apps", ("auth-service", *names[5:9]), "are applications"),
    }


def test_areas_of_services_with_one_first_word_begin_with_it() -> None:
    names = ["lab-shareddb", "lab-vocabdb", "lab-frontend", "lab-dashboard"]
    names += [f"lab-{letter * 2}" for letter in "abcdefghi"]
    found = planned("services:\n" + "".join(map(service, [*names, *"abcdefgh"])))
    assert found["lab-databases"] == tuple(names[:2])
    assert found["lab-frontends"] == tuple(names[2:4])
    assert found["lab"] == tuple(names[4:])


def test_no_stranger_joins_the_services_of_an_area() -> None:
    names = ["wallet", "card", "ticket", "support", *"abcdefg"]
    found = planned("services:\n" + "".join(map(service, names)) + service("redis", length=4))
    assert found["payments"] == ("wallet", "card")
    assert found["support"] == ("ticket", "support")
    assert found["apps"] == (*"abcdefg", "redis")


def test_many_short_services_of_an_area_are_a_part() -> None:
    names = ["wallet", "card", "bank", "ledger", *"abcdefghi"]
    lines = dict.fromkeys(names, 2)
    file = parsed(file_of(*map(service, names), *OTHERS))
    found = plan_groups(file, AnchorIndex(file), names, place, lines)
    assert ("payments", tuple(names[:4])) in [(each.name, each.services) for each in found]


def test_a_list_that_fits_in_one_module_is_not_divided_by_what_it_is_about() -> None:
    names = ("wallet", "card", "ticket", "support")
    assert planned(file_of(*map(service, names)))["apps"][-4:] == names


def test_applications_that_begin_with_the_same_words_are_called_so() -> None:
    names = ("celery-worker-mail", "celery-worker-scan")
    file = parsed(file_of(*map(service, names), *OTHERS))
    (only,) = plan_groups(file, AnchorIndex(file), list(names), place)
    assert (only.name, only.why) == ("celery-worker", "belong together by name")


@pytest.mark.parametrize(
    ("helper", "is_one"),
    [("redis-exporter", True), ("redis-init", True), ("redis-shop", False), ("exporter", False)],
)
def test_a_data_store_and_its_helper_are_data(helper: str, *, is_one: bool) -> None:
    places = PLACES | dict.fromkeys(("redis-exporter", "exporter"), PLACES["grafana"])
    file = parsed(file_of(service("postgres"), service("redis"), service(helper), *OTHERS))
    found = plan_groups(file, AnchorIndex(file), list(file.services), lambda n: places.get(n, APPS))
    data = next(each for each in found if "postgres" in each.services)
    assert (helper in data.services) is is_one


@pytest.mark.parametrize(("count", "names"), [(8, {"data", "redis"}), (11, {"apps"})])
def test_a_list_of_short_services_that_nothing_divides_is_one(count: int, names: set[str]) -> None:
    stores = [f"{letter}{letter}" for letter in LETTERS[:count]]
    placement = PLACES["postgres"] if count <= MOST_SERVICES else APPS
    places = PLACES | dict.fromkeys(stores, placement)
    file = parsed("services:\n" + "".join(service(name, length=6) for name in stores))
    found = plan_groups(file, AnchorIndex(file), stores, places.__getitem__)
    assert [each.services for each in found] == [tuple(stores)]
    assert (found[0].why == LIST) is (count > MOST_SERVICES)
    assert found[0].name in names


def test_databases_and_other_data_stores_have_different_names() -> None:
    databases = [f"{letter}{letter}" for letter in LETTERS[:6]]
    others = {"cache": "cache", "broker": "queue", "files": "storage"}
    places = dict.fromkeys(databases, PLACES["postgres"])
    places |= {name: Placement("services", each, "data stores") for name, each in others.items()}
    file = parsed("services:\n" + "".join(map(service, places)))
    found = plan_groups(file, AnchorIndex(file), list(places), places.__getitem__)
    assert {each.name: each.services for each in found} == {
        "databases": tuple(databases),
        "data-services": tuple(others),
    }


# --- services that need each other ---------------------------------------------------------------


def test_services_that_need_each_other_divide_a_large_category() -> None:
    shop = [service("shop", "depends_on: [cart, stock, price]"), *map(service, ("cart", "stock"))]
    shop += [service("price", "depends_on: [stock]")]
    mail = [service("mail", "depends_on: [queue, letters]"), *map(service, ("queue", "letters"))]
    mail += [service("inbox", "environment: {MAIL_URL: 'http://mail:80'}")]
    alone = [service(name) for name in ("a", "b", "c", "d")]
    found = planned(file_of(*shop, *mail, *alone))
    assert found["shop"] == ("shop", "cart", "stock", "price")
    assert found["mail"] == ("mail", "queue", "letters", "inbox")
    assert found["apps"] == ("a", "b", "c", "d")


def test_small_groups_join_the_one_that_they_are_connected_with() -> None:
    hub = service("hub", "depends_on: [red, green, blue]")
    pairs = {"red": "wine", "green": "tea", "blue": "milk"}
    short = [service(name, f"depends_on: [{needed}]") for name, needed in pairs.items()]
    short += [service(name) for name in pairs.values()]
    alone = [service(name) for name in ("a", "b", "c", "d")]
    found = planned(file_of(hub, *short, *alone))
    assert found["hub"] == ("hub", *pairs, *pairs.values())


def test_what_names_of_most_services_say_counts_more_than_connections() -> None:
    pairs = {f"{letter * 2}-api": f"{letter * 2}-job" for letter in "abcdef"}
    singles = [letter * 2 for letter in LETTERS[10:21]]
    users = [
        service(name, f"depends_on: [{list(pairs)[n % len(pairs)]}]")
        for n, name in enumerate(singles)
    ]
    found = planned(file_of(*map(service, (*pairs, *pairs.values())), *users))
    assert [found[f"{letter * 2}"] for letter in "abcdef"] == list(pairs.items())


def test_many_units_are_not_compared() -> None:
    chain = [service(f"{c}{d}", f"depends_on: [{c}a]") for c in LETTERS for d in LETTERS[:5]]
    found = planned(file_of(*chain))
    assert all("-to-" in name for name in found)


@pytest.mark.parametrize("count", [4, 13])
def test_long_services_that_nothing_divides_are_a_file_each(count: int) -> None:
    names = [f"app-{letter}{letter}" for letter in LETTERS[:count]]
    assert set(planned(file_of(*(service(name, length=40) for name in names)))) == set(names)
    short = planned(file_of(*(service(name, length=20) for name in names)))
    assert len(short) == (1 if count <= MOST_SERVICES else count)
    assert len(planned(file_of(*(service(name, length=19) for name in names)))) == 1


def test_long_services_that_differ_in_a_number_are_no_file_each() -> None:
    found = planned(file_of(*(service(f"node-{n}", length=40) for n in range(13))))
    assert all("-to-" in name for name in found)


def test_banners_over_few_services_divide_a_large_category() -> None:
    rule = "  # ------\n"
    paid = f"{rule}  # Payments\n{rule}" + service("ledger") + service("bank") + service("tax")
    plain = [service(name) for name in "abcdefgh"]
    groups_by_name = planned(file_of(*plain, paid))
    assert groups_by_name["payments"] == ("ledger", "bank", "tax")


def test_four_short_services_are_a_group() -> None:
    data = [service(name, length=2) for name in ("postgres", "redis", "mongo", "minio")]
    small = [service(name, length=2) for name in ("web-front", "mail-relay", "doc-site")]
    found = planned(file_of(*data, *small, service("search")))
    assert found["data"] == ("postgres", "redis", "mongo", "minio")


# --- one first word ------------------------------------------------------------------------------


def test_a_small_service_joins_its_namesakes_in_another_directory() -> None:
    nginx = service("shop-proxy", length=4)
    shop = [service("shop-api"), service("shop-jobs")]
    found = planned(file_of(*shop, nginx, *OTHERS))
    assert found["shop"] == ("shop-api", "shop-jobs", "shop-proxy")


def test_infrastructure_of_several_categories_is_called_so() -> None:
    small = [service(name, length=4) for name in ("prometheus", "grafana", "nginx")]
    assert planned(file_of(*small, *OTHERS))["infrastructure"] == ("prometheus", "grafana", "nginx")


def test_small_groups_of_a_part_of_the_services_are_joined() -> None:
    file = parsed(file_of(service("redis", length=4), service("api", length=4), *OTHERS))
    (only,) = plan_groups(file, AnchorIndex(file), ["redis", "api"], place)
    assert (only.name, only.services) == ("services", ("redis", "api"))


def test_only_the_lines_that_move_count() -> None:
    file = parsed(file_of(service("redis"), service("api"), *OTHERS))
    lines = {"redis": 3, "api": 3}
    assert len(plan_groups(file, AnchorIndex(file), list(lines), place)) == 2
    assert len(plan_groups(file, AnchorIndex(file), list(lines), place, lines)) == 1


def test_infrastructure_has_another_name_than_services() -> None:
    services = [service("shop-api"), service("shop-jobs")]
    proxies = [service("shop-proxy", length=6), service("shop-grafana")]
    places = PLACES | {"shop-grafana": PLACES["grafana"]}
    file = parsed(file_of(*services, *proxies, *OTHERS))
    anchors, order = AnchorIndex(file), list(file.services)
    found = plan_groups(file, anchors, order, lambda name: places.get(name, APPS))
    assert ("infrastructure", ("shop-proxy", "shop-grafana")) in [
        (g.name, g.services) for g in found
    ]


def test_a_few_data_stores_are_not_among_applications() -> None:
    stores = [service("postgres", length=5), service("redis", length=5)]
    found = planned(file_of(*stores, service("api", length=4), *OTHERS))
    assert found["data"] == ("postgres", "redis")


def test_what_is_most_alike_is_joined_first() -> None:
    stores = [service("postgres", length=4), service("redis", length=4)]
    pair = [service("shop-1", length=4), service("shop-2", length=4)]
    found = planned(file_of(*stores, *pair, service("api"), service("web", length=4)))
    assert found["apps"] == ("shop-1", "shop-2", "api", "web")


def test_a_file_of_mostly_applications_is_called_so() -> None:
    found = planned(file_of(service("redis", length=4), *OTHERS[:2], *map(service, ("n1", "n2"))))
    assert found == {"apps": ("redis", "web", "mail"), "n": ("n1", "n2")}


def test_groups_joined_for_a_block_have_no_name_of_one_category() -> None:
    tied = ("prometheus", "grafana", "nginx")
    file = parsed(file_of(*map(service, tied), *OTHERS, head="x-logging: {a: b}\n"))
    anchors, options = AnchorIndex(file), LayoutOptions()
    ties = [Tie(frozenset(tied), "x-logging")]
    found = service_groups(file, anchors, file.services, place, options, ties)
    assert {group.name: group.why for group in found} == {
        "infrastructure": "share x-logging",
        "apps": "are applications",
    }


def test_groups_joined_for_a_block_that_says_what_runs_are_called_after_it() -> None:
    head = "x-shop: &shop\n  image: shop\nx-log: &log\n  logging: {}\n"
    names = ("web", "scan", "sync")
    web, scan, sync = (service(name, "<<: [*shop, *log]") for name in names)
    rest = map(service, "abcd")
    text = file_of(
        web, "  # ---- Jobs ----\n", scan, sync, "  # ---- Rest ----\n", *rest, head=head
    )
    file = parsed(text)
    anchors, options = AnchorIndex(file), LayoutOptions()
    for block, name in (("x-shop", "shop"), ("x-log", "jobs")):
        ties = [Tie(frozenset(names), block)]
        found = service_groups(file, anchors, file.services, place, options, ties)
        assert next(each.name for each in found if each.services == names) == name


def test_applications_beside_a_profile_app_have_another_name() -> None:
    own = [service(name, "profiles: [app]") for name in ("aa", "bb")]
    found = planned("services:\n" + "".join([*own, *map(service, ("cc", "dd"))]))
    assert found == {"app": ("aa", "bb"), "services": ("cc", "dd")}


def test_names_that_differ_in_a_number_anywhere_are_siblings() -> None:
    orderers = ["orderer.example.com", "orderer2.example.com", "orderer3.example.com"]
    nodes = ["s3-node1", "s3-node1-db", "s3-node2", "s3-node2-db"]
    found = planned(file_of(*map(service, (*orderers, *nodes)), *OTHERS))
    assert found["orderer-example-com"] == tuple(orderers)
    assert found["s3"] == tuple(nodes)


def test_a_last_word_divides_a_large_category() -> None:
    models = [service(f"{name}-transformer") for name in ("text", "image", "sound")]
    others = [service(name) for name in LETTERS[:6]]
    found = planned(file_of(*models, *others))
    assert found["transformer"] == ("text-transformer", "image-transformer", "sound-transformer")
    assert found["apps"] == tuple(LETTERS[:6])


def test_exporters_are_apart_from_what_stores_and_shows_their_metrics() -> None:
    names = ["prometheus", "grafana", "alertmanager", "cadvisor", "node-exporter"]
    places = PLACES | dict.fromkeys(names, PLACES["grafana"])
    file = parsed(file_of(*map(service, names)))
    found = plan_groups(file, AnchorIndex(file), names, lambda name: places[name])
    assert {group.name: group.services for group in found} == {
        "monitoring": ("prometheus", "grafana", "alertmanager"),
        "exporters": ("cadvisor", "node-exporter"),
    }


def test_siblings_that_are_the_whole_file_stay_together() -> None:
    nodes = [f"redis-{number}" for number in range(6381, 6387)]
    assert planned(file_of(*map(service, nodes))) == {"redis": tuple(nodes)}
