from __future__ import annotations

import pytest

from composerefactor.refactoring.modules.naming import MAX_NAME, Family, Names, kebab


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
    assert names.take("m", family, "A", "other") == "m/compose.other.yaml"
    assert names.take("m", family, "b") == "m/compose.b-services.yaml"
    assert names.reserve("m/compose.c.yaml") == "m/compose.c.yaml"
    assert names.take("m", family, "C", "c", "A") == "m/compose.C-services.yaml"


def test_words_tell_names_apart_before_a_number_does() -> None:
    names = Names(lambda _: False)
    found = [names.take("m", Family("compose", "yaml"), "a") for _ in range(6)]
    assert [path.removeprefix("m/compose.").removesuffix(".yaml") for path in found] == [
        *("a", "a-services", "a-modules", "a-split", "a-2", "a-3")
    ]


def test_a_directory_that_git_ignores_is_called_otherwise() -> None:
    family = Family("compose", "yaml")
    names = Names(lambda _: False, lambda path: "/services/" in path or path.startswith("out/"))
    assert names.take("m/services", family, "a") == "m/services-modules/compose.a.yaml"
    assert names.take("m/services", family, "a", "b") == "m/services-modules/compose.b.yaml"
    assert names.take("m/other", family, "a") == "m/other/compose.a.yaml"
    assert names.take("out/services", family, "a") == "out/services/compose.a.yaml"


def test_one_env_file_for_a_directory() -> None:
    names = Names(lambda path: path == "m/a.env", lambda path: path.endswith("b.env"))
    candidates = ("a.env", "b.env", "c-env")
    assert names.env_file("m", candidates) == "m/c-env"
    assert names.env_file("m", candidates) == "m/c-env"
    assert names.env_file("n", candidates) == "n/a.env"
    assert names.env_files == {"m": "m/c-env", "n": "n/a.env"}


def test_an_env_file_that_git_ignores_is_better_than_none() -> None:
    names = Names(lambda _: False, lambda _: True)
    assert names.env_file("m", ("a.env", "b.env")) == "m/a.env"
