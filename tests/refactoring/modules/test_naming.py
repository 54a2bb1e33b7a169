from __future__ import annotations

import pytest

from composerefactor.refactoring.modules.grouping import (
    MAX_NAME,
    Family,
    Names,
    environment_name,
    kebab,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("docker-compose.yml", "docker-compose.api.yml"),
        ("docker-compose.yaml", "docker-compose.api.yaml"),
        ("deploy/compose.yaml", "compose.api.yaml"),
        ("compose.prod.yml", "compose.api.yml"),
        ("stack.yml", "docker-compose.api.yml"),
    ],
)
def test_family(path: str, name: str) -> None:
    assert Family.of(path).file("api") == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("docker-compose.yml", "main"),
        ("compose.yaml", "main"),
        ("docker-compose.dev.yml", "dev"),
        ("docker-compose-dev.yml", "dev"),
        ("deploy/compose.Prod_EU.yaml", "prod-eu"),
        ("stack.yml", "stack"),
    ],
)
def test_variant(path: str, name: str) -> None:
    assert environment_name(path) == name


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("api", "api"),
        ("order_api", "order-api"),
        ("orderApi", "order-api"),
        ("ORDER-API", "order-api"),
        ("a.b", "a-b"),
        ("__x__", "x"),
        ("a b/c", "a-b-c"),
        ("été", "été"),
        ("..", "service"),
    ],
)
def test_kebab(service: str, name: str) -> None:
    assert kebab(service) == name


def test_long_names_are_cut_and_stay_different() -> None:
    one, other = kebab("x" * 300), kebab("x" * 300 + "y")
    assert one != other
    assert len(one) <= MAX_NAME + 9
    assert kebab("x" * 300) == one


def test_names_are_free_whatever_the_case() -> None:
    family = Family("compose", "yaml")
    names = Names(lambda path: path == "m/compose.b.yaml")
    assert names.take("m", family, "a") == "m/compose.a.yaml"
    assert names.take("m", family, "A") == "m/compose.A-2.yaml"
    assert names.take("m", family, "b") == "m/compose.b-2.yaml"
    assert names.reserve("m/compose.c.yaml") == "m/compose.c.yaml"
    assert names.take("m", family, "c") == "m/compose.c-2.yaml"


def test_a_directory_that_git_ignores_is_called_otherwise() -> None:
    family = Family("compose", "yaml")
    names = Names(lambda _: False, lambda path: "/services/" in path or path.startswith("out/"))
    assert names.take("m/services", family, "a") == "m/services-modules/compose.a.yaml"
    assert names.is_free("m/services", family, "b")
    assert not names.is_free("m/services", family, "a")
    assert names.take("m/other", family, "a") == "m/other/compose.a.yaml"
    assert names.take("out/services", family, "a") == "out/services/compose.a.yaml"
