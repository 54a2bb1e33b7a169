"""The modules of groups: their paths, their order, and names without numbers."""

from __future__ import annotations

from collections.abc import Collection

from composerefactor.refactoring.modules.naming import (
    Family,
    LayoutOptions,
    Names,
    ServiceGroup,
    modules_of,
)

FAMILY = Family("compose", "yaml")


def paths(
    *groups: ServiceGroup,
    names: Names | None = None,
    prefix: str = "",
    always: bool = False,
    elsewhere: Collection[str] = (),
    categories: bool = False,
) -> dict[str, tuple[str, ...]]:
    names = names or Names(lambda _: False)
    options = LayoutOptions(into="m")
    place = (groups, options, FAMILY, names, prefix)
    modules = modules_of(*place, always=always, elsewhere=elsewhere, categories=categories)
    return {module.path: module.services for module in modules}


def group(name: str, *services: str, directory: str = "services", path: str = "") -> ServiceGroup:
    return ServiceGroup(services, name, directory, "", path)


def test_infrastructure_comes_last() -> None:
    proxy = group("proxy", "nginx", directory="infrastructure")
    assert paths(proxy, group("apps", "api", "web")) == {
        "m/services/compose.apps.yaml": ("api", "web"),
        "m/infrastructure/compose.proxy.yaml": ("nginx",),
    }


def test_the_path_that_the_user_gives_is_taken_as_it_is() -> None:
    assert list(paths(group("x", "a", path="./edge/p.yaml"))) == ["edge/p.yaml"]


def test_modules_of_two_root_files_differ_by_the_name_of_the_environment() -> None:
    names = Names(lambda _: False)
    dev = paths(group("data", "db"), names=names, prefix="dev-")
    prod = paths(group("data", "db"), names=names, prefix="prod-")
    assert [*dev, *prod] == ["m/services/compose.data.yaml", "m/services/compose.prod-data.yaml"]


def test_where_one_module_has_the_name_of_the_environment_all_have_it() -> None:
    names = Names(lambda _: False)
    paths(group("data", "db"), names=names)
    found = paths(group("data", "db"), group("apps", "web"), names=names, prefix="prod-")
    assert list(found) == ["m/services/compose.prod-data.yaml", "m/services/compose.prod-apps.yaml"]


def test_the_name_of_a_file_without_one_is_only_for_names_that_are_taken() -> None:
    names = Names(lambda _: False)
    paths(group("apps", "api"), names=names)
    found = paths(group("apps", "web"), group("proxy", "nginx"), names=names, prefix="base-")
    assert list(found) == ["m/services/compose.base-apps.yaml", "m/services/compose.proxy.yaml"]


def test_a_name_that_says_more_is_for_one_that_is_taken() -> None:
    names = Names(lambda _: False)
    apps = ServiceGroup(("web", "admin"), "apps", "services", other_name="frontends")
    first = paths(apps, names=names)
    second = paths(apps, names=names, prefix="base-")
    third = paths(apps, names=names, prefix="prod-")
    assert [*first, *second, *third] == [
        "m/services/compose.apps.yaml",
        "m/services/compose.frontends.yaml",
        "m/services/compose.prod-apps.yaml",
    ]


def test_names_of_several_words_say_enough() -> None:
    both = (group("apps", "web"), group("web-shop", "a", "b"))
    found = paths(*both, prefix="ci-", always=True)
    assert list(found) == ["m/services/compose.ci-apps.yaml", "m/services/compose.web-shop.yaml"]


def test_names_say_whose_the_services_are_that_other_files_define_too() -> None:
    found = paths(group("web-shop", "a", "b"), prefix="ci-", always=True, elsewhere={"b"})
    assert list(found) == ["m/services/compose.ci-web-shop.yaml"]


def test_modules_of_one_name_differ_by_their_first_service() -> None:
    found = paths(group("data", "db", "cache"), group("data", "search"))
    assert list(found) == ["m/services/compose.data.yaml", "m/services/compose.data-search.yaml"]


def test_no_two_modules_differ_by_a_number() -> None:
    found = paths(group("a-b", "a_b"), group("a-b", "a-b"), group("a-b", "A-b"))
    assert len(found) == 3
    assert not any(path.removesuffix(".yaml")[-1].isdigit() for path in found)


def test_the_directory_of_services_says_what_a_file_of_services_is() -> None:
    names = Names(lambda _: False)
    paths(group("apps", "api"), names=names)
    found = paths(
        group("apps", "web"), group("media", "plex", "sonarr"), names=names, prefix="services-"
    )
    assert list(found) == ["m/services/compose.services-apps.yaml", "m/services/compose.media.yaml"]


def test_a_category_of_a_named_file_has_its_name() -> None:
    groups = (group("data", "db"), group("crm", "crm-api", "crm-jobs"), group("api", "api"))
    found = paths(*groups, prefix="shop-", categories=True)
    assert [path.split(".")[1] for path in found] == ["shop-data", "crm", "api"]


def test_no_name_has_a_word_of_the_file_twice() -> None:
    groups = (group("data", "db"), group("sentinel", "sentinel-1", "watch"))
    found = paths(*groups, prefix="redis-sentinel-", categories=True)
    assert [path.split(".")[1] for path in found] == ["redis-sentinel-data", "sentinel"]
